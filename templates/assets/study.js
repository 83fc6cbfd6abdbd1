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
  const typing = () =>
    part.querySelector(".sure") !== null || (part.contains(document.activeElement) && document.activeElement.matches("input:not([type=checkbox]), textarea"));

  const states = (within) => [...within.querySelectorAll("[data-ai-state], [data-images]")].map((one) => one.dataset.aiState ?? one.dataset.images).join();

  /** A form that somebody has opened, by its model and its name. */
  const formOf = (details) => details.closest("[data-model]").dataset.model + details.querySelector("summary").textContent;

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
    const idle = part.querySelector("#hide-idle")?.checked;
    const opened = [...part.querySelectorAll("details.rerun[open]")].map(formOf);
    const sections = [...fresh.body.children].map((section) => document.importNode(section, true));
    const plain = (section) => section.innerHTML.replace(/(data-until="[^"]*">)[^<]*/g, "$1");
    const same = sections.length === part.children.length && sections.every((section, index) => plain(section) === plain(part.children[index]));
    if (same) return;
    const old = new Map([...part.children].map((section) => [section.querySelector("h2")?.firstChild?.textContent, plain(section)]));
    part.replaceChildren(...sections);
    part.querySelectorAll("form.judge [name=reason]").forEach((input, index) => (input.value = reasons[index] ?? ""));
    for (const details of part.querySelectorAll("details.rerun")) details.open = opened.includes(formOf(details));
    const hide = part.querySelector("#hide-idle");
    if (hide && idle !== undefined) hide.checked = idle;
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

  // ---- An opinion that contradicts one's own earlier one: no single key or click changes it -------------------------------
  const ownOf = (form) => {
    const { finding } = Object.fromEntries(new FormData(form));
    const { reading } = form.closest("[data-reading]").dataset;
    const own = [...part.querySelectorAll(".opinions [data-own]")];
    return own.find(({ dataset }) => dataset.reading === reading && dataset.finding === finding)?.dataset.own;
  };
  const button = (text, name) => Object.assign(document.createElement("button"), { type: "button", className: "small", textContent: text, name });
  const unask = () => {
    part.querySelectorAll(".sure").forEach((question) => question.remove());
    if (late) soon();
  };
  const ask = (form, pressed, own) => {
    unask();
    const said = (verdict) => form.querySelector(`[name=verdict][value="${verdict}"]`)?.textContent.trim() ?? verdict;
    const [before, after] = [said(own), said(pressed.value)];
    const question = document.createElement("p");
    question.className = "sure";
    question.dataset.testid = "sure";
    const change = button(t("js-opinion-change-it", { after }), "change");
    const leave = button(t("js-opinion-keep", { before }), "keep");
    change.dataset.testid = "sure-change";
    leave.dataset.testid = "sure-keep";
    question.append(`${t("js-opinion-change", { before, after })} `, change, " ", leave);
    form.append(question);
    change.addEventListener("click", () => {
      unask();
      send(form, pressed);
    });
    leave.addEventListener("click", () => {
      unask();
      pressed.focus();
    });
    // A key that is held down, or the same key again, must not answer the question that it raised.
    question.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leave.click();
      else if (event.repeat) event.preventDefault();
    });
    change.focus();
    tocsin.announce(t("js-opinion-change", { before, after }));
  };

  // Forms do what they do without a script, but the picture stays where it is.
  main.addEventListener("submit", (event) => {
    event.preventDefault();
    const { target: form, submitter } = event;
    const own = form.matches("form.judge") ? ownOf(form) : undefined;
    if (own && submitter?.name === "verdict" && own !== submitter.value) return ask(form, submitter, own);
    send(form, submitter);
  });
  const send = async (form, submitter) => {
    const problem = await tocsin.send(form, submitter);
    tocsin.say(problem && t("js-nothing-changed", { problem }));
    if (problem) return refresh();
    for (const field of form.querySelectorAll("textarea, [name=reason]")) {
      field.value = "";
      field.blur();
    }
    await refresh();
  };

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
