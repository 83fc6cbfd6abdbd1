// Which colours: before the page is drawn, so that nothing flashes. Also the name under which our scripts find each other.
"use strict";
(() => {
  const THEMES = ["dim", "dark-contrast", "light"];
  const root = document.documentElement;
  const kept = () => {
    try {
      return localStorage.getItem("tocsin.theme");
    } catch {
      return null; // A browser that keeps nothing still shows the page.
    }
  };
  const show = (name) => {
    root.dataset.theme = THEMES.includes(name) ? name : THEMES[0];
    const control = document.getElementById("theme");
    if (control) control.textContent = `Theme: ${root.dataset.theme.replace("-", " ")}`;
  };
  const next = () => {
    show(THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length]);
    try {
      localStorage.setItem("tocsin.theme", root.dataset.theme);
    } catch {
      // As above.
    }
  };
  show(kept());
  addEventListener("storage", (event) => event.key === "tocsin.theme" && show(event.newValue));
  document.addEventListener("DOMContentLoaded", () => {
    show(root.dataset.theme);
    document.getElementById("theme")?.addEventListener("click", next);
    root.dataset.ready = "1"; // Scripts that wait for the document have run by now.
  });
  window.tocsin = { nextTheme: next };
})();
