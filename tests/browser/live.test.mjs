// The list while the hospital goes on: what is new comes by itself, nothing moves under a hand, and a list that does not
// hear the server says so.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, picture, rows, shown, signIn, start, until } from "./service.mjs";

let service, browser, admin;

before(async () => {
  service = await start();
  browser = await open();
  admin = await service.token("admin");
  await Promise.all([service.image(901), service.image(902)]);
  await until("both wait", async () => (await worklist()).length === 2);
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const worklist = async () => (await service.api("/api/v1/worklist", admin)).items;
const enter = async (name = "radiologist", options) => signIn(browser, service, await service.token("radiologist", name), options);
const connected = (page) => page.locator('html[data-live="connected"]').waitFor();
/** The row under a point, as somebody who presses there would hit it. */
const under = (page, { x, y }) =>
  page.evaluate(([left, top]) => document.elementFromPoint(left, top)?.closest("tr")?.dataset.studyId, [x, y]);

test("a study that comes in is on an open list without loading it again", async () => {
  const page = await enter();
  await connected(page);
  await page.evaluate(() => (window.untouched = true));
  await service.image(903);
  const study = await until("the server lists it", async () => (await worklist())[2]?.study_id);
  await page.locator(`tr[data-study-id="${study}"]`).waitFor({ timeout: 2_000 });
  assert.equal(await page.evaluate(() => window.untouched), true, "the page is the same one");
  assert.match(await page.getByTestId("live").innerText(), /^LIVE \d\d:\d\d:\d\d$/);
});

test("rows stand still under a hand; a critical study shows at once, and u brings the rest", async () => {
  const page = await enter();
  await connected(page);
  const before = await shown(page);
  const box = await rows(page).nth(1).boundingBox();
  const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await page.mouse.move(point.x, point.y);
  const target = await under(page, point);
  assert.equal(target, before[1]);
  const sent = service.send("--finding", "iph", "--volume-ml", "40", "--seed", "61");
  const critical = page.locator('#critical-band [data-category="1"]');
  await until("the band shows it", async () => {
    await page.mouse.move(point.x + Math.round(Math.random() * 4), point.y);
    return (await critical.count()) === 1;
  });
  await sent;
  assert.equal(await under(page, point), target, "the same row is under the pointer");
  assert.deepEqual(await shown(page), before, "no row has come or gone");
  const held = page.getByTestId("held");
  assert.match(await held.innerText(), /^1 change · 1 critical — press u$/);
  await until("it is announced", async () => /new critical: .*HEAD/.test(await page.locator("#announcer").innerText()));
  await picture(page, "held");
  await page.keyboard.press("u");
  await until("it is in the list", async () => (await shown(page)).length === before.length + 1);
  assert.ok(await held.isHidden());
  const ranks = await rows(page).evaluateAll((all) => all.map((row) => Number(row.dataset.rank)));
  assert.deepEqual(ranks, ranks.toSorted((a, b) => a - b));
  assert.deepEqual(await shown(page), (await worklist()).map((item) => item.study_id));
});

/** What `change` makes of the answer. */
const rewritten = (change) => async (route) => {
  const answer = await route.fetch();
  await route.fulfill({ response: answer, body: change(await answer.text()) });
};

test("a row above the hand that says more or less moves nothing under it, even where the page cannot scroll", async () => {
  const page = await enter("radiologist", { viewport: { width: 1_280, height: 2_000 } });
  await connected(page);
  const box = await rows(page).nth(1).boundingBox();
  const point = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
  await page.mouse.move(point.x, point.y);
  const target = await under(page, point);
  const height = () => rows(page).first().evaluate((row) => row.offsetHeight);
  const before = await height();
  const words = "<br>one<br>two<br>three<br>four<br>five<br>six";
  const said = /(<td class="exam"[^>]*>)/;
  for (const [much, reaches] of [[words, (now) => now > before + 60], ["", (now) => now === before]]) {
    await page.unrouteAll();
    await page.route("**/worklist/rows?*", rewritten((text) => text.replace(said, `$1${much}`)));
    await page.evaluate(() => document.dispatchEvent(new CustomEvent("tocsin:resync")));
    await until("the first row says so", async () => {
      await page.mouse.move(point.x + Math.round(Math.random() * 4), point.y);
      return reaches(await height());
    });
    assert.equal(await under(page, point), target, "the same row is under the pointer");
  }
});

/** The answer with its rows the other way round. */
const reversed = rewritten((text) => {
  const end = text.lastIndexOf("</tbody>");
  const [head, ...all] = text.slice(0, end).split(/(?=<tr class="\w+" tabindex)/);
  return head + all.reverse().join("") + text.slice(end);
});

test("rows that change places wait too, and the one that has the focus keeps it", async () => {
  const page = await enter();
  await connected(page);
  const before = await shown(page);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.route("**/worklist/rows?*", reversed);
  await page.evaluate(() => document.dispatchEvent(new CustomEvent("tocsin:resync")));
  await page.getByTestId("held").getByText(`${before.length - 1} changes`).waitFor();
  assert.deepEqual(await shown(page), before);
  await page.keyboard.press("u");
  assert.deepEqual(await shown(page), before.toReversed());
  assert.equal(await page.evaluate(() => document.activeElement.dataset.studyId), before[1]);
  await page.keyboard.press("j");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.studyId), before[0], "the row below it now");
});

test("held changes come by themselves once nobody is at work in the list", async () => {
  const page = await enter();
  await connected(page);
  const before = await shown(page);
  await rows(page).first().hover();
  await service.image(904);
  await page.getByTestId("held").waitFor();
  assert.deepEqual(await shown(page), before);
  await page.mouse.move(1, 1);
  await until("the row is there", async () => (await shown(page)).length === before.length + 1);
});

