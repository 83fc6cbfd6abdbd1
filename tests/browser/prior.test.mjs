// Two studies of one patient side by side: the same window, the same place in the head, and a link that can be untied.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open, picture, signIn, start, until } from "./service.mjs";

const THEMES = ["dim", "dark-contrast", "light"];
const NUMBER = "PHANTOM-000072";
let service, browser, admin, study, earlier;

before(async () => {
  service = await start();
  browser = await open();
  admin = await service.token("admin");
  await service.images(171, ["--finding", "iph", "--volume-ml", "12", "--slice-mm", "3"], { name: "PHANTOM^HEAD 72", number: NUMBER, birth: "19371125" });
  await service.send("--finding", "iph", "--volume-ml", "30", "--seed", "72");
  await until("both are read, and one knows of the other", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    if (items.length !== 2 || !items.every((item) => item.ai[0]?.state === "flagged")) return false;
    for (const { study_id } of items) {
      const { priors } = await service.api(`/api/v1/studies/${study_id}`, admin);
      if (priors.length) [study, earlier] = [study_id, priors[0].study_id];
    }
    return study;
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const drawn = (page, id = "picture") => page.locator(`[data-testid="${id}"][data-drawn]:not([data-drawn=failed])`).waitFor();

async function side(options) {
  const page = await signIn(browser, service, await service.token("radiologist"), options);
  await page.goto(`${service.url}/studies/${study}`);
  await page.locator('html[data-ready="1"]').waitFor();
  await drawn(page);
  await drawn(page, "prior-picture");
  return page;
}

const place = async (page, id) => {
  const text = await page.getByTestId(id).innerText();
  const [, at, of, z] = text.match(/slice (\d+) of (\d+) .* z (-?[\d.]+) mm/);
  return { at: Number(at), of: Number(of), z: Number(z), text };
};
const both = async (page) => [await place(page, "slice"), await place(page, "prior-slice")];
const stacks = async (id) => (await service.api(`/api/v1/studies/${id}/stacks`, admin)).items;

/** The earlier study's slice is its nearest one. */
async function linked(page) {
  const [now, then] = await both(page);
  const [{ layers, slice_thickness_mm: thickness }] = await stacks(earlier);
  const offsets = layers.map(({ offset }) => offset);
  const nearest = Math.min(...offsets.map((offset) => Math.abs(offset - now.z)));
  assert.ok(Math.abs(now.z - then.z) <= nearest + 0.11, `${now.z} beside ${then.z}`);
  const covered = now.z >= Math.min(...offsets) && now.z <= Math.max(...offsets);
  if (covered) assert.ok(Math.abs(now.z - then.z) <= thickness, `${now.z} and ${then.z} are within ${thickness} mm`);
}

test("the earlier study of the same part of the body stands beside, at the same place, and says what it is", async () => {
  const page = await side();
  await linked(page);
  const stage = page.locator(".stage.prior");
  assert.match(await stage.innerText(), /NON-DIAGNOSTIC PREVIEW/);
  assert.match(await page.getByTestId("prior-title").innerText(), /^CT .*2026/);
  assert.match((await place(page, "prior-slice")).text, /brain window .* linked$/);
  assert.match(await page.getByTestId("prior-picture").getAttribute("aria-label"), /^CT slice \d+ of \d+, brain window, not for diagnosis$/);
  const [left, right] = [await page.locator(".stage").first().boundingBox(), await stage.boundingBox()];
  assert.ok(right.x >= left.x + left.width && right.y === left.y, "beside it");
  await picture(page, "prior");
});

test("both turn together from either side, and change their window together", async () => {
  const page = await side();
  const [before] = await both(page);
  await page.locator(".stage.prior").hover();
  for (let notch = 1; notch <= 3; notch += 1) {
    await page.mouse.wheel(0, 100);
    await until("the next slice", async () => (await place(page, "slice")).at === before.at + notch);
    await linked(page);
  }
  for (const end of ["Home", "End"]) {
    await page.keyboard.press(end);
    await linked(page);
  }
  await page.keyboard.press("4");
  for (const id of ["slice", "prior-slice"]) {
    await until("the bone window", async () => /bone window/.test((await place(page, id)).text));
  }
});

test("l unties them: each turns alone, until it ties them again", async () => {
  const page = await side();
  assert.equal(await page.getByTestId("link").getAttribute("aria-pressed"), "true");
  await page.keyboard.press("l");
  await until("not linked", async () => / not linked$/.test((await place(page, "prior-slice")).text));
  assert.equal(await page.getByTestId("link").getAttribute("aria-pressed"), "false");
  const [now, then] = await both(page);
  await page.locator(".stage.prior").hover();
  await page.mouse.wheel(0, 100);
  await until("the earlier one turned", async () => (await place(page, "prior-slice")).at === then.at + 1);
  assert.equal((await place(page, "slice")).at, now.at, "alone");
  await page.getByTestId("prior-turn").fill("2");
  assert.deepEqual((await both(page)).map(({ at }) => at), [now.at, 2]);
  await page.locator(".stage").first().focus();
  await page.keyboard.press("ArrowDown");
  await until("this one turned", async () => (await place(page, "slice")).at === now.at + 1);
  assert.equal((await place(page, "prior-slice")).at, 2);
  await page.getByTestId("link").click();
  await linked(page);
});

test("what the model marked is drawn on both", async () => {
  browser.addresses.length = 0;
  const page = await side();
  const [{ marks }] = await stacks(earlier);
  const layer = marks[0].marked[0].layer;
  await page.keyboard.press("l");
  await page.getByTestId("prior-turn").fill(String(layer + 1));
  await until("its outline", () => browser.addresses.some((address) => address.includes(`/studies/${earlier}/marks/`)));
  await until("drawn", async () => (await page.getByTestId("prior-picture").getAttribute("data-drawn")) === `0/${layer}/brain/1`);
});

test("what is near is fetched ahead for both, and nothing twice", async () => {
  const page = await side();
  const asked = async () => {
    const addresses = await page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    return addresses.filter((address) => /\/images\/[^/]+\/\d+\?window=/.test(address));
  };
  for (const [id, name] of [[study, "slice"], [earlier, "prior-slice"]]) {
    const { at } = await place(page, name);
    const [{ layers }] = await stacks(id);
    for (const { instance_id } of layers.slice(Math.max(0, at - 11), at + 10)) {
      await until("a neighbour", async () => (await asked()).some((address) => address.includes(`/studies/${id}/images/${instance_id}/`)));
    }
  }
  const all = await asked();
  assert.equal(new Set(all).size, all.length);
});

test("an earlier study can be chosen, and one that is none changes nothing", async () => {
  const page = await side();
  await page.getByTestId("beside").first().click();
  await page.waitForURL(`**/studies/${study}?prior=${earlier}`);
  await drawn(page, "prior-picture");
  await page.goto(`${service.url}/studies/${earlier}`);
  await drawn(page);
  assert.equal(await page.locator(".stage.prior").count(), 0, "it has none before it");
  await page.keyboard.press("l");
});

for (const theme of THEMES) {
  test(`two studies look right: ${theme}`, async () => {
    const page = await side({ viewport: { width: 1280, height: 800 } });
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    await page.reload();
    await drawn(page, "prior-picture");
    await picture(page, `prior-${theme}`);
  });
}

test("on a narrow screen the earlier study stands below", async () => {
  const page = await side({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(width <= 360, `${width} px`);
  const [first, second] = [await page.locator(".stage").first().boundingBox(), await page.locator(".stage.prior").boundingBox()];
  assert.ok(second.y >= first.y + first.height);
  await picture(page, "prior-narrow");
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
