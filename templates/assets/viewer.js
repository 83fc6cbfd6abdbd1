// Pictures of a study, which are for looking and never for diagnosis, and beside them those of an earlier one. Marks of a
// model are asked for only where the server names them.
"use strict";
(() => {
  const AHEAD = 10; // Slices to each side that are fetched first.
  const KEPT = 160; // Pictures in memory, about 1 MB each.
  const AT_ONCE = 4;
  const NOTCH = 60; // Of the wheel, pixels for a slice.

  const { t } = tocsin;
  const viewer = document.querySelector("section.viewer");
  if (!viewer) return;

  const make = (name, attributes = {}, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const drawn = (name, attributes, ...children) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  /** Pictures by address, the longest unused of which are let go. */
  const store = (most) => {
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
      while (kept.size > most) {
        const [oldest, gone] = kept.entries().next().value;
        kept.delete(oldest);
        gone.then((bitmap) => bitmap.close(), () => {});
      }
      return picture;
    };
    return { get, has: (address) => kept.has(address), room: () => most - kept.size };
  };

  /** Results in which a model flags something now. What was marked below an operating point is not what to look at first. */
  const flagged = () => new Set([...document.querySelectorAll('.finding[data-ai-state="flagged"]')].map(({ dataset }) => dataset.result));

  // What all stages of the page have in common.
  const look = { window: "own", outline: true, area: false, opacity: 0.4 };

  /**
   * A stage, and the slider below it. `base` is the address before its pictures, `share` the part of memory and connections
   * that it may use, `shown` is told after every turn.
   */
  const stage = ({ element, stacks, base, share, name = "", note = () => "", shown }) => {
    const pictures = store(KEPT * share);
    const at = { series: -1, layer: 0 };
    const places = new Map(); // Where somebody was in each series.

    const canvas = make("canvas", { role: "img", "data-testid": `${name}picture` });
    const where = make("span", { class: "corner where", "data-testid": `${name}slice` });
    const told = make("span", { class: "corner told" });
    // Which side of the patient lies at each edge: a picture is shown as it was sent, and that may be mirrored.
    const edges = ["left", "right", "top", "bottom"].map((edge) => [edge, make("span", { class: `side ${edge}`, "data-testid": `${name}side-${edge}` })]);
    element.append(canvas, make("span", { class: "corner" }, t("js-preview")), where, told, ...edges.map(([, span]) => span));
    const context = canvas.getContext("2d");

    const ticks = drawn("svg", { "aria-hidden": "true", preserveAspectRatio: "none" });
    const label = name ? t("js-slice-turn-prior") : t("js-slice-turn");
    const range = make("input", { type: "range", min: "1", step: "1", "aria-label": label, "data-testid": `${name}turn` });
    element.after(make("div", { class: "turn" }, ticks, range));

    const stack = () => stacks[at.series];
    const window = () => (stack().presets.includes(look.window) ? look.window : "own");
    const image = (layer) => {
      const { instance_id, frame } = stack().layers[layer];
      return `${base}/images/${instance_id}/${frame}?window=${window()}`;
    };
    /** Marks that say where to look; an earlier study is there to be compared with, and its findings are not on the page. */
    const pointing = () => {
      const results = flagged();
      return name ? stack().marks : stack().marks.filter(({ result_id }) => results.has(result_id));
    };
    const shownMarks = () => (pointing().length ? pointing() : stack().marks);
    const overlays = () =>
      shownMarks().flatMap(({ result_id, marked, heat }) => {
        const sliceOf = (list) => list.find((one) => one.layer === at.layer)?.slice;
        const [slice, hot] = [sliceOf(marked), sliceOf(heat)];
        const address = (as) => `${base}/marks/${result_id}/${slice}?as=${as}`;
        return [
          // A map fades by itself where there is little.
          look.area && hot !== undefined && [`${base}/heat/${result_id}/${hot}`, Math.min(1, 2 * look.opacity)],
          look.area && slice !== undefined && [address("area"), look.opacity],
          look.outline && slice !== undefined && [address("outline"), 1],
        ].filter(Boolean);
      });

    // ---- Drawing
    let turn = 0;
    const draw = async () => {
      const mine = ++turn;
      say();
      const overlaid = overlays();
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
        tocsin.write(told, marks.includes(null) ? t("js-marks-not-shown") : "");
        canvas.dataset.drawn = `${at.series}/${at.layer}/${window()}/${overlaid.length}`;
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
      const place = layers.length === 1 ? t("js-single") : t("js-slice", { at: at.layer + 1, count: layers.length });
      const windowed = window() === "own" ? t("js-window-as-sent") : t("js-window-said", { window: t(`js-window-${window()}`) });
      tocsin.write(where, [place, windowed, offset === null ? "" : t("js-depth", { mm: offset.toFixed(1) }), note()].filter(Boolean).join(" · "));
      canvas.setAttribute("aria-label", t("js-picture", { modality, place, window: windowed }));
      for (const [edge, span] of edges) tocsin.write(span, stack().sides?.[edge] ?? "");
      range.parentElement.hidden = layers.length === 1;
      range.value = at.layer + 1;
      range.setAttribute("aria-valuetext", place);
      ticks.querySelector(".here")?.setAttribute("x", at.layer);
      shown?.();
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
      if (next === undefined || fetching >= AT_ONCE * share) return;
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
      if (rest && "requestIdleCallback" in globalThis) requestIdleCallback(go, { timeout: 2_000 });
      else go();
      if (!rest) ahead();
    };

    const to = (layer) => {
      const next = Math.min(Math.max(layer, 0), stack().layers.length - 1);
      if (next === at.layer) return;
      at.layer = next;
      draw();
    };
    const markedLayers = () => [...new Set(pointing().flatMap((one) => [...one.marked, ...one.heat].map(({ layer }) => layer)))].sort((a, b) => a - b);
    const keyLayer = () => {
      const first = pointing()[0];
      return first ? first.key ?? first.marked[0]?.layer : undefined;
    };
    /** The slices that show what is flagged, the best first, one after the other. */
    const nextKey = () => {
      const keys = [...new Set(pointing().flatMap((one) => one.keys))];
      return keys[(keys.indexOf(at.layer) + 1) % keys.length] ?? keyLayer();
    };
    const lay = () => {
      const { layers } = stack();
      range.max = layers.length;
      ticks.setAttribute("viewBox", `0 0 ${layers.length} 1`);
      const rect = (layer, kind) => drawn("rect", { class: kind, x: layer, y: 0, width: 1, height: 1 });
      ticks.replaceChildren(...markedLayers().map((layer) => rect(layer, "marked")), rect(at.layer, "here"));
    };
    /** Shows a series where somebody left it, or at what is marked, or in its middle; draws nothing yet. */
    const open = (series) => {
      if (at.series >= 0) places.set(at.series, at.layer);
      at.series = series;
      at.layer = places.get(series) ?? keyLayer() ?? Math.floor((stack().layers.length - 1) / 2);
      lay();
    };
    /** Other stacks of the same study: what is shown stays, where it is still there. */
    const renew = (items) => {
      const before = stack();
      const layer = before.layers[at.layer];
      stacks = items;
      places.clear();
      at.series = Math.max(0, items.findIndex((one) => one.series_uid === before.series_uid));
      const same = stack().layers.findIndex((one) => one.instance_id === layer.instance_id && one.frame === layer.frame);
      at.layer = Math.max(0, same);
      lay();
    };

    return {
      element, range, stack, window, draw, to, open, renew, keyLayer, nextKey, markedLayers, pointing,
      by: (step) => to(at.layer + step),
      stacks: () => stacks,
      series: () => at.series,
      layer: () => at.layer,
    };
  };

  // ---- Two studies ----------------------------------------------------------------------------------------------------------
  /** From where to where a stack reaches along its normal, mm; nothing where the images do not say. */
  const reach = ({ layers }) => {
    const offsets = layers.map(({ offset }) => offset);
    return offsets.includes(null) ? null : [Math.min(...offsets), Math.max(...offsets)];
  };

  /**
   * The layer of `other` that lies where `layer` of `stack` does. Where both reach over the same stretch of one direction, the
   * nearest in mm; else, as where the table stood elsewhere, the one at the same part of what is covered.
   */
  const opposite = (stack, layer, other) => {
    const [here, there] = [reach(stack), reach(other)];
    const last = other.layers.length - 1;
    const together = here && there && Math.min(here[1], there[1]) - Math.max(here[0], there[0]);
    if (stack.plane !== other.plane || !(together >= Math.min(here?.[1] - here?.[0], there?.[1] - there?.[0]) / 2)) {
      return Math.round((layer / Math.max(stack.layers.length - 1, 1)) * last);
    }
    const wanted = stack.layers[layer].offset;
    const distance = (index) => Math.abs(other.layers[index].offset - wanted);
    return other.layers.reduce((nearest, _, index) => (distance(index) < distance(nearest) ? index : nearest), 0);
  };

  /** Of the earlier study's series the one that is most like this: the same plane, then the same name, then the nearest thickness. */
  const alike = (stack, others) => {
    const unlike = (other) => [
      Number(other.modality !== stack.modality),
      Number(other.plane !== stack.plane),
      Number(other.description !== stack.description),
      Math.abs((other.slice_thickness_mm ?? 0) - (stack.slice_thickness_mm ?? 0)),
    ];
    const order = (one, two) => one.map((value, index) => value - two[index]).find(Boolean) ?? 0;
    const ranked = others.map((other, index) => [unlike(other), index]).sort(([one], [two]) => order(one, two));
    return ranked[0][1];
  };

  const read = (name) => JSON.parse(viewer.dataset[name] ?? "null");
  const earlier = read("prior")?.stacks ?? [];
  const share = earlier.length ? 1 / 2 : 1;
  let linked = true;

  const now = stage({
    element: viewer.querySelector(".stage:not(.prior)"), stacks: read("stacks"), base: viewer.dataset.images, share,
    shown: () => {
      told();
      follow();
    },
  });
  const prior = earlier.length
    ? stage({
        element: viewer.querySelector(".stage.prior"), stacks: earlier, base: viewer.dataset.priorImages, share, name: "prior-",
        note: () => (linked ? t("js-linked") : t("js-unlinked")),
      })
    : null;
  prior?.element.append(make("span", { class: "corner title", "data-testid": "prior-title" }, viewer.dataset.priorTitle));
  const stages = [now, prior].filter(Boolean);

  const follow = () => {
    if (prior && linked && prior.series() >= 0) prior.to(opposite(now.stack(), now.layer(), prior.stack()));
  };
  const redraw = () => stages.forEach((one) => one.draw());

  // ---- What is below the stages
  const windows = make("div", { class: "line", role: "group", "aria-label": t("js-window") });
  const control = (name, key, text) => make("button", { type: "button", class: "small", "data-testid": name }, `${text} `, ...(key ? [make("kbd", {}, key)] : []));
  const outline = control("outline", "b", t("js-outline"));
  const area = control("area", "h", t("js-area"));
  const link = control("link", "l", t("js-link"));
  const opacity = make("input", { type: "range", class: "opacity", min: "5", max: "90", value: "40", "data-testid": "opacity" });
  const key = control("key-slice", "", t("js-key-slice"));
  const marked = make("span", { class: "dim" });
  const overlays = make("div", { class: "line", role: "group", "aria-label": t("js-marks") }, outline, area, make("label", {}, `${t("js-opacity")} `, opacity), key, marked);
  viewer.querySelector(".controls").append(...(prior ? [make("div", { class: "line" }, link)] : []), windows, overlays);

  const anyMarks = () => stages.some((one) => one.stack().marks.length > 0);
  const told = () => {
    for (const button of windows.children) button.setAttribute("aria-pressed", button.dataset.window === now.window());
    outline.setAttribute("aria-pressed", look.outline);
    area.setAttribute("aria-pressed", look.area);
    link.setAttribute("aria-pressed", linked);
  };
  const lay = () => {
    const { layers, presets, marks } = now.stack();
    const pointing = now.pointing();
    windows.replaceChildren(
      ...presets.map((window, index) =>
        make("button", { type: "button", class: "small", "data-window": window, "data-testid": `window-${window}` }, `${t(`js-window-${window}`)} `, make("kbd", {}, String(index + 1))),
      ),
    );
    overlays.hidden = !anyMarks();
    // A classifier has no outline: where it looked is all that there is.
    const outlined = stages.some((one) => one.stack().marks.some(({ marked }) => marked.length > 0));
    outline.hidden = !outlined;
    area.firstChild.textContent = `${outlined ? t("js-area") : t("js-heat")} `;
    key.hidden = now.keyLayer() === undefined;
    const models = [...new Set((pointing.length ? pointing : marks).map((one) => one.model))].join(", ");
    const said = () => {
      if (!pointing.length) return t("js-marked-below", { models });
      return t(outlined ? "js-marked" : "js-looked", { models, marked: now.markedLayers().length, count: layers.length });
    };
    marked.textContent = marks.length ? said() : "";
    for (const button of viewer.querySelectorAll("[data-series]")) {
      button.setAttribute("aria-pressed", Number(button.dataset.series) === now.series());
    }
  };

  const windowed = new Map(); // The window of each series that somebody has seen.
  const open = (series) => {
    if (!now.stacks()[series] || series === now.series()) return;
    if (now.series() >= 0) windowed.set(now.series(), look.window);
    now.open(series);
    look.window = windowed.get(series) ?? now.stack().presets[0] ?? "own";
    prior?.open(alike(now.stack(), prior.stacks()));
    lay();
    redraw();
  };
  const choose = (window) => {
    if (!now.stack().presets.includes(window)) return false;
    look.window = window;
    redraw();
  };
  const toggle = (what) => () => {
    if (!anyMarks()) return false;
    look[what] = !look[what];
    redraw();
  };
  const tie = () => {
    if (!prior) return false;
    linked = !linked;
    redraw();
    tocsin.announce(linked ? t("js-linked") : t("js-unlinked"));
  };

  // ---- By hand
  /** Whom a turn on this stage moves: tied together, the earlier follows. */
  const moved = (one) => (linked ? now : one);
  for (const one of stages) {
    let wheeled = 0;
    one.element.addEventListener(
      "wheel",
      (event) => {
        if (event.ctrlKey) return;
        event.preventDefault();
        const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * NOTCH;
        // A mouse's notch is a slice, however far it is said to go; a touch pad's strokes add up.
        if (Math.abs(pixels) >= NOTCH) {
          wheeled = 0;
          return moved(one).by(Math.sign(pixels));
        }
        wheeled += pixels;
        const slices = Math.trunc(wheeled / (NOTCH / 2));
        if (slices) {
          wheeled -= slices * (NOTCH / 2);
          moved(one).by(slices);
        }
      },
      { passive: false },
    );
    one.range.addEventListener("input", () => {
      const layer = Number(one.range.value) - 1;
      if (one !== now && linked) now.to(opposite(one.stack(), layer, now.stack()));
      else one.to(layer);
      one.range.value = one.layer() + 1;
    });
  }
  windows.addEventListener("click", (event) => {
    const window = event.target.closest("button")?.dataset.window;
    if (window) choose(window);
  });
  viewer.addEventListener("click", (event) => {
    const series = event.target.closest("[data-series]")?.dataset.series;
    if (series !== undefined) open(Number(series));
  });
  outline.addEventListener("click", toggle("outline"));
  area.addEventListener("click", toggle("area"));
  link.addEventListener("click", tie);
  opacity.addEventListener("input", () => {
    look.opacity = Number(opacity.value) / 100;
    if (look.area) redraw();
  });
  key.addEventListener("click", () => now.to(now.nextKey() ?? now.layer()));

  // ---- By keyboard: arrow keys turn pages where the viewer is meant; elsewhere they scroll.
  let pointed = null;
  viewer.addEventListener("pointerover", (event) => (pointed = stages.find((one) => one.element.contains(event.target)) ?? now));
  viewer.addEventListener("pointerleave", () => (pointed = null));
  const meant = (action) => () => {
    const focused = document.activeElement;
    const holds = stages.find((one) => one.element.contains(focused));
    if (stages.some((one) => one.range === focused)) return false;
    const one = holds ?? (focused === document.body || viewer.contains(focused) ? pointed : null);
    if (!one) return false;
    action(moved(one));
  };
  for (const [name, step] of [["ArrowUp", -1], ["ArrowDown", 1], ["ArrowLeft", -1], ["ArrowRight", 1], ["PageUp", -10], ["PageDown", 10]]) {
    tocsin.key(name, meant((one) => one.by(step)));
  }
  tocsin.key("Home", meant((one) => one.to(0)));
  tocsin.key("End", meant((one) => one.to(one.stack().layers.length - 1)));
  for (let number = 1; number <= 6; number += 1) {
    tocsin.key(String(number), () => choose(now.stack().presets[number - 1]));
  }
  tocsin.key("b", toggle("outline"));
  tocsin.key("h", toggle("area"));
  tocsin.key("l", tie);
  tocsin.key("[", () => open(now.series() - 1));
  tocsin.key("]", () => open(now.series() + 1));

  /** Marks of a model that flags nothing are shown when somebody asks for them, and not before. */
  const pointsSomewhere = () => {
    const results = flagged();
    const marks = now.stacks().flatMap((one) => one.marks);
    return marks.length === 0 || marks.some(({ result_id }) => results.has(result_id));
  };
  look.points = look.outline = pointsSomewhere();
  open(0);

  const rail = (stacks) => {
    viewer.querySelector(".rail").replaceChildren(
      ...stacks.map(({ modality, description, layers }, index) =>
        make("button", { type: "button", class: "small", "data-series": index, "data-testid": "series" }, `${modality} ${description} `, make("span", { class: "dim" }, String(layers.length))),
      ),
    );
  };

  /** New images or marks have come. */
  tocsin.renewPictures = async () => {
    const answer = await tocsin.get(`${viewer.dataset.images}/stacks`);
    if (!answer) return;
    const { items } = await answer.json();
    if (!items.length || JSON.stringify(items) === JSON.stringify(now.stacks())) return;
    const before = look.points;
    now.renew(items);
    look.points = pointsSomewhere();
    if (look.points !== before) look.outline = look.points;
    rail(items);
    lay();
    redraw();
  };
})();