test("a silent server makes the list stale, then offline, and nothing is missing afterwards", async () => {
  const page = await browser.page();
  await page.clock.install();
  await page.goto(service.url);
  await page.getByLabel("Token").fill(await service.token("radiologist"));
  await page.getByLabel("Token").press("Enter");
  await page.waitForURL((url) => url.pathname === "/");
  await connected(page);
  service.freeze();
  try {
    await page.clock.fastForward(26_000);
    await page.locator('html[data-live="stale"]').waitFor();
    assert.match(await page.getByTestId("stale").innerText(), /List last updated \d\d:\d\d:\d\d.*\d+ s ago.*Reconnecting/s);
    await picture(page, "stale");
    await page.clock.fastForward(40_000);
    await page.locator('html[data-live="offline"]').waitFor();
    assert.match(await page.getByTestId("live").innerText(), /OFFLINE/);
    await picture(page, "offline");
  } finally {
    service.thaw();
  }
  await connected(page);
  await service.image(905);
  const expected = await until("the server lists it", async () => {
    const items = await worklist();
    return items.length === 6 && items.map((item) => item.study_id);
  });
  await until("the list is that of the server", async () => (await shown(page)).join() === expected.join());
  assert.ok(await page.getByTestId("stale").isHidden());
});

test("of two who take one study, the second is told who has it", async () => {
  const [first, second] = [await enter("Dr Ito"), await enter("Dr Kim")];
  await Promise.all([connected(first), connected(second)]);
  // The second one's list is late, as a list can be.
  await second.route("**/worklist/rows?*", (route) => route.abort());
  const study = (await shown(first))[0];
  const row = (page) => page.locator(`tr[data-study-id="${study}"]`);
  await row(first).getByTestId("claim").click();
  await row(first).getByTestId("release").waitFor();
  await row(second).getByTestId("claim").click();
  await second.getByTestId("said").getByText("Dr Ito holds this study").waitFor();
  await picture(second, "conflict");
  await second.unroute("**/worklist/rows?*");
  await row(first).getByTestId("release").click();
  await row(second).getByTestId("claim").waitFor();
  await row(first).getByTestId("claim").click();
  await row(second).getByText("Dr Ito").waitFor();
  assert.equal(await row(second).getByTestId("claim").count(), 0);
  assert.equal((await worklist()).find((item) => item.study_id === study).claimed_by, "Dr Ito");
  await row(first).getByTestId("release").click();
  browser.complaints.length = 0; // The refused claim and the held-back lists were ours.
});

test("the list is worked by keyboard", async () => {
  const page = await enter();
  await connected(page);
  const order = await shown(page);
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
  await page.keyboard.type("j?");
  assert.equal(await page.locator("#q").inputValue(), "j?", "keys are letters while somebody types");
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("w");
  await rows(page).first().locator(".pop").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/studies/${order[1]}`);
  await page.goBack();
  await page.locator('html[data-ready="1"]').waitFor();
  await until("the row has the focus again", () => page.evaluate((id) => document.activeElement.dataset.studyId === id, order[1]));
  await page.keyboard.press("?");
  await page.getByTestId("keys-on").uncheck();
  await picture(page, "keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("k");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.studyId), order[1], "keys are off");
});

test("what was searched stays, and the list says that it has news", async () => {
  const page = await enter();
  await page.getByTestId("search").fill("HEAD 901");
  await page.getByTestId("search").press("Enter");
  await page.getByText("Found by").waitFor();
  await connected(page);
  assert.doesNotMatch(page.url(), /901/, "what is searched is not in the address");
  const found = await shown(page);
  assert.equal(found.length, 1);
  const counts = page.locator('[data-part="counts"]');
  assert.match(await counts.innerText(), /^1 of \d+ waiting/);
  await service.image(907);
  await page.getByTestId("held").getByText("has news").waitFor();
  assert.deepEqual(await shown(page), found);
  assert.match(await counts.innerText(), /^1 of \d+ waiting/);
  await page.keyboard.press("u");
  await page.waitForURL((url) => url.pathname === "/");
  const all = (await worklist()).length;
  await until("everything is shown", async () => (await shown(page)).length === all);
});

test("seven lists of one browser follow the server by one stream", async () => {
  const page = await enter();
  const context = page.context();
  const others = [];
  for (let number = 0; number < 6; number += 1) {
    const other = await context.newPage();
    await other.goto(service.url);
    others.push(other);
  }
  await Promise.all([page, ...others].map(connected));
  await others[5].getByRole("link", { name: "Alerts" }).click();
  await others[5].waitForURL("**/alerts");
});

test("when the session is over the page hides its patients and offers to sign in", async () => {
  const page = await enter("Dr Gone");
  await connected(page);
  const { items } = await service.api("/api/v1/tokens", admin);
  const { id } = items.find((token) => token.name === "Dr Gone");
  const ended = await fetch(`${service.url}/api/v1/tokens/${id}/revoke`, { method: "POST", headers: { Authorization: `Bearer ${admin}` } });
  assert.ok(ended.ok);
  await service.image(906); // The list asks for its rows, and is refused.
  await page.getByTestId("over").getByRole("link", { name: "Sign in again" }).waitFor();
  assert.match(await page.locator("main").evaluate((main) => getComputedStyle(main).filter), /blur/);
  assert.equal(await page.locator("main").evaluate((main) => main.inert), true);
  await picture(page, "over");
  browser.complaints.length = 0; // The browser reports the refusal, which is what was asked for.
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
