// What hands do: finding a command by typing, rows as close as one likes, a quick look without leaving the list.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, open, picture, rows, shown, signIn, start, until } from "./service.mjs";

const THEMES = ["dim", "dark-contrast", "light"];
let service, browser, bleed;

before(async () => {
  const viewer = 'viewer_url = "https://viewer.example/?study={study_uid}"';
  service = await start((text) => text.replace("[site]\n", `[site]\n${viewer}\n`));
  browser = await open();
  const admin = await service.token("admin");
  await service.send("--finding", "none", "--seed", "71");
  await service.send("--finding", "iph", "--volume-ml", "30", "--seed", "72");
  await until("both are read", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    bleed = items.find((item) => item.ai[0]?.state === "flagged")?.study_id;
    return bleed && items.length === 2 && items.every((item) => ["flagged", "not_flagged"].includes(item.ai[0]?.state));
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const enter = async (options) => signIn(browser, service, await service.token("radiologist"), options);
const options = (page) => page.getByTestId("palette").getByRole("option");
const focused = (page) => page.evaluate(() => document.activeElement.dataset.studyId ?? document.activeElement.id);

test("Ctrl+K offers pages, views, filters and what the page does, each with its key", async () => {
  const page = await enter();
  await page.keyboard.press("Control+k");
  const text = await page.getByTestId("palette").innerText();
  for (const words of ["Worklist", "Alerts", "Wall", "Priority: critical", "As a spreadsheet", "Lock", "Theme: dim", "Rows: comfortable", "Keys"]) {
    assert.ok(text.includes(words), words);
  }
  assert.equal(await options(page).filter({ hasText: "Alerts" }).first().locator("kbd").innerText(), "g a");
  await picture(page, "palette");
});

test("typing narrows the commands, arrows choose, Enter does it, and Escape gives the focus back", async () => {
  const page = await enter();
  await page.keyboard.press("j");
  const before = await focused(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("prio crit");
  assert.equal(await options(page).count(), 1);
  await page.keyboard.press("Escape");
  assert.equal(await focused(page), before, "the row has the focus again");
  await page.keyboard.press("Control+k");
  const all = await options(page).count();
  await page.keyboard.press("ArrowUp");
  assert.equal(await options(page).nth(all - 1).getAttribute("aria-selected"), "true", "around the end");
  await page.keyboard.type("nothing is called that");
  assert.equal(await options(page).count(), 0);
  await page.getByText("Nothing on this page").waitFor();
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette").waitFor({ state: "hidden" });
  await page.keyboard.press("Control+k");
  await page.keyboard.type("theme");
  await page.keyboard.press("Enter");
  await page.locator('html[data-theme="dark-contrast"]').waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("alerts");
  await page.keyboard.press("Enter");
  await page.waitForURL("**/alerts");
});

test("the focus stays in the palette, and it is not there while the screen is locked", async () => {
  const page = await enter();
  await page.keyboard.press("Control+k");
  for (let times = 0; times < 4; times += 1) await page.keyboard.press("Tab");
  const outside = await page.evaluate(() => document.activeElement !== document.body && !document.getElementById("palette").contains(document.activeElement));
  assert.equal(outside, false);
  await page.keyboard.press("Escape");
  await page.getByTestId("lock").click();
  await page.getByTestId("lock-dialog").waitFor();
  await page.keyboard.press("Control+k");
  assert.equal(await page.getByTestId("palette").isVisible(), false);
});

test("on a study it judges, shows the timeline and opens the report", async () => {
  const page = await enter();
  await page.goto(`${service.url}/studies/${bleed}`);
  await page.locator('html[data-ready="1"]').waitFor();
  await page.keyboard.press("Control+k");
  const text = await page.getByTestId("palette").innerText();
  for (const words of [": Agree", "Timeline", "Report preview", "Open in the viewer", "Stack of pictures"]) assert.ok(text.includes(words), words);
  await page.keyboard.type("timeline");
  await page.keyboard.press("Enter");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Timeline/);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("report");
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/studies/${bleed}/report`);
});

test("o opens the site's viewer", async () => {
  const page = await enter();
  await page.goto(`${service.url}/studies/${bleed}`);
  await page.locator('html[data-ready="1"]').waitFor();
  await page.route("https://viewer.example/**", (route) => route.abort());
  const [opened] = await Promise.all([page.context().waitForEvent("page"), page.keyboard.press("o")]);
  await opened.close();
});

test("rows stand as close as one likes, and the choice is kept", async () => {
  for (const width of [1280, 1600]) {
    const page = await enter({ viewport: { width, height: 800 } });
    const height = async () => (await rows(page).first().boundingBox()).height;
    const comfortable = await height();
    await page.getByTestId("density").click();
    await page.locator('html[data-density="compact"]').waitFor();
    assert.ok(Math.abs((await height()) - 28) <= 1, `${await height()} px at ${width}`);
    assert.ok(comfortable > 30);
    await page.getByTestId("density").click();
    await page.locator('html[data-density="ultra"]').waitFor();
    assert.ok((await height()) <= 25, `${await height()} px at ${width}`);
    await page.reload();
    await page.locator('html[data-density="ultra"][data-ready="1"]').waitFor();
    assert.match(await page.getByTestId("density").innerText(), /dense/);
    assert.deepEqual(await barriers(page), []);
    await picture(page, `dense-${width}`);
  }
});

test("what the models say has room at every width", async () => {
  for (const width of [800, 1024, 1180, 1280, 1440]) {
    const page = await enter({ viewport: { width, height: 800 } });
    const row = await rows(page).first().boundingBox();
    const said = await rows(page).first().locator("td.said-by-ai").boundingBox();
    assert.ok(said.width >= 170 && row.height < 150, `${said.width} px, the row ${row.height} px at ${width}`);
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width);
    const headed = await page.evaluate(() => {
      const left = (one) => one.getBoundingClientRect().left;
      const [heads, cells] = ["thead", "tbody"].map((part) => document.querySelector(`.list ${part} tr`));
      return ["patient", "exam", "cap", "reader"].map((name) => Math.abs(left(heads.querySelector(`.${name}`)) - left(cells.querySelector(`.${name}`))));
    });
    assert.ok(headed.every((off) => off <= 1), `columns stand under their heads: ${headed} at ${width}`);
    await picture(page, `list-${width}`);
  }
});

test("a finger has room in the densest list", async () => {
  const page = await enter({ viewport: { width: 1100, height: 800 }, isMobile: true, hasTouch: true });
  await page.evaluate(() => localStorage.setItem("tocsin.density", "ultra"));
  await page.reload();
  await page.locator('html[data-density="ultra"][data-ready="1"]').waitFor();
  for (const target of [rows(page).first(), page.getByTestId("claim").first(), page.locator(".filters a").first(), page.getByTestId("theme")]) {
    const { height } = await target.boundingBox();
    assert.ok(height >= 44, `${height} px`);
  }
  await picture(page, "coarse");
});

test("Space has a quick look at a row, and Space or Escape goes back to it", async () => {
  const page = await enter();
  assert.equal((await shown(page))[0], bleed);
  await page.keyboard.press("j");
  for (const key of [" ", "Escape"]) {
    await page.keyboard.press(" ");
    const dialog = page.getByTestId("quick");
    await dialog.waitFor();
    const text = await dialog.innerText();
    assert.match(text, /NON-DIAGNOSTIC PREVIEW/);
    assert.match(text, /AI suspects: Intracranial hemorrhage/);
    const image = dialog.getByRole("img").first();
    assert.match(await image.getAttribute("alt"), /^CT slice \d+ of \d+, brain window, not for diagnosis$/);
    await until("the picture", () => image.evaluate((one) => one.complete && one.naturalWidth > 0));
    assert.equal(await dialog.locator("form.judge").count(), 0);
    await picture(page, "quick");
    await page.keyboard.press(key);
    await dialog.waitFor({ state: "hidden" });
    assert.equal(await focused(page), bleed);
  }
  await page.keyboard.press(" ");
  await page.getByTestId("quick").waitFor();
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/studies/${bleed}`);
});

test("a quick look that nobody waited for does not come", async () => {
  const page = await enter();
  await page.keyboard.press("j");
  for (const key of ["j", "Escape", " ", "/"]) {
    let answer;
    const gate = new Promise((open) => (answer = open));
    await page.route(`**/studies/${bleed}`, async (route) => {
      await gate;
      await route.continue();
    });
    await page.locator(`#rows tr[data-study-id="${bleed}"]`).focus();
    const asked = page.waitForRequest(`**/studies/${bleed}`);
    await page.keyboard.press(" ");
    await asked;
    await page.keyboard.press(key);
    if (key === "/") await page.keyboard.type("pha");
    const came = page.waitForResponse(`**/studies/${bleed}`);
    answer();
    await came;
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
    assert.equal(await page.locator("dialog[open]").count(), 0, `after ${key}`);
    await page.unroute(`**/studies/${bleed}`);
  }
  assert.equal(await page.getByTestId("search").inputValue(), "pha", "nothing was lost of what was typed");
});

test("a command whose button was drawn anew meanwhile still works", async () => {
  const page = await enter();
  await page.goto(`${service.url}/studies/${bleed}`);
  await page.getByTestId("claim").waitFor();
  await page.keyboard.press("Control+k");
  await page.keyboard.type("take");
  await page.evaluate(() => {
    const part = document.querySelector("main .about");
    part.replaceChildren(...[...part.childNodes].map((child) => child.cloneNode(true)));
  });
  await page.keyboard.press("Enter");
  await page.getByTestId("release").waitFor();
  await page.getByTestId("release").click();
  await page.getByTestId("claim").waitFor();
});

test("a dialog keeps the focus and the pointer, and gives the focus back", async () => {
  const page = await enter();
  const url = page.url();
  await page.keyboard.press("j");
  for (const [keys, dialog] of [[["Control+k"], "palette"], [[" "], "quick"], [["?"], "keys"]]) {
    for (const key of keys) await page.keyboard.press(key);
    await page.locator(`dialog#${dialog}[open][aria-modal="true"]`).waitFor();
    const inside = () => page.evaluate((id) => document.getElementById(id).contains(document.activeElement), dialog);
    for (const key of ["Tab", "Tab", "Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab", "Shift+Tab"]) {
      await page.keyboard.press(key);
      assert.ok(await inside(), `${key} in ${dialog}`);
    }
    // Script behind it that takes the focus has it taken back.
    await page.evaluate(() => document.querySelector("#rows tr[data-study-id]").focus());
    assert.ok(await inside(), dialog);
    // A press on what lies behind does nothing but close it.
    const button = await page.getByTestId("claim").first().boundingBox();
    await page.mouse.click(button.x + button.width / 2, button.y + button.height / 2);
    await page.locator(`dialog#${dialog}`).waitFor({ state: "hidden" });
    assert.equal(await page.getByTestId("release").count(), 0);
    assert.equal(page.url(), url);
    assert.equal(await focused(page), bleed, dialog);
  }
});

for (const theme of THEMES) {
  test(`dialogs keep nobody out: ${theme}`, async () => {
    const page = await enter();
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    await page.reload();
    await page.locator(`html[data-ready="1"][data-theme="${theme}"]`).waitFor();
    for (const [keys, dialog] of [[["Control+k"], "palette"], [["j", " "], "quick"]]) {
      for (const key of keys) await page.keyboard.press(key);
      await page.getByTestId(dialog).waitFor();
      assert.deepEqual(await barriers(page), [], dialog);
      await picture(page, `${dialog}-${theme}`);
      await page.keyboard.press("Escape");
    }
    await page.keyboard.press("?");
    assert.deepEqual(await barriers(page), [], "keys");
    await picture(page, `keys-${theme}`);
  });
}

test("a narrow screen has room for both", async () => {
  const page = await enter({ viewport: { width: 360, height: 740 } });
  for (const [keys, dialog] of [[["Control+k"], "palette"], [["j", " "], "quick"]]) {
    for (const key of keys) await page.keyboard.press(key);
    await page.getByTestId(dialog).waitFor();
    const box = await page.getByTestId(dialog).boundingBox();
    assert.ok(box.x >= 0 && box.x + box.width <= 360, `${box.width} px`);
    await picture(page, `narrow-${dialog}`);
    await page.keyboard.press("Escape");
  }
});

test("no page broke the content security policy or its own script", () => {
  // The viewer does not exist, and a locked list is refused.
  const asked = /viewer\.example|status of 423/;
  assert.deepEqual(browser.complaints.filter((complaint) => !asked.test(complaint)), []);
});
