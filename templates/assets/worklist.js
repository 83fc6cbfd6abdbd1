// The worklist follows the server without moving under anybody's hand: while somebody points at it or works in it, what is
// in a row changes in place, and rows come, go and move only when they ask for it (`u`), or pause.
"use strict";
(() => {
  // Not all screens at the same moment.
  const GATHER_MS = 150 + Math.random() * 600;
  const PAUSE_MS = 10_000; // After this without a move of theirs, nobody is at work in the list.
  const LEAVE_MS = 1_500; // On the way to the button that applies held changes.
  const SHIELD_MS = 500; // A press this soon after rows moved by themselves was meant for another row.
  const ANNOUNCE_MS = 1_000;
  const OPENED = "tocsin.opened";
  const ORDER = "tocsin.order";

  const { t } = tocsin;
  const rows = document.getElementById("rows");
  const held = document.getElementById("held");
  const searched = "searched" in rows.dataset;
  const body = () => rows.querySelector(".list tbody");
  const listed = (within) => [...within.querySelectorAll(".list tbody > tr[data-study-id]")];
  const idOf = (row) => row.dataset.studyId;

  // ---- What the server last said of each row, without ages, which go on by themselves ------------------------------------
  const AGES = /(data-(?:since|until)="[^"]*">)[^<]*/g;
  const plain = (element) => element.innerHTML.replace(AGES, "$1");
  const known = new Map();
  const learn = (row) => known.set(idOf(row), [...row.cells].map(plain));

  // ---- Is somebody at work in the list? -------------------------------------------------------------------------------------
  let pointing = false;
  let movedAt = -Infinity;
  let leftAt = -Infinity;
  const move = () => {
    movedAt = performance.now();
  };
  const busy = () => {
    const since = performance.now() - movedAt;
    const list = rows.querySelector(".list");
    const within = pointing || list.contains(document.activeElement) || list.querySelector("details[open]");
    return (within && since < PAUSE_MS) || performance.now() - leftAt < LEAVE_MS;
  };
  const inList = (event) => event.target instanceof Element && event.target.closest(".list");
  for (const name of ["pointermove", "pointerdown", "keydown", "wheel", "focusin"]) {
    rows.addEventListener(name, (event) => inList(event) && move(), { passive: true });
  }
  rows.addEventListener("pointermove", (event) => {
    const inside = Boolean(inList(event));
    if (pointing && !inside) leftAt = performance.now();
    pointing = inside;
  });
  rows.addEventListener("pointerleave", () => {
    if (pointing) leftAt = performance.now();
    pointing = false;
  });

  // ---- Changes within a row -------------------------------------------------------------------------------------------------
  const ATTRIBUTES = ["class", "data-priority", "data-category", "data-ai-state"];
  const STANDS = ["data-rank"]; // Belongs to the place of a row, not to what it says.

  const copy = (names, from, to) => {
    for (const name of names) {
      const value = from.getAttribute(name);
      if (value === null) to.removeAttribute(name);
      else if (to.getAttribute(name) !== value) to.setAttribute(name, value);
    }
  };

  /** The cell says what `fresh` says; an open explanation stays open and a button that had the focus keeps it. */
  const renew = (cell, fresh) => {
    const open = cell.querySelector("details[open]");
    const focused = cell.contains(document.activeElement) ? document.activeElement.localName : null;
    cell.replaceChildren(...document.importNode(fresh, true).childNodes);
    if (open) cell.querySelector("details")?.setAttribute("open", "");
    if (focused) (cell.querySelector(focused) ?? cell.closest("tr")).focus({ preventScroll: true });
  };

  const say = (row, fresh, placed) => {
    const before = known.get(idOf(row)) ?? [];
    const after = [...fresh.cells].map(plain);
    let changed = false;
    for (const [at, text] of after.entries()) {
      const rank = row.cells[at].classList.contains("rank");
      if (rank && !placed) {
        after[at] = before[at];
        continue;
      }
      if (row.cells[at].className !== fresh.cells[at].className) row.cells[at].className = fresh.cells[at].className;
      if (before[at] === text) continue;
      renew(row.cells[at], fresh.cells[at]);
      changed ||= !rank;
    }
    copy(ATTRIBUTES, fresh, row);
    if (current === idOf(row)) row.classList.add("current");
    if (placed) copy(STANDS, fresh, row);
    known.set(idOf(row), after);
    if (changed) flash(row);
  };

  const flash = (row) => {
    row.classList.remove("changed");
    void row.offsetWidth; // Starts the animation anew.
    row.classList.add("changed");
  };
  rows.addEventListener("animationend", (event) => event.target.classList.remove("changed"));

  // ---- Order ----------------------------------------------------------------------------------------------------------------
  /** Those of `ids` that keep their order: all others move. `places` says where each is to go. */
  const steady = (ids, places) => {
    const ends = []; // Of the best run of each length, its last index.
    const before = new Array(ids.length).fill(-1);
    ids.forEach((id, at) => {
      const place = places.get(id);
      let low = 0;
      let high = ends.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (places.get(ids[ends[middle]]) < place) low = middle + 1;
        else high = middle;
      }
      if (low > 0) before[at] = ends[low - 1];
      ends[low] = at;
    });
    const kept = new Set();
    for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at]) kept.add(ids[at]);
    return kept;
  };

  /** What would come, go and move. */
  const difference = (fresh) => {
    const old = listed(rows);
    const places = new Map(fresh.map((row, at) => [idOf(row), at]));
    const staying = old.map(idOf).filter((id) => places.has(id));
    const kept = steady(staying, places);
    const here = new Set(staying);
    return {
      gone: old.filter((row) => !places.has(idOf(row))),
      come: fresh.filter((row) => !here.has(idOf(row))),
      moved: fresh.filter((row) => here.has(idOf(row)) && !kept.has(idOf(row))),
      kept,
    };
  };

  let shielded = new Set();
  let shieldedUntil = 0;

  const place = (fresh, asked) => {
    const { gone, come, kept } = difference(fresh);
    const focused = document.activeElement;
    const before = new Map(listed(rows).map((row, at) => [idOf(row), at]));
    gone.forEach((row) => {
      known.delete(idOf(row));
      row.remove();
    });
    const tbody = body();
    const old = new Map(listed(rows).map((row) => [idOf(row), row]));
    tbody.querySelectorAll(":scope > tr:not([data-study-id])").forEach((row) => row.remove());
    let next = null; // From the last to the first, each goes before the one that follows it.
    for (const row of [...fresh].reverse()) {
      const own = old.get(idOf(row)) ?? document.importNode(row, true);
      if (!kept.has(idOf(row))) tbody.insertBefore(own, next);
      if (!old.has(idOf(row))) learn(own);
      next = own;
    }
    const shown = listed(rows);
    fresh.forEach((row, at) => say(shown[at], row, true));
    const arrived = new Set(come.map(idOf));
    shown.filter((row) => arrived.has(idOf(row))).forEach(flash);
    if (focused && focused !== document.activeElement && focused.isConnected && rows.contains(focused)) {
      focused.focus({ preventScroll: true });
    }
    if (!asked && pointing) {
      shielded = new Set(shown.filter((row, at) => before.has(idOf(row)) && before.get(idOf(row)) !== at).map(idOf));
      shieldedUntil = performance.now() + SHIELD_MS;
    }
    remember();
  };

  rows.addEventListener(
    "click",
    (event) => {
      const row = event.target.closest("tr[data-study-id]");
      if (!row || performance.now() > shieldedUntil || !shielded.has(idOf(row))) return;
      event.preventDefault();
      event.stopPropagation();
      tocsin.announce(t("js-moved"));
    },
    true,
  );

  // ---- What has no order: the band of critical studies, counts, filters -----------------------------------------------------
  const critical = (within) => [...within.querySelectorAll("#critical-band > [data-study-id]")];
  let announced = [];
  let unseen = 0;
  let announcing;
  const band = (fresh) => {
    const before = new Set(critical(rows).map(idOf));
    const old = rows.querySelector("#critical-band");
    const next = fresh.querySelector("#critical-band");
    if (!old || !next || plain(old) === plain(next)) return;
    const more = Number(next.dataset.critical) - Number(old.dataset.critical);
    old.dataset.critical = next.dataset.critical;
    const come = critical(next.parentElement).filter((entry) => !before.has(idOf(entry)));
    const focused = old.contains(document.activeElement) && document.activeElement.getAttribute("href");
    old.replaceChildren(...document.importNode(next, true).childNodes);
    if (focused) old.querySelector(`[href="${CSS.escape(focused)}"]`)?.focus();
    for (const entry of come) {
      flash(old.querySelector(`[data-study-id="${CSS.escape(idOf(entry))}"]`));
      announced.push((entry.querySelector("a, .exam")?.textContent ?? t("js-study")).trim());
    }
    // Those for which the band has no room are counted at its end.
    if (more > come.length) {
      const rest = old.querySelector(".more");
      if (rest) flash(rest);
      unseen += more - come.length;
    }
    if (!announced.length && !unseen) return;
    clearTimeout(announcing);
    announcing = setTimeout(() => {
      const exams = unseen ? [...announced, t("js-further", { count: unseen })] : announced;
      tocsin.announce(t("js-new-critical", { count: announced.length + unseen, exams: exams.join(", ") }));
      announced = [];
      unseen = 0;
    }, ANNOUNCE_MS);
  };

  const part = (fresh, name) => {
    const old = rows.querySelector(`[data-part="${name}"]`);
    const next = fresh.querySelector(`[data-part="${name}"]`);
    if (!old || !next || old.contains(document.activeElement) || plain(old) === plain(next)) return;
    old.replaceChildren(...document.importNode(next, true).childNodes);
    for (const { name: attribute, value } of next.attributes) old.setAttribute(attribute, value);
  };

  // ---- Held changes ---------------------------------------------------------------------------------------------------------
  let waiting; // The page whose order is not shown yet.

  const offer = (fresh) => {
    const { gone, come, moved } = difference(listed(fresh));
    const count = gone.length + come.length + moved.length;
    const urgent = [...come, ...moved].map((row) => row.dataset.priority);
    const worst = ["critical", "urgent"].find((name) => urgent.includes(name));
    const many = worst && urgent.filter((name) => name === worst).length;
    held.hidden = count === 0;
    held.dataset.changes = count;
    held.dataset.worst = worst ?? "";
    tocsin.write(held, t(worst ? `js-held-${worst}` : "js-held", { changes: t("js-changes", { count }), many }));
    gone.forEach((row) => row.classList.add("gone"));
    return count > 0;
  };

  const apply = (asked) => {
    const fresh = waiting;
    waiting = undefined;
    held.hidden = true;
    if (asked || !busy()) giveRoomBack();
    if (!fresh) return;
    const none = fresh.querySelector(".list tbody > tr.none");
    place(listed(fresh), asked);
    if (none) body().replaceChildren(document.importNode(none, true));
    tocsin.age(rows);
  };

  /**
   * A row above that says more or less now has another height: the page goes along, so that `hand` stays where it was, and
   * where the page ends before that, room is made until the order is applied.
   */
  const follow = (hand, top) => {
    const drift = () => hand.getBoundingClientRect().top - top;
    scrollBy({ top: drift(), behavior: "instant" });
    const left = drift();
    if (Math.abs(left) < 1) return;
    if (left > 0) rows.style.paddingBlockEnd = "100vh";
    else rows.style.paddingBlockStart = `${(parseFloat(rows.style.paddingBlockStart) || 0) - left}px`;
    scrollBy({ top: drift(), behavior: "instant" });
  };

  const giveRoomBack = () => {
    rows.style.paddingBlockStart = rows.style.paddingBlockEnd = "";
  };

  /** Shows what a new page says, and holds its order back where somebody would be disturbed. */
  const take = (fresh) => {
    const hand = busy() && (rows.querySelector(".list tbody > tr[data-study-id]:hover") ?? chosen());
    const top = hand && hand.getBoundingClientRect().top;
    band(fresh);
    part(fresh, "filters");
    // The rows come without what was searched, which is in no address: how many match is known from the page alone.
    if (!searched) part(fresh, "counts");
    const old = new Map(listed(rows).map((row) => [idOf(row), row]));
    for (const row of listed(fresh)) {
      const own = old.get(idOf(row));
      if (own) say(own, row, false);
    }
    if (hand) follow(hand, top);
    if (searched) return;
    waiting = fresh;
    if (!busy() || !offer(fresh)) apply(false);
  };

  // ---- Asking the server ----------------------------------------------------------------------------------------------------
  let heard; // The answer before, without ages: most changes of a study change nothing that is listed.
  let asking = false;
  let again = false;
  let gathering;

  const refresh = async () => {
    if (asking) {
      again = true;
      return;
    }
    asking = true;
    try {
      const answer = await tocsin.get(rows.dataset.rows);
      if (answer) {
        const text = await answer.text();
        const said = text.replace(AGES, "$1");
        if (said === heard && !waiting) return;
        heard = said;
        const page = new DOMParser().parseFromString(text, "text/html");
        take(page.getElementById("rows") ?? page.body);
      }
    } catch {
      // Out of reach: the bar above the list says since when, and the next change or the stream's return asks again.
    } finally {
      asking = false;
      if (again) {
        again = false;
        soon();
      }
    }
  };
  const soon = () => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      refresh();
    }, GATHER_MS);
  };

  document.addEventListener("tocsin:resync", soon);
  document.addEventListener("tocsin:touch", ({ detail }) => {
    soon();
    if (!searched || rows.querySelector(`tr[data-study-id="${CSS.escape(detail.study)}"]`)) return;
    held.hidden = false;
    tocsin.write(held, t("js-news"));
  });
  const flush = () => {
    if (held.hidden) return false;
    if (searched) location.assign("/");
    else apply(true);
    return true;
  };
  held.addEventListener("click", flush);
  setInterval(() => waiting && !busy() && apply(false), 500);

  // ---- Taking and giving back -----------------------------------------------------------------------------------------------
  document.getElementById("act")?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.submitter;
    button.disabled = true;
    const problem = await tocsin.send(event.target, button);
    button.disabled = false;
    tocsin.say(problem && t("js-nothing-changed", { problem }));
    await refresh();
  });

  // ---- By keyboard ----------------------------------------------------------------------------------------------------------
  let current;
  const select = (row) => {
    if (!row) return;
    rows.querySelectorAll("tr.current").forEach((other) => {
      other.classList.remove("current");
      other.tabIndex = -1;
    });
    current = idOf(row);
    row.classList.add("current");
    row.tabIndex = 0;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };
  const chosen = () => rows.querySelector(`tr[data-study-id="${CSS.escape(current ?? "")}"]`);
  const step = (by) => () => {
    move();
    const all = listed(rows);
    const at = all.indexOf(chosen());
    select(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1)]);
  };
  const press = (find) => () => {
    const button = chosen()?.querySelector(find);
    if (!button) return false;
    button.click();
  };
  rows.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr[data-study-id]");
    if (row && idOf(row) !== current && event.target === row) select(row);
  });

  tocsin.key("j", step(1));
  tocsin.key("k", step(-1));
  tocsin.key("c", press("button"));
  tocsin.key("w", press("summary"));
  tocsin.key("u", flush);
  tocsin.key("f", () => rows.querySelector(".filters a")?.focus());
  tocsin.key("Enter", (event) => {
    if (!event.target.matches?.("tr")) return false;
    return press("a.open")();
  });
  // One explanation at a time, and Escape closes it.
  rows.addEventListener("toggle", (event) => {
    if (!event.target.matches("details.why[open]")) return;
    rows.querySelectorAll("details.why[open]").forEach((other) => other !== event.target && (other.open = false));
  }, true);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) rows.querySelectorAll("details[open]").forEach((details) => (details.open = false));
  });

  // ---- Coming back, and going on to the next --------------------------------------------------------------------------------
  const keep = (name, value) => {
    try {
      sessionStorage.setItem(name, value);
    } catch {
      // Then Back starts at the top.
    }
  };
  const remember = () => keep(ORDER, JSON.stringify(listed(rows).map(idOf)));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href^='/studies/']");
    const row = link?.closest("[data-study-id]");
    if (row) keep(OPENED, idOf(row));
  });

  listed(rows).forEach(learn);
  remember();
  try {
    const opened = sessionStorage.getItem(OPENED);
    const row = opened && listed(rows).find((each) => idOf(each) === opened);
    if (row) {
      sessionStorage.removeItem(OPENED);
      select(row);
    }
  } catch {
    // As above.
  }
})();
