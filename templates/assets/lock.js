// Hides a page while its person is away, and opens it again where it was. The server decides: this asks it when the time is
// over, tells it when a pointer or a key is used, and lets the other tabs of this browser know that something changed.
"use strict";
(() => {
  const dialog = document.getElementById("lock");
  if (!dialog) return;
  const NOTED_MS = 20_000; // An act is told this often at most.
  const AGAIN_MS = 5_000;
  const LEFT_MS = 1_000; // By then the server has ended the session that another tab left.
  const LONGEST_MS = 60_000; // Timers of a machine that slept are late: the time is looked at, not trusted.
  const idle = Number(dialog.dataset.idle) * 1_000;
  const stays = dialog.dataset.wallStays === "1" && location.pathname === "/worklist/wall";

  const root = document.documentElement;
  const form = dialog.querySelector("form");
  const said = dialog.querySelector("[role=alert]");
  const csrf = () => new URLSearchParams({ csrf: form.elements.csrf.value });
  const others = "BroadcastChannel" in window ? new BroadcastChannel("tocsin.lock") : { postMessage() {} };
  const post = (path, body) =>
    fetch(path, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });

  let due;
  let actedAt = Date.now();
  let notedAt = Date.now(); // Loading the page was an act.
  let before; // What had the focus.

  const isLocked = () => root.dataset.session === "locked";
  const covered = () => document.querySelectorAll("body > :not(#lock):not(script)");

  const hide = () => {
    if (root.dataset.session) return;
    root.dataset.session = "locked";
    // What lies over the page gives the focus back first.
    document.querySelectorAll("dialog[open]").forEach((open) => open.close());
    before = document.activeElement;
    for (const part of covered()) part.inert = true;
    dialog.showModal();
  };

  const show = () => {
    if (!isLocked()) return;
    delete root.dataset.session;
    for (const part of covered()) part.inert = false;
    form.reset();
    said.hidden = true;
    dialog.close();
    before?.focus?.();
    document.dispatchEvent(new CustomEvent("tocsin:unlocked"));
  };

  /** Asks the server how it is. Out of its reach the page hides by its own clock. */
  const look = async () => {
    clearTimeout(due);
    let wait = AGAIN_MS;
    try {
      const answer = await fetch("/session", { headers: { "X-Tocsin-Refresh": "1" }, redirect: "error" });
      if (answer.status === 401) return tocsin.over();
      if (answer.ok) {
        const { state, locks_in_seconds } = await answer.json();
        if (state === "here" || (stays && state === "idle")) {
          show();
          wait = Math.min(Math.max(locks_in_seconds, 1) * 1_000, LONGEST_MS);
        } else {
          hide();
        }
      }
    } catch {
      if (!stays && Date.now() - actedAt >= idle) hide();
    }
    due = setTimeout(look, wait);
  };

  const act = () => {
    if (root.dataset.session) return;
    actedAt = Date.now();
    if (actedAt - notedAt < NOTED_MS) return;
    notedAt = actedAt;
    post("/session/act", csrf()).then((answer) => answer.ok || look(), () => {});
  };
  for (const sign of ["pointerdown", "pointermove", "keydown", "wheel"]) {
    addEventListener(sign, act, { passive: true, capture: true });
  }

  document.getElementById("lock-now")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    hide();
    await post("/lock", csrf()).catch(() => {});
    others.postMessage("look");
    look();
  });

  // Signing out hides the other tabs at once, and not when they ask the next time.
  document.querySelector("form.who")?.addEventListener("submit", () => others.postMessage("leaving"));

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let problem = "offline";
    try {
      const answer = await post("/prove", new URLSearchParams(new FormData(form)));
      if (answer.type === "opaqueredirect") problem = "";
      else if (answer.status === 401) return tocsin.over();
      else problem = answer.status === 429 ? "often" : "wrong";
    } catch {
      // Out of reach.
    }
    if (problem) {
      said.textContent = said.dataset[problem];
      said.hidden = false;
      return;
    }
    actedAt = Date.now();
    others.postMessage("look");
    look();
  });

  // Escape closes dialogs, a second one even against our will; this one stays until it is answered.
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.addEventListener("close", () => isLocked() && dialog.showModal());
  document.addEventListener("tocsin:locked", look);
  document.addEventListener("visibilitychange", () => document.hidden || look());
  others.onmessage = ({ data }) => {
    if (data !== "leaving") return look();
    hide();
    due = setTimeout(look, LEFT_MS);
  };
  // Whoever came back by another page, from the identity provider for one, opens this browser's other tabs with it.
  others.postMessage("look");
  look();
})();
