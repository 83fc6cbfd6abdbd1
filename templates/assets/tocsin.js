// Keeps the worklist fresh without keeping the session alive: the server is told that nobody pressed anything.
"use strict";
(() => {
  const rows = document.getElementById("rows");
  const note = document.getElementById("fresh");
  if (!rows) return;
  const every = 5000;
  const busy = () => rows.contains(document.activeElement) && document.activeElement !== document.body;
  async function refresh() {
    try {
      if (document.hidden || busy()) return;
      const answer = await fetch("/worklist/rows", {
        headers: { "X-Tocsin-Refresh": "1" },
        credentials: "same-origin",
        redirect: "error",
      });
      if (answer.status === 401 || answer.status === 403) {
        location.assign("/sign-in");
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      rows.innerHTML = await answer.text();
      note.textContent = "";
    } catch {
      note.textContent = "This list could not be refreshed. It may be out of date.";
    } finally {
      setTimeout(refresh, every);
    }
  }
  setTimeout(refresh, every);
})();
