// node bench_paint.mjs [--open 2000]: what somebody at the screen waits for, in Chromium. The largest paint and the shifts of each page
// after a fresh load, the server's own share of it, and how long presses and clicks take until the next paint (Event Timing; the
// worst of each kind). One browser on the machine that serves; aims are those of the desk: 1 s, 0.02, 100 ms.
import { parseArgs } from "node:util";
import { open, rows, signIn, start, until } from "./service.mjs";

const { values } = parseArgs({ options: { open: { type: "string", default: "2000" } } });
const AIMS = { largest_paint_ms: 1_000, shift: 0.02, longest_press_ms: 100 };
const LOADS = 5;

/** Remembers paints, shifts and presses from the first moment of every page. */
function observe() {
  globalThis.seen = { paint: 0, shift: 0, presses: [] };
  const on = (type, take, more = {}) => new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true, ...more });
  on("largest-contentful-paint", (entry) => (seen.paint = entry.startTime));
  on("layout-shift", (entry) => !entry.hadRecentInput && (seen.shift += entry.value));
  on("event", (entry) => entry.interactionId && seen.presses.push(entry.duration), { durationThreshold: 16 });
}

const settled = (page) => page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 300))));
const middle = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function loads(page, url) {
  const seen = [];
  for (let load = 0; load < LOADS; load += 1) {
    await page.goto(url);
    await page.locator('html[data-ready="1"]').waitFor();
    await settled(page);
    seen.push(await page.evaluate(() => {
      const server = performance.getEntriesByType("navigation")[0].serverTiming[0]?.duration;
      return { paint: globalThis.seen.paint, shift: globalThis.seen.shift, server };
    }));
  }
  return {
    largest_paint_ms: Math.max(...seen.map(({ paint }) => paint)), middle_paint_ms: middle(seen.map(({ paint }) => paint)),
    shift: Math.max(...seen.map(({ shift }) => shift)), server_ms: middle(seen.map(({ server }) => server)),
  };
}

/** The worst press while `act` goes on; presses below 16 ms are not told by the browser. */
async function presses(page, times, act) {
  await page.evaluate(() => (globalThis.seen.presses = []));
  for (let time = 0; time < times; time += 1) {
    await act(time);
    await settled(page);
  }
  return { longest_press_ms: Math.max(16, ...(await page.evaluate(() => globalThis.seen.presses))) };
}

const browser = await open();
let service;
try {
  service = await start();
  const admin = await service.token("admin");
  await service.send("--finding", "iph", "--volume-ml", "40", "--seed", "71");
  const { study_id } = await until("the study is read", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    return items.find(({ ai }) => ai[0]?.state === "flagged");
  });
  await service.lengthen(Number(values.open));
  const page = await signIn(browser, service, await service.token("radiologist"), { viewport: { width: 1600, height: 1000 } });
  await page.addInitScript(observe);
  const measured = {};
  for (const [name, path] of [["worklist", "/"], ["sorted by patient", "/?sort=patient"], ["study", `/studies/${study_id}`], ["report", `/studies/${study_id}/report`], ["alerts", "/alerts"]]) {
    measured[name] = await loads(page, `${service.url}${path}`);
  }
  await page.goto(service.url);
  await rows(page).nth(40).waitFor();
  measured["j, to the next row"] = await presses(page, 10, () => page.keyboard.press("j"));
  measured["w, why"] = await presses(page, 4, () => page.keyboard.press("w"));
  measured["space, quick look"] = await presses(page, 2, (time) => page.keyboard.press(time % 2 ? "Escape" : " "));
  measured["a click on why"] = await presses(page, 4, () => rows(page).nth(3).getByTestId("why").click());
  measured["palette and a word typed"] = await presses(page, 2, async (time) => {
    if (time) return page.keyboard.press("Escape");
    await page.keyboard.press("Control+k");
    await page.keyboard.type("crit");
  });
  await page.goto(`${service.url}/studies/${study_id}`);
  await page.locator("main.study .stage canvas").first().waitFor();
  await settled(page);
  measured["arrow, to the next slice"] = await presses(page, 10, () => page.keyboard.press("ArrowDown"));
  measured["1 to 4, another window"] = await presses(page, 4, (time) => page.keyboard.press(String(1 + time)));
  measured["b, outline"] = await presses(page, 2, () => page.keyboard.press("b"));
  const missed = Object.entries(measured).flatMap(([name, seen]) => Object.entries(AIMS).filter(([key, aim]) => seen[key] > aim).map(([key, aim]) => `${name}: ${key} ${seen[key]}, aim ${aim}`));
  const round = (_, value) => (typeof value === "number" ? Math.round(value * 10_000) / 10_000 : value);
  console.log(JSON.stringify({ open: Number(values.open), chromium: await page.evaluate(() => navigator.userAgent.match(/Chrome\/([0-9.]+)/)[1]), measured, missed }, round, 2));
} finally {
  await browser.close();
  await service?.stop();
}
