// A quick look at a row of the list: the key picture and the findings, without leaving the list. It is a view of the study
// like any other, so it is the study's page that is asked.
"use strict";
(() => {
  const dialog = document.getElementById("quick");
  if (!dialog) return;
  const { t } = tocsin;
  const [title, picture, findings] = ["h2", "figure", "[data-findings]"].map((part) => dialog.querySelector(part));
  const open = dialog.querySelector("a.open");
  const rowOf = (id) => document.querySelector(`#rows tr[data-study-id="${CSS.escape(id)}"]`);

  const image = (source, attributes) => Object.assign(document.createElement("img"), { src: source, decoding: "async", ...attributes });

  /** The layer that shows the finding best, with what is marked on it; the middle one where nothing is flagged. */
  const draw = (viewer, flagged) => {
    const [stack] = JSON.parse(viewer?.dataset.stacks ?? "[]");
    picture.hidden = !stack;
    if (!stack) return;
    const { layers, presets, modality } = stack;
    const marks = stack.marks.find(({ result_id }) => flagged.has(result_id));
    const layer = marks?.key ?? marks?.marked[0]?.layer ?? Math.floor((layers.length - 1) / 2);
    const { instance_id, frame } = layers[layer];
    const base = viewer.dataset.images;
    const window = presets[0] === "own" ? t("js-window-as-sent") : t("js-window-said", { window: t(`js-window-${presets[0]}`) });
    const place = t("js-slice", { at: layer + 1, count: layers.length });
    const slice = marks?.marked.find((one) => one.layer === layer)?.slice;
    picture.replaceChildren(
      image(`${base}/images/${instance_id}/${frame}?window=${presets[0]}`, { alt: t("js-picture", { modality, place, window }) }),
      ...(slice === undefined ? [] : [image(`${base}/marks/${marks.result_id}/${slice}?as=outline`, { alt: "" })]),
      Object.assign(document.createElement("figcaption"), { textContent: t("js-preview") }),
    );
  };

  let asked = 0;
  let waiting = false;
  /** Whoever does anything else meanwhile has gone on, and is not called back. */
  const forget = () => {
    asked += 1;
    waiting = false;
  };
  for (const act of ["keydown", "pointerdown", "focusin"]) {
    document.addEventListener(
      act,
      (event) => {
        if (!waiting) return;
        forget();
        // A second press takes the first back, and Escape has nothing else to close.
        if (event.key === " " || event.key === "Escape") {
          event.preventDefault();
          event.stopPropagation();
        }
      },
      true,
    );
  }
  const look = async (id) => {
    const mine = ++asked;
    waiting = true;
    const answer = await tocsin.get(`/studies/${encodeURIComponent(id)}`).catch(() => null);
    if (mine !== asked || document.documentElement.dataset.session) return;
    if (!answer) {
      forget();
      return tocsin.say(t("js-unreachable"));
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (mine !== asked || document.querySelector("dialog[open]")) return;
    waiting = false;
    title.replaceChildren(...document.importNode(page.querySelector(".about h2"), true).childNodes);
    findings.replaceChildren(document.importNode(page.querySelector("section.findings"), true));
    findings.querySelectorAll("form, details, datalist").forEach((part) => part.remove());
    open.href = `/studies/${encodeURIComponent(id)}`;
    const flagged = [...page.querySelectorAll('.finding[data-ai-state="flagged"]')].map((finding) => finding.dataset.result);
    draw(page.querySelector("section.viewer"), new Set(flagged));
    dialog.dataset.studyId = id;
    tocsin.cover(dialog);
    open.focus();
  };

  tocsin.key(" ", ({ target }) => {
    if (!target.matches?.("#rows tr[data-study-id]")) return false;
    look(target.dataset.studyId);
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    tocsin.uncover(dialog);
  });
  // The list may have drawn the row anew meanwhile.
  dialog.addEventListener("close", () => rowOf(dialog.dataset.studyId)?.focus({ preventScroll: true }));
})();
