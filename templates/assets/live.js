// What every page of a signed-in person does: it follows the server, says truthfully whether it still hears it, hides
// patients when the session is over, and takes keys. Pages listen to `tocsin:touch` and `tocsin:resync`.
"use strict";
(() => {
  const STALE_MS = 25_000;
  const OFFLINE_MS = 60_000;
  const CHORD_MS = 1_500;
  const INSTANT = /\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g;

  const root = document.documentElement;
  const live = document.getElementById("live");

  // ---- Time -------------------------------------------------------------------------------------------------------------
  let offset = 0; // The server's clock minus ours, ms.
  const now = () => Date.now() + offset;
  const clock = (() => {
    const shape = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
    try {
      return new Intl.DateTimeFormat("en-GB", { ...shape, timeZone: live?.dataset.zone });
    } catch {
      return new Intl.DateTimeFormat("en-GB", shape);
    }
  })();

  /** As the server writes it: `40 s`, `12 min`, `3 h 05`. */
  const duration = (ms) => {
    const seconds = Math.max(0, Math.floor(ms / 1_000));
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
    return `${Math.floor(seconds / 3_600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, "0")}`;
  };

  const write = (element, text) => {
    if (element && element.textContent !== text) element.textContent = text;
  };

  const SOON_MS = 15 * 60_000;
  /** Lets the ages on the page go on. */
  const age = (within) => {
    const at = now();
    for (const element of within.querySelectorAll("[data-since]")) {
      const since = Date.parse(element.dataset.since);
      if (since) write(element, duration(at - since));
    }
    for (const element of within.querySelectorAll("[data-until]")) {
      const left = Date.parse(element.dataset.until) - at;
      if (Number.isNaN(left)) continue;
      write(element, left <= 0 ? tocsin.t("js-due") : duration(left));
      const cell = element.closest(".cap");
      if (cell) cell.className = `cap ${left <= 0 ? "due" : left < SOON_MS ? "soon" : "later"}`;
    }
  };

  // ---- Words for those who listen, and for those who look -----------------------------------------------------------------
  const announcer = document.getElementById("announcer");
  const announce = (text) => {
    if (announcer) announcer.textContent = text;
  };
  const said = document.getElementById("said");
  /** What an action came to, until the next one. */
  const say = (text) => {
    if (!said) return;
    said.querySelector("span").textContent = text;
    said.hidden = !text;
  };
  said?.querySelector("button").addEventListener("click", () => say(""));

  // ---- The session --------------------------------------------------------------------------------------------------------
  const over = () => {
    if (root.dataset.session === "over") return;
    root.dataset.session = "over";
    for (const part of document.querySelectorAll("body > :not(dialog):not(script)")) part.inert = true;
    document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
    const dialog = document.getElementById("over");
    dialog?.addEventListener("keydown", (event) => event.key === "Escape" && event.preventDefault());
    dialog?.addEventListener("cancel", (event) => event.preventDefault());
    dialog?.showModal();
  };

  /** Asks the server; says so when the session is over. `null` when there is nothing to show. */
  const get = async (path) => {
    const answer = await fetch(path, { headers: { "X-Tocsin-Refresh": "1" }, redirect: "error" });
    if (answer.status === 401) over();
    if (answer.status === 423) tell("tocsin:locked");
    return answer.ok ? answer : null;
  };

  /** Sends a form as its button would, without leaving the page. The words of the problem, or nothing. */
  const send = async (form, button) => {
    const body = new URLSearchParams(new FormData(form, button));
    const path = button?.getAttribute("formaction") ?? form.getAttribute("action");
    try {
      const answer = await fetch(path, {
        method: "POST",
        body,
        headers: { Accept: "application/json" },
        redirect: "manual", // What comes after is what the page shows already.
      });
      if (answer.type === "opaqueredirect" || answer.ok) return "";
      if (answer.status === 401) over();
      if (answer.status === 423) tell("tocsin:locked");
      const problem = await answer.json().catch(() => ({}));
      return problem.detail?.replace(INSTANT, (instant) => clock.format(Date.parse(instant))) ?? tocsin.t("js-answered", { status: answer.status });
    } catch {
      return tocsin.t("js-unreachable");
    }
  };

  // ---- The stream ---------------------------------------------------------------------------------------------------------
  let heardAt = Date.now();
  let heardNow; // The server's time then.
  let port;

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, { detail }));
  const hear = ({ data }) => {
    if (data.seq) root.dataset.seq = data.seq;
    if (data.kind === "over") return over();
    if (data.kind === "locked") return tell("tocsin:locked");
    if (data.kind === "touch") return tell("tocsin:touch", { study: data.study });
    if (data.kind === "resync") return tell("tocsin:resync");
    heardAt = Date.now();
    heardNow = Date.parse(data.now);
    offset = heardNow - heardAt;
    look();
  };

  const follow = () => {
    const address = live.dataset.worker;
    try {
      const worker = new SharedWorker(address);
      port = worker.port;
      worker.addEventListener("error", alone);
    } catch {
      return alone();
    }
    port.onmessage = hear;
    port.postMessage("hello");
  };
  /** Some browsers share no workers: then each tab has its own stream. */
  const alone = () => {
    port = new Worker(live.dataset.worker);
    port.onmessage = hear;
    port.postMessage("hello");
  };

  const stale = document.getElementById("stale");
  const look = () => {
    const silent = Date.now() - heardAt;
    const state = silent >= OFFLINE_MS ? "offline" : silent >= STALE_MS ? "stale" : heardNow ? "connected" : "";
    if (root.dataset.live !== state) root.dataset.live = state;
    const last = heardNow ? clock.format(heardNow) : tocsin.t("js-never");
    const [name, at] = {
      connected: ["js-live", clock.format(now())], stale: ["js-stale", last], offline: ["js-offline", last],
    }[state] ?? ["js-connecting"];
    write(live, tocsin.t(name, { at }));
    stale.hidden = state !== "stale" && state !== "offline";
    if (stale.hidden) return;
    write(stale.querySelector("[role=status]"), tocsin.t(`js-list-${state}`, { at: last }));
    write(stale.querySelector("[aria-hidden]"), ` ${tocsin.t("js-reconnecting", { ago: duration(silent) })}`);
  };

  // ---- On paper -----------------------------------------------------------------------------------------------------------
  const printed = document.getElementById("printed");
  addEventListener("beforeprint", () => {
    if (!printed) return;
    const shape = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit" };
    const at = new Intl.DateTimeFormat("sv-SE", { ...shape, timeZone: clock.resolvedOptions().timeZone }).format(now());
    const silent = !["connected", ""].includes(root.dataset.live);
    const last = heardNow ? clock.format(heardNow) : tocsin.t("js-never");
    write(printed, `${at}${silent ? tocsin.t("js-as-of", { at: last }) : ""}`);
  });

  // ---- Keys ---------------------------------------------------------------------------------------------------------------
  const keys = new Map();
  const keysOn = () => {
    try {
      return localStorage.getItem("tocsin.keys") !== "off";
    } catch {
      return true;
    }
  };
  const typing = (target) =>
    target instanceof Element && target.matches("input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]");
  const go = (path) => () => {
    const link = document.querySelector(`header nav a[href="${path}"]`);
    if (link) link.click();
  };
  let chord = 0;
  const press = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (typing(event.target)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (!keysOn() || root.dataset.session || document.querySelector("dialog[open]")) return;
    const name = performance.now() < chord ? `g ${event.key}` : event.key;
    chord = event.key === "g" && !name.startsWith("g ") ? performance.now() + CHORD_MS : 0;
    const action = keys.get(name);
    if (action && action(event) !== false) event.preventDefault();
  };

  const help = document.getElementById("keys");
  const switches = document.getElementById("keys-on");
  if (switches) {
    switches.checked = keysOn();
    switches.addEventListener("change", () => localStorage.setItem("tocsin.keys", switches.checked ? "on" : "off"));
  }
  document.getElementById("keys-open")?.addEventListener("click", () => tocsin.cover(help));
  for (const [name, action] of [
    ["t", tocsin.nextTheme],
    ["?", () => help && tocsin.cover(help)],
    ["/", () => document.querySelector("input[type=search]")?.focus()],
    ["g w", go("/")],
    ["g a", go("/alerts")],
    ["g m", go("/messages")],
  ]) {
    keys.set(name, action);
  }
  document.addEventListener("keydown", press);

  Object.assign(window.tocsin, {
    now, clock, duration, age, announce, say, get, send, over, write,
    key: (name, action) => keys.set(name, action),
  });

  // ---- Going on -----------------------------------------------------------------------------------------------------------
  const tick = () => {
    if (follows) look();
    age(document);
  };
  // The stream is for those who may see the worklist; the others would be refused.
  const follows = Boolean(live && document.querySelector('header nav a[href="/"]'));
  if (follows) {
    live.hidden = false;
    follow();
    look();
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      port.postMessage("check");
      tick();
    });
    document.addEventListener("tocsin:unlocked", () => port.postMessage("hello"));
    addEventListener("pagehide", () => port.postMessage("bye"));
  }
  // What sticks below the header has to know how tall it is; it breaks into lines on narrow screens.
  const header = document.querySelector("header");
  new ResizeObserver(() => root.style.setProperty("--head", `${header.offsetHeight}px`)).observe(header);
  // A page out of the browser's memory may be of a session that has ended.
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  setInterval(tick, 1_000);
})();
