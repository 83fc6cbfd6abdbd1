// One stream of /live for all tabs of this browser (a browser opens few connections to one host). As a SharedWorker it has a
// port for every tab; as a plain Worker it serves the one that started it. It knows no page: it passes on what it hears.
"use strict";
(() => {
  const SILENCE_MS = 30_000; // A heartbeat comes every 10 s.
  const DOUBT_MS = 12_000;
  const LONGEST_WAIT_MS = 15_000;

  const ports = new Set();
  let source;
  let heardAt = Date.now();
  let beat; // The last one, for tabs that come later.
  let begun = false;
  let wait = 1_000;
  let again;

  const tell = (message) => ports.forEach((port) => port.postMessage(message));

  const open = () => {
    clearTimeout(again);
    source?.close();
    heardAt = Date.now();
    source = new EventSource("/live");
    // Sent to a stream that has missed nothing it knows of; between its page and itself something may have happened.
    source.addEventListener("begin", (event) => {
      begun = true;
      wait = 1_000;
      tell({ kind: "resync", seq: event.lastEventId });
    });
    source.addEventListener("resync", (event) => tell({ kind: "resync", seq: event.lastEventId }));
    source.addEventListener("touch", (event) =>
      tell({ kind: "touch", study: JSON.parse(event.data).study, seq: event.lastEventId }),
    );
    source.addEventListener("beat", (event) => {
      heardAt = Date.now();
      beat = { kind: "beat", now: JSON.parse(event.data).now };
      tell(beat);
    });
    // A stream that breaks off is opened again by the browser, which says what it last saw. One that was refused is not.
    source.addEventListener("error", () => source.readyState === EventSource.CLOSED && refused());
  };

  /** Finds out why, since an EventSource does not say. */
  const refused = async () => {
    const asked = new AbortController();
    try {
      const answer = await fetch("/live", { signal: asked.signal, redirect: "manual" });
      asked.abort();
      if (answer.status === 401 || answer.type === "opaqueredirect") return closed("over");
      if (answer.status === 403) return;
      if (answer.status === 423) return closed("locked");
    } catch {
      // Out of reach; tried again.
    }
    again = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT_MS);
  };

  /** Nothing is asked again before a page says hello. */
  const closed = (kind) => {
    source.close();
    source = undefined;
    begun = false;
    tell({ kind });
  };

  const check = (limit) => {
    if (source && Date.now() - heardAt > limit) open();
  };
  setInterval(() => check(SILENCE_MS), 5_000);

  const heard = (port, { data }) => {
    if (data === "bye") ports.delete(port);
    if (data === "check") check(DOUBT_MS);
    if (data !== "hello") return;
    ports.add(port);
    if (!source) return open();
    if (beat) port.postMessage(beat);
    if (begun) port.postMessage({ kind: "resync" });
  };

  if (typeof SharedWorkerGlobalScope === "undefined") {
    self.onmessage = (event) => heard(self, event);
  } else {
    self.onconnect = ({ ports: [port] }) => {
      port.onmessage = (event) => heard(port, event);
    };
  }
})();
