// Which colours: before the page is drawn, so that nothing flashes. Also the name under which our scripts find each other,
// and how they say something in the language of the page.
"use strict";
(() => {
  // ---- What scripts say: messages of the page, with their values; where `count` is given, in the plural that fits it.
  const filled = (text, values) => text.replace(/\{ *\$(\w+) *\}/g, (_, value) => values[value]);
  let messages;
  const plural = new Intl.PluralRules(document.documentElement.lang);
  const t = (name, values = {}) => {
    messages ??= JSON.parse(document.body.dataset.say);
    const text = messages[`${name}-${plural.select(values.count ?? 0)}`] ?? messages[`${name}-other`] ?? messages[name];
    return filled(text ?? name, values);
  };

  // ---- Colours
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
    if (control) control.textContent = t("js-theme", { name: t(`js-theme-${root.dataset.theme}`) });
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
  window.tocsin = { nextTheme: next, t };
})();
