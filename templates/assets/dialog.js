// Dialogs that lie over the page: the palette, the quick look, the keys. They are not modal to the browser: that makes everything
// behind them inert, and a list of 200 rows takes 100 ms to be restyled. A veil takes the pointer instead, and the focus stays inside.
// What hides patients (the lock, the end of a session) is truly modal.
"use strict";
(() => {
  const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  const cover = (dialog) => {
    dialog.setAttribute("aria-modal", "true");
    dialog.show();
  };
  const uncover = (dialog) => {
    dialog.close();
    // Where nothing had the focus before, the browser leaves it for a moment in what is hidden now, and a key would be lost in it.
    if (dialog.contains(document.activeElement)) document.activeElement.blur();
  };
  const opened = () => document.querySelector("dialog[open]:not(:modal)");
  const stops = (dialog) => [...dialog.querySelectorAll(FOCUSABLE)].filter((element) => !element.disabled && element.tabIndex >= 0 && element.checkVisibility());

  /** Where Tab goes next, when it would leave the dialog. */
  const turn = (dialog, back) => {
    const all = stops(dialog);
    const [first, last] = back ? [all.at(-1), all[0]] : [all[0], all.at(-1)];
    return !dialog.contains(document.activeElement) || document.activeElement === last ? (first ?? dialog) : undefined;
  };

  // Before the keys of the page and of its fields, which have their own use for Escape.
  document.addEventListener(
    "keydown",
    (event) => {
      const dialog = opened();
      if (!dialog || document.querySelector("dialog:modal")) return;
      if (event.key === "Escape") uncover(dialog);
      const next = event.key === "Tab" && turn(dialog, event.shiftKey);
      next?.focus?.();
      if (next || event.key === "Escape") event.preventDefault();
    },
    true,
  );
  // Script that moves the focus behind the veil, as a list that draws itself anew may do, has it sent back.
  document.addEventListener("focusin", (event) => {
    const dialog = opened();
    if (dialog && !dialog.contains(event.target) && !event.target.closest("dialog")) stops(dialog)[0]?.focus();
  });
  // A press on the veil takes no focus, so that closing gives it back.
  const veil = document.querySelector(".veil");
  veil?.addEventListener("mousedown", (event) => event.preventDefault());
  veil?.addEventListener("click", () => uncover(opened()));

  Object.assign(window.tocsin, { cover, uncover });
})();
