// One study: everything about it kept as the server has it, and what people say about it. Its pictures are viewer.js's.
"use strict";
(() => {
  const GATHER_MS = 300;

  const { t } = tocsin;
  const main = document.getElementById("main");
  const part = document.getElementById("live-part");

  // ---- What is known of the study -------------------------------------------------------------------------------------------
  let gathering;
  let late = false; // Something new waits for somebody to finish typing.
  const typing = () => part.contains(document.activeElement) && document.activeElement.matches("input, textarea");

  const states = (within) => [...within.querySelectorAll("[data-ai-state], [data-images]")].map((one) => one.dataset.aiState ?? one.dataset.images).join();

  const refresh = async () => {
    if (typing()) {
      late = true;
      return;
    }
    late = false;
    const answer = await tocsin.get(main.dataset.livePart).catch(() => null);
    if (!answer) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (typing()) {
      late = true;
      return;
    }
    const before = states(part);
    const focused = part.contains(document.activeElement) ? document.activeElement.dataset.testid : undefined;
    const reasons = [...part.querySelectorAll("form.judge [name=reason]")].map((input) => input.value);
    const sections = [...fresh.body.children].map((section) => document.importNode(section, true));
    const plain = (section) => section.innerHTML.replace(/(data-until="[^"]*">)[^<]*/g, "$1");
    const same = sections.length === part.children.length && sections.every((section, index) => plain(section) === plain(part.children[index]));
    if (same) return;
    const old = new Map([...part.children].map((section) => [section.querySelector("h2")?.firstChild?.textContent, plain(section)]));
    part.replaceChildren(...sections);
    part.querySelectorAll("form.judge [name=reason]").forEach((input, index) => (input.value = reasons[index] ?? ""));
    for (const section of sections) {
      if (old.get(section.querySelector("h2")?.firstChild?.textContent) !== plain(section)) section.classList.add("changed");
    }
    if (focused) part.querySelector(`[data-testid="${focused}"]`)?.focus({ preventScroll: true });
    tocsin.age(part);
    if (states(part) === before) return;
    const said = [...part.querySelectorAll(".finding h3")].map((heading) => heading.textContent.trim()).join("; ");
    tocsin.announce(t("js-ai-changed", { said }));
    await tocsin.renewPictures?.().catch(() => {});
  };
  const soon = () => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      refresh();
    }, GATHER_MS);
  };
  document.addEventListener("tocsin:touch", ({ detail }) => detail.study === main.dataset.studyId && soon());
  document.addEventListener("tocsin:resync", soon);
  part.addEventListener("focusout", () => late && soon());
  part.addEventListener("animationend", (event) => event.target.classList.remove("changed"));

  // Forms do what they do without a script, but the picture stays where it is.
  main.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const problem = await tocsin.send(form, event.submitter);
    tocsin.say(problem && t("js-nothing-changed", { problem }));
    if (problem) return refresh();
    for (const field of form.querySelectorAll("textarea, [name=reason]")) {
      field.value = "";
      field.blur();
    }
    await refresh();
  });

  // ---- By keyboard ----------------------------------------------------------------------------------------------------------
  for (const key of ["a", "d", "i"]) {
    tocsin.key(key, () => {
      const button = part.querySelector(`button[data-key="${key}"]`);
      if (!button) return false;
      button.click();
    });
    tocsin.key(key.toUpperCase(), () => {
      const button = part.querySelector(`button[data-key="${key}"]`);
      const reason = button?.form.querySelector("[name=reason]");
      if (!reason) return false;
      reason.focus();
      // Enter in the field presses this button, not the first one.
      reason.addEventListener(
        "keydown",
        (event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          button.form.requestSubmit(button);
        },
        { once: false },
      );
    });
  }
  tocsin.key("o", () => {
    const link = document.getElementById("viewer-link");
    if (!link) return false;
    link.click();
  });
  tocsin.key("m", () => {
    const heading = part.querySelector("#timeline h2");
    heading?.scrollIntoView();
    heading?.focus({ preventScroll: true });
  });
  tocsin.key("n", () => {
    let next;
    try {
      const order = JSON.parse(sessionStorage.getItem("tocsin.order") ?? "[]");
      next = order[order.indexOf(main.dataset.studyId) + 1];
    } catch {
      // Then back to the list.
    }
    location.assign(next ? `/studies/${encodeURIComponent(next)}` : "/");
  });
})();
