// What people see: the worklist with its reasons, the study, the page on a phone, and what an engineer repairs with.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, picture, rows, signIn as enter, start, until } from "./service.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
let service, browser, admin;

before(async () => {
  service = await start();
  browser = await open();
  admin = await service.token("admin");
  await service.send("--finding", "none", "--seed", "51");
  await service.send("--finding", "iph", "--volume-ml", "30", "--seed", "52");
  await until("both studies are read and the page is out", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    const read = items.filter((item) => ["flagged", "not_flagged"].includes(item.ai[0]?.state));
    return read.length === 2 && (await service.links()).length > 0;
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const signIn = (token, options) => enter(browser, service, token, options);

test("nobody sees a patient without signing in", async () => {
  const page = await browser.page();
  await page.goto(service.url);
  assert.match(page.url(), /\/sign-in/);
  assert.doesNotMatch(await page.content(), /PHANTOM/);
  await page.getByLabel("Token").fill("wrong");
  await page.getByLabel("Token").press("Enter");
  await page.getByRole("alert").waitFor();
  await picture(page, "sign-in");
});

test("the bleeding head is on top, and the list says why", async () => {
  const page = await signIn(await service.token("radiologist"));
  const first = rows(page).first();
  await first.waitFor();
  assert.match(await first.innerText(), /critical/i);
  assert.equal(await first.getAttribute("data-rank"), "1");
  await first.getByTestId("why").click();
  const why = first.locator(".pop");
  const text = await why.innerText();
  assert.match(text, /without AI it would be rank 2/);
  assert.match(text, /AI suspects intracranial hemorrhage/);
  assert.match(text, /trained on synthetic phantoms/i, "the model says what it was trained on");
  const scores = await why.locator("[data-score]").evaluateAll((all) => all.map((row) => Number(row.dataset.score)));
  const total = Number(await why.locator(".total td").innerText());
  assert.equal(scores.reduce((sum, score) => sum + score, 0), total, "what the rules gave adds up");
  assert.equal(Number(await first.locator(".score").innerText()), total);
  await picture(page, "worklist");
});

test("a radiologist takes a study and gives it back", async () => {
  const page = await signIn(await service.token("radiologist"));
  const row = rows(page).first();
  await row.getByRole("button", { name: "Take" }).click();
  await row.getByRole("button", { name: "Give back" }).waitFor();
  await picture(page, "claimed");
  await row.getByRole("button", { name: "Give back" }).click();
  await row.getByRole("button", { name: "Take" }).waitFor();
});

test("the study page shows what was measured and every step with its time", async () => {
  const page = await signIn(await service.token("radiologist"));
  await rows(page).first().getByRole("link").first().click();
  await page.getByRole("heading", { name: "Timeline" }).waitFor();
  const text = await page.locator("main").innerText();
  for (const step of ["first image", "series ready", "inference finished", "alert raised", "page accepted"]) {
    assert.ok(text.includes(step), `${step} is in the timeline`);
  }
  assert.match(text, /Volume[^\n]*mL/);
  assert.doesNotMatch(page.url(), /PHANTOM|PH0/, "the address names no patient");
  await picture(page, "study");
});

test("an engineer finds the order among the messages and reads its segments", async () => {
  const page = await signIn(await service.token("integration_engineer"));
  await page.getByRole("link", { name: "Messages" }).click();
  await page.getByLabel("Numbers, names, sender or type").fill("ORM");
  await page.getByRole("button", { name: "Search" }).click();
  assert.equal(page.url(), `${service.url}/messages`, "what was searched for is not in the address");
  await picture(page, "messages");
  await page.locator("tbody a").first().click();
  await page.getByRole("heading", { name: "PID", exact: true }).waitFor();
  await picture(page, "message");
});

test("who may not read messages does not get to them", async () => {
  const page = await signIn(await service.token("radiologist"));
  assert.equal(await page.getByRole("link", { name: "Messages" }).count(), 0);
  const answer = await page.goto(`${service.url}/messages`);
  assert.equal(answer.status(), 403);
  browser.complaints.length = 0; // The browser reports the refusal, which is what was asked for.
});

test("on a phone the link opens without acknowledging, and one press acknowledges", async () => {
  const [link] = await service.links();
  const page = await browser.page(PHONE);
  await page.goto(link);
  const button = page.getByRole("button", { name: /Acknowledge/ });
  await button.waitFor();
  await picture(page, "phone");
  const status = async () => (await service.api("/api/v1/alerts", admin)).items[0].status;
  assert.equal(await status(), "notified", "opening changes nothing");
  assert.doesNotMatch(await page.content(), /PHANTOM/, "no patient on a phone's screen");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= PHONE.viewport.width, `${width} px fit the screen`);
  const box = await button.boundingBox();
  assert.ok(box.height >= 44, "large enough for a thumb");
  await button.tap();
  await until("acknowledged", async () => (await status()) === "acknowledged");
  await picture(page, "phone-acknowledged");
});

test("after signing out the back button shows no patient", async () => {
  const page = await signIn(await service.token("radiologist"));
  await rows(page).first().waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(/sign-in/);
  await page.goBack();
  assert.doesNotMatch(await page.content(), /PHANTOM/);
});

test("nothing is asked of another host", () => {
  const foreign = browser.addresses.filter((address) => !address.startsWith(service.url) && !address.startsWith("data:"));
  assert.deepEqual(foreign, []);
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
