// The pictures of the user's guide. With GUIDE=docs/images (from the repository's root) a run renews them; without it, it sees
// that there is something to show on each. All patients are phantoms.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { smaller } from "./png.mjs";
import { open, rows, signIn, start, until } from "./service.mjs";

const SCREEN = { viewport: { width: 1280, height: 800 } };
const LARGEST = 200_000; // Bytes of a picture that everybody downloads with the sources.
const folder = process.env.GUIDE && resolve(import.meta.dirname, "../..", process.env.GUIDE);
let service, browser, admin, bleed;

before(async () => {
  service = await start();
  browser = await open();
  admin = await service.token("admin");
  await service.images(171, ["--finding", "iph", "--volume-ml", "12", "--slice-mm", "3"], { name: "PHANTOM^HEAD 72", number: "PHANTOM-000072", birth: "19371125" });
  await service.send("--finding", "iph", "--volume-ml", "30", "--seed", "72");
  await service.send("--finding", "none", "--seed", "71");
  await service.send("--finding", "sdh", "--volume-ml", "20", "--seed", "74");
  await service.image(907);
  await until("all are read and one has an earlier study", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    if (items.length !== 5 || !items.every(({ ai }) => ["flagged", "not_flagged", "quality_rejected"].includes(ai[0]?.state))) return false;
    for (const { study_id } of items) {
      const { priors } = await service.api(`/api/v1/studies/${study_id}`, admin);
      if (priors.length) bleed = study_id;
    }
    return bleed;
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const PEOPLE = { radiologist: "Dr Ito", technologist: "K. Lund", admin: "A. Berg" };
const tokens = new Map();
const enter = async (role) => {
  if (!tokens.has(role)) tokens.set(role, await service.token(role, PEOPLE[role]));
  return signIn(browser, service, tokens.get(role), SCREEN);
};

async function keep(page, name) {
  await page.mouse.move(0, 0);
  const bytes = await smaller(page, await page.screenshot({ animations: "disabled" }));
  assert.ok(bytes.length < LARGEST, `${name} has ${bytes.length} bytes`);
  if (folder) await writeFile(join(folder, `${name}.png`), bytes);
}

async function show(page, path) {
  await page.goto(`${service.url}${path}`);
  await page.locator('html[data-ready="1"]').waitFor();
  await page.locator('html[data-live="connected"]').waitFor();
}

const drawn = (page, id) => page.locator(`[data-testid="${id}"][data-drawn]:not([data-drawn=failed])`).waitFor();

test("the way in", async () => {
  const page = await browser.page(SCREEN);
  await page.goto(`${service.url}/sign-in`);
  await page.locator('html[data-ready="1"]').waitFor();
  await keep(page, "sign-in");
});

test("the worklist, and why a study stands where it does", async () => {
  const page = await enter("radiologist");
  await show(page, "/");
  await keep(page, "worklist");
  await rows(page).first().getByTestId("why").click();
  await keep(page, "worklist-why");
});

test("a study with an earlier one, alone, and its report", async () => {
  const page = await enter("radiologist");
  await show(page, `/studies/${bleed}`);
  await drawn(page, "picture");
  await drawn(page, "prior-picture");
  await keep(page, "study-prior");
  const { items } = await service.api("/api/v1/worklist", admin);
  const alone = items.find(({ study_id, ai, link }) => study_id !== bleed && ai[0].state === "flagged" && link === "linked");
  await show(page, `/studies/${alone.study_id}`);
  await drawn(page, "picture");
  await keep(page, "study");
  await show(page, `/studies/${bleed}/report`);
  await keep(page, "report");
});

test("alerts and the wall", async () => {
  const page = await enter("radiologist");
  await show(page, "/alerts");
  await keep(page, "alerts");
  await show(page, "/worklist/wall");
  await keep(page, "wall");
});

for (const [role, name] of [["technologist", "quality"], ["admin", "start"]]) {
  test(`what is ${name} to the ${role}`, async () => {
    const page = await enter(role);
    const answer = await page.goto(`${service.url}/${name}`);
    assert.equal(answer.status(), 200);
    await page.locator('html[data-ready="1"]').waitFor();
    await keep(page, name);
  });
}

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
