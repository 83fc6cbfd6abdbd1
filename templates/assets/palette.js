// Everything that the page can do, to be found by typing: its own links and buttons, and the keys that stand on them.
"use strict";
(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const { t } = tocsin;
  const field = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const none = dialog.querySelector("[data-none]");

  const SOURCES = [
    [t("js-palette-pages"), "header nav a"],
    [t("js-palette-views"), "main .views a"],
    [t("js-palette-filters"), "main .filters a"],
    [t("js-palette-actions"), "header button, main .about .actions :is(a, button), main .viewer :is(.controls, .rail) button, main form.judge button, main [data-export], main [data-command]"],
  ];

  const words = (element) => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll("kbd").forEach((key) => key.remove());
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  /** What a link of many is about: the filter that it sets, the model that it judges. */
  const about = (element) => element.closest(".filters nav")?.getAttribute("aria-label") ?? element.closest(".finding")?.querySelector("h3")?.firstChild.textContent.trim();
  const visible = (element) => element.checkVisibility?.() ?? element.offsetParent !== null;
  const commands = () =>
    SOURCES.flatMap(([group, selector]) =>
      [...document.querySelectorAll(selector)]
        .filter((element) => visible(element) && !element.disabled)
        .map((element) => ({
          element,
          group,
          text: [about(element), element.getAttribute("aria-label") ?? words(element)].filter(Boolean).join(": "),
          key: element.dataset.key ?? element.querySelector("kbd")?.textContent ?? "",
        })),
    );

  let offered = [];
  let at = 0;
  const make = (name, attributes, ...children) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };
  const mark = () => {
    [...list.children].forEach((option, index) => option.setAttribute("aria-selected", index === at));
    const option = list.children[at];
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };

  let known = [];
  const offer = () => {
    const asked = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    offered = known.filter(({ group, text }) => asked.every((word) => `${group} ${text}`.toLowerCase().includes(word)));
    at = 0;
    list.replaceChildren(
      ...offered.map(({ group, text, key }, index) =>
        make("li", { role: "option", id: `command-${index}`, "data-command-at": index }, make("span", { class: "dim" }, group), make("span", {}, text), ...(key ? [make("kbd", {}, key)] : [])),
      ),
    );
    none.hidden = offered.length > 0;
    mark();
  };

  const run = (index) => {
    const command = offered[index];
    if (!command) return;
    tocsin.uncover(dialog);
    // The page may have drawn it anew meanwhile.
    const same = ({ group, text }) => group === command.group && text === command.text;
    const chosen = command.element.isConnected ? command.element : commands().find(same)?.element;
    if (!chosen) return tocsin.say(t("js-palette-gone", { what: command.text }));
    if (chosen.matches("a, button")) return chosen.click();
    chosen.scrollIntoView();
    chosen.focus({ preventScroll: true });
  };

  field.addEventListener("input", offer);
  field.addEventListener("keydown", (event) => {
    const last = offered.length - 1;
    const moved = { ArrowDown: at >= last ? 0 : at + 1, ArrowUp: at <= 0 ? last : at - 1 }[event.key];
    if (moved !== undefined) {
      event.preventDefault();
      at = moved;
      mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(at);
    }
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[data-command-at]");
    if (option) run(Number(option.dataset.commandAt));
  });

  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    if (document.documentElement.dataset.session) return;
    event.preventDefault();
    if (dialog.open) return tocsin.uncover(dialog);
    if (document.querySelector("dialog[open]")) return;
    known = commands();
    field.value = "";
    tocsin.cover(dialog);
    offer();
  });
})();
