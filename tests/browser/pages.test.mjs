// The pages of those who run the place, and the bar of the demonstration: they look right in three themes and on a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, demonstration, open, PHONE, picture, ready, signIn, start, until, width } from "./service.mjs";

const THEMES = ["dim", "dark-contrast", "light"];
let service, demo, browser, token, pages;

before(async () => {
  [service, demo, browser] = await Promise.all([start(), demonstration(), open()]);
  token = await service.token("admin");
  await service.user("mia", "radiologist", "correct horse battery");
  await service.image(907);
  const { study_id } = await until("the images are refused", async () => {
    const { items } = await service.api("/api/v1/worklist", token);
    return items.find(({ ai }) => ai[0]?.state === "quality_rejected");
  });
  pages = ["/quality", "/connections", "/profiles", "/profiles/own-codes", "/messages/failures", "/start", "/people", "/tokens", `/studies/${study_id}/report`];
});

after(async () => {
  await browser?.close();
  await demo?.stop();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const named = (path) => path.split("/").at(-1);

for (const theme of THEMES) {
  test(`nobody is kept out by how they look: ${theme}`, async () => {
    const page = await signIn(browser, service, token);
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    for (const path of pages) {
      const answer = await page.goto(`${service.url}${path}`);
      assert.equal(answer.status(), 200, path);
      await ready(page);
      assert.deepEqual(await barriers(page), [], path);
      await picture(page, `${theme}-${named(path)}`);
    }
  });
}

test("a phone shows all of them without scrolling sideways", async () => {
  const page = await signIn(browser, service, token, PHONE);
  for (const path of pages) {
    await page.goto(`${service.url}${path}`);
    await ready(page);
    assert.ok((await width(page)) <= 360, `${await width(page)} px at ${path}`);
    assert.deepEqual(await barriers(page), [], path);
    await picture(page, `phone-${named(path)}`);
  }
});

test("the demonstration says so on every page, and shows them as each role sees them", async () => {
  const page = await browser.page();
  await page.goto(demo.url);
  for (const role of ["technologist", "radiologist", "admin"]) {
    await page.locator(`[data-testid=role][value=${role}]`).click();
    await page.locator(`body[data-demo="1"][data-role="${role}"]`).waitFor();
    assert.equal(await page.locator(`[data-testid=role][value=${role}]`).getAttribute("aria-pressed"), "true");
    assert.match(await page.locator(".watermark").innerText(), /synthetic data/);
  }
  for (const theme of THEMES) {
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    await page.goto(`${demo.url}/start`);
    await page.locator(`html[data-ready="1"][data-theme="${theme}"]`).waitFor();
    assert.deepEqual(await barriers(page), []);
    await picture(page, `demo-${theme}`);
  }
});

test("on a phone the roles stand in one line", async () => {
  const page = await browser.page(PHONE);
  await page.goto(demo.url);
  assert.ok((await width(page)) <= 360);
  const { height } = await page.locator(".watermark").boundingBox();
  assert.ok(height < 90, `${height} px`);
  await page.locator("[data-testid=role][value=admin]").tap();
  await page.locator('body[data-role="admin"]').waitFor();
  await picture(page, "phone-demo");
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
