// Which colours, and how dense: before the page is drawn, so that nothing flashes. Also the name under which our scripts find each other,
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

  // ---- Colours, and how close the rows of lists stand
  const root = document.documentElement;
  /** One of `choices` on <html>, kept in the browser; `data-<name>` says which, and the button of that name goes on to the next. */
  const choice = (name, choices, said) => {
    const kept = () => {
      try {
        return localStorage.getItem(`tocsin.${name}`);
      } catch {
        return null; // A browser that keeps nothing still shows the page.
      }
    };
    const show = (wanted) => {
      root.dataset[name] = choices.includes(wanted) ? wanted : choices[0];
      const control = document.getElementById(name);
      if (control) control.textContent = said(root.dataset[name]);
    };
    const next = () => {
      show(choices[(choices.indexOf(root.dataset[name]) + 1) % choices.length]);
      try {
        localStorage.setItem(`tocsin.${name}`, root.dataset[name]);
      } catch {
        // As above.
      }
    };
    show(kept());
    addEventListener("storage", (event) => event.key === `tocsin.${name}` && show(event.newValue));
    document.addEventListener("DOMContentLoaded", () => {
      show(root.dataset[name]);
      document.getElementById(name)?.addEventListener("click", next);
    });
    return next;
  };
  const nextTheme = choice("theme", ["dim", "dark-contrast", "light"], (name) => t("js-theme", { name: t(`js-theme-${name}`) }));
  choice("density", ["comfortable", "compact", "ultra"], (name) => t("js-density", { name: t(`js-density-${name}`) }));
  document.addEventListener("DOMContentLoaded", () => {
    root.dataset.ready = "1"; // Scripts that wait for the document have run by now.
  });
  window.tocsin = { nextTheme, t };
})();
