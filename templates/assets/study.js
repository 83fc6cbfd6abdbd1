// One study: a viewer of its pictures, which are for looking and never for diagnosis, and everything about it kept as the
// server has it. Marks of a model are asked for only where the server names them.
"use strict";
(() => {
  const GATHER_MS = 300;
  const AHEAD = 10; // Slices to each side that are fetched first.
  const KEPT = 160; // Pictures in memory, about 1 MB each.
  const AT_ONCE = 4;
  const NOTCH = 60; // Of the wheel, pixels for a slice.

  const { t } = tocsin;
  const main = document.getElementById("main");
  const part = document.getElementById("live-part");
  const viewer = document.querySelector("section.viewer");

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  // ---- Pictures ---------------------------------------------------------------------------------------------------------
  /** Pictures by address, the longest unused of which are let go. */
  const pictures = (() => {
    const kept = new Map();
    const fetched = async (address, byItself) => {
      const headers = byItself ? { "X-Tocsin-Refresh": "1" } : {};
      const answer = await fetch(address, { headers, redirect: "error" });
      if (answer.status === 401) tocsin.over();
      if (!answer.ok) throw new Error(String(answer.status));
      return createImageBitmap(await answer.blob());
    };
    const get = (address, byItself = false) => {
      let picture = kept.get(address);
      if (picture) kept.delete(address);
      else {
        picture = fetched(address, byItself);
        picture.catch(() => kept.delete(address));
      }
      kept.set(address, picture);
      while (kept.size > KEPT) {
        const [oldest, gone] = kept.entries().next().value;
        kept.delete(oldest);
        gone.then((bitmap) => bitmap.close(), () => {});
      }
      return picture;
    };
    return { get, has: (address) => kept.has(address), room: () => KEPT - kept.size };
  })();

  const view = () => {
    let stacks = JSON.parse(viewer.dataset.stacks);
    const base = viewer.dataset.images;
    const at = { series: -1, layer: 0, window: "own", outline: true, area: false, opacity: 0.4 };
    const places = new Map(); // Where somebody was in each series, and with which window.

    // What is on the stage.
    const canvas = make("canvas", { role: "img", "data-testid": "picture" });
    const where = make("span", { class: "corner where", "data-testid": "slice" });
    const told = make("span", { class: "corner told" });
    const stage = viewer.querySelector(".stage");
    stage.append(canvas, make("span", { class: "corner" }, t("js-preview")), where, told);
    const context = canvas.getContext("2d");

    // What is below it.
    const ticks = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    ticks.setAttribute("aria-hidden", "true");
    ticks.setAttribute("preserveAspectRatio", "none");
    const range = make("input", { type: "range", min: "1", step: "1", "aria-label": t("js-slice-turn"), "data-testid": "turn" });
    const windows = make("div", { class: "line", role: "group", "aria-label": t("js-window") });
    const outline = make("button", { type: "button", class: "small", "data-testid": "outline" }, `${t("js-outline")} `, make("kbd", {}, "b"));
    const area = make("button", { type: "button", class: "small", "data-testid": "area" }, `${t("js-area")} `, make("kbd", {}, "h"));
    const opacity = make("input", { type: "range", class: "opacity", min: "5", max: "90", value: "40", "data-testid": "opacity" });
    const key = make("button", { type: "button", class: "small", "data-testid": "key-slice" }, t("js-key-slice"));
    const marked = make("span", { class: "dim" });
    const overlays = make("div", { class: "line", role: "group", "aria-label": t("js-marks") }, outline, area, make("label", {}, `${t("js-opacity")} `, opacity), key, marked);
    viewer.querySelector(".controls").append(make("div", { class: "turn" }, ticks, range), windows, overlays);

    const stack = () => stacks[at.series];
    const image = (layer, window = at.window) => {
      const { instance_id, frame } = stack().layers[layer];
      return `${base}/images/${instance_id}/${frame}?window=${window}`;
    };
    const layersOf = () =>
      stack().marks.flatMap((marks) => {
        const slice = marks.marked.find((one) => one.layer === at.layer)?.slice;
        if (slice === undefined) return [];
        const address = (drawn) => `${base}/marks/${marks.result_id}/${slice}?as=${drawn}`;
        return [at.area && [address("area"), at.opacity], at.outline && [address("outline"), 1]].filter(Boolean);
      });

    // ---- Drawing
    let turn = 0;
    const draw = async () => {
      const mine = ++turn;
      say();
      const overlaid = layersOf();
      try {
        const wanted = [pictures.get(image(at.layer)), ...overlaid.map(([address]) => pictures.get(address).catch(() => null))];
        const [picture, ...marks] = await Promise.all(wanted);
        if (mine !== turn) return; // Somebody has turned on.
        if (canvas.width !== picture.width || canvas.height !== picture.height) {
          canvas.width = picture.width;
          canvas.height = picture.height;
        }
        context.globalAlpha = 1;
        context.drawImage(picture, 0, 0);
        marks.forEach((bitmap, index) => {
          if (!bitmap) return;
          context.globalAlpha = overlaid[index][1];
          context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
        });
        tocsin.write(told, "");
        canvas.dataset.drawn = `${at.series}/${at.layer}/${at.window}/${overlaid.length}`;
      } catch {
        if (mine !== turn) return;
        context.clearRect(0, 0, canvas.width, canvas.height);
        tocsin.write(told, t("js-not-shown"));
        canvas.dataset.drawn = "failed";
      }
      ahead();
    };

    const say = () => {
      const { layers, modality } = stack();
      const offset = layers[at.layer].offset;
      const place = t("js-slice", { at: at.layer + 1, count: layers.length });
      const window = at.window === "own" ? t("js-window-as-sent") : t("js-window-said", { window: t(`js-window-${at.window}`) });
      tocsin.write(where, [place, window, offset === null ? "" : t("js-depth", { mm: offset.toFixed(1) })].filter(Boolean).join(" · "));
      canvas.setAttribute("aria-label", t("js-picture", { modality, place, window }));
      range.value = at.layer + 1;
      range.setAttribute("aria-valuetext", place);
      ticks.querySelector(".here")?.setAttribute("x", at.layer);
      for (const button of windows.children) button.setAttribute("aria-pressed", button.dataset.window === at.window);
      outline.setAttribute("aria-pressed", at.outline);
      area.setAttribute("aria-pressed", at.area);
    };

    // ---- Fetching what comes next, while nothing else is to do
    let fetching = 0;
    const ahead = () => {
      const count = stack().layers.length;
      const near = [];
      for (let step = 1; step < count; step += 1) {
        if (step > AHEAD && near.length >= pictures.room()) break; // Not at the cost of what is near.
        near.push(at.layer + step, at.layer - step);
      }
      const next = near.find((layer) => layer >= 0 && layer < count && !pictures.has(image(layer)));
      if (next === undefined || fetching >= AT_ONCE) return;
      fetching += 1;
      const rest = Math.abs(next - at.layer) > AHEAD;
      const go = () =>
        pictures.get(image(next), true).then(
          () => {
            fetching -= 1;
            ahead();
          },
          () => {
            fetching -= 1; // Not again at once: what cannot be drawn now cannot be drawn in a moment.
          },
        );
      if (rest && "requestIdleCallback" in window) requestIdleCallback(go, { timeout: 2_000 });
      else go();
      if (!rest) ahead();
    };

    // ---- Turning
    const to = (layer) => {
      const next = Math.min(Math.max(layer, 0), stack().layers.length - 1);
      if (next === at.layer) return;
      at.layer = next;
      draw();
    };
    const by = (step) => () => to(at.layer + step);
    const look = (window) => {
      if (!stack().presets.includes(window)) return false;
      at.window = window;
      draw();
    };
    const keyLayer = () => {
      const first = stack().marks[0];
      return first ? first.key ?? first.marked[0]?.layer : undefined;
    };

    const lay = () => {
      const { layers, presets, marks } = stack();
      range.max = layers.length;
      windows.replaceChildren(
        ...presets.map((window, index) =>
          make("button", { type: "button", class: "small", "data-window": window, "data-testid": `window-${window}` }, `${t(`js-window-${window}`)} `, make("kbd", {}, String(index + 1))),
        ),
      );
      ticks.setAttribute("viewBox", `0 0 ${layers.length} 1`);
      const rect = (layer, kind) => {
        const element = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        for (const [name, value] of Object.entries({ class: kind, x: layer, y: 0, width: 1, height: 1 })) element.setAttribute(name, value);
        return element;
      };
      const layersMarked = [...new Set(marks.flatMap((one) => one.marked.map(({ layer }) => layer)))].sort((a, b) => a - b);
      ticks.replaceChildren(...layersMarked.map((layer) => rect(layer, "marked")), rect(at.layer, "here"));
      overlays.hidden = marks.length === 0;
      const models = [...new Set(marks.map((one) => one.model))].join(", ");
      marked.textContent = marks.length ? t("js-marked", { models, marked: layersMarked.length, count: layers.length }) : "";
      for (const button of viewer.querySelectorAll("[data-series]")) {
        button.setAttribute("aria-pressed", Number(button.dataset.series) === at.series);
      }
    };

    const open = (series) => {
      if (!stacks[series] || series === at.series) return;
      if (at.series >= 0) places.set(at.series, { layer: at.layer, window: at.window });
      at.series = series;
      const was = places.get(series);
      at.window = was?.window ?? stack().presets[0] ?? "own";
      at.layer = was?.layer ?? keyLayer() ?? Math.floor((stack().layers.length - 1) / 2);
      lay();
      draw();
    };

    let wheeled = 0;
    stage.addEventListener(
      "wheel",
      (event) => {
        if (event.ctrlKey) return;
        event.preventDefault();
        const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * NOTCH;
        // A mouse's notch is a slice, however far it is said to go; a touch pad's strokes add up.
        if (Math.abs(pixels) >= NOTCH) {
          wheeled = 0;
          return to(at.layer + Math.sign(pixels));
        }
        wheeled += pixels;
        const slices = Math.trunc(wheeled / (NOTCH / 2));
        if (slices) {
          wheeled -= slices * (NOTCH / 2);
          to(at.layer + slices);
        }
      },
      { passive: false },
    );
    range.addEventListener("input", () => to(Number(range.value) - 1));
    windows.addEventListener("click", (event) => {
      const window = event.target.closest("button")?.dataset.window;
      if (window) look(window);
    });
    viewer.addEventListener("click", (event) => {
      const series = event.target.closest("[data-series]")?.dataset.series;
      if (series !== undefined) open(Number(series));
    });
    const toggle = (what) => () => {
      if (!stack().marks.length) return false;
      at[what] = !at[what];
      draw();
    };
    outline.addEventListener("click", toggle("outline"));
    area.addEventListener("click", toggle("area"));
    opacity.addEventListener("input", () => {
      at.opacity = Number(opacity.value) / 100;
      if (at.area) draw();
    });
    key.addEventListener("click", () => to(keyLayer() ?? at.layer));

    // Arrow keys turn pages where the viewer is meant; elsewhere they scroll.
    let pointed = false;
    viewer.addEventListener("pointerenter", () => (pointed = true));
    viewer.addEventListener("pointerleave", () => (pointed = false));
    const meant = (action) => (event) => {
      const focused = document.activeElement;
      if (focused === range || !(stage.contains(focused) || (pointed && (focused === document.body || viewer.contains(focused))))) return false;
      action(event);
    };
    for (const [name, step] of [["ArrowUp", -1], ["ArrowDown", 1], ["ArrowLeft", -1], ["ArrowRight", 1], ["PageUp", -10], ["PageDown", 10]]) {
      tocsin.key(name, meant(by(step)));
    }
    tocsin.key("Home", meant(() => to(0)));
    tocsin.key("End", meant(() => to(stack().layers.length - 1)));
    for (let number = 1; number <= 6; number += 1) {
      tocsin.key(String(number), () => look(stack().presets[number - 1]));
    }
    tocsin.key("b", toggle("outline"));
    tocsin.key("h", toggle("area"));
    tocsin.key("[", () => open(at.series - 1));
    tocsin.key("]", () => open(at.series + 1));

    open(0);

    /** New images or marks have come. */
    return async () => {
      const answer = await tocsin.get(`${base}/stacks`);
      if (!answer) return;
      const { items } = await answer.json();
      if (!items.length || JSON.stringify(items) === JSON.stringify(stacks)) return;
      const shown = stack();
      const layer = shown.layers[at.layer];
      stacks = items;
      places.clear();
      at.series = Math.max(0, items.findIndex((one) => one.series_uid === shown.series_uid));
      const same = stack().layers.findIndex((one) => one.instance_id === layer.instance_id && one.frame === layer.frame);
      at.layer = Math.max(0, same);
      rail(items);
      lay();
      draw();
    };
  };

  const rail = (stacks) => {
    viewer.querySelector(".rail").replaceChildren(
      ...stacks.map(({ modality, description, layers }, index) =>
        make("button", { type: "button", class: "small", "data-series": index, "data-testid": "series" }, `${modality} ${description} `, make("span", { class: "dim" }, String(layers.length))),
      ),
    );
  };

  const renewPictures = viewer ? view() : async () => {};

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
    await renewPictures().catch(() => {});
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
