// Copying what a report says. Everything on the page can be read and saved without this.
"use strict";
(() => {
  if (!navigator.clipboard) return; // Only where the address is trusted.
  const content = ({ copy, copyOf }) => copy ?? document.getElementById(copyOf).textContent;
  const copy = async ({ currentTarget: button }) => {
    const status = button.parentElement.querySelector('[role="status"]');
    try {
      await navigator.clipboard.writeText(content(button.dataset));
      status.textContent = button.dataset.done;
    } catch {
      status.textContent = ""; // A browser that does not allow it says so itself.
    }
  };
  for (const button of document.querySelectorAll("button[data-done]")) {
    button.hidden = false;
    button.addEventListener("click", copy);
  }
})();
