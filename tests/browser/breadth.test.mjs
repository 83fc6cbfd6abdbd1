// A bad day's list, other languages, other colours: what is said stays readable, whoever reads it and however much there is.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { barriers, open, PHONE, picture, ready, rows, shown, signIn, start, until, width } from "./service.mjs";

const THEMES = ["dim", "dark-contrast", "light"];
const COLUMNS = ["rank", "score", "patient", "exam", "arrived", "images", "wait", "cap", "ai", "alert", "claimed"];
const PAGES = ["/", "/worklist/wall", "/alerts", "/messages", "/reconciliation", "/quarantine", "/deliveries", "/quality", "/connections", "/profiles", "/profiles/default-251", "/messages/failures", "/start", "/people", "/tokens", "/account"];
/** Where a column says its values in full, in an order that letters have. */
const CELLS = { patient: "td.patient > b", arrived: "td.arrived > time" };
const LONG = 2_000;
const ARABIC = "nav-worklist = قائمة القراءة\nnav-alerts = التنبيهات\ncolumn-patient = المريض\ncolumn-exam = الفحص\nword-critical = حرج\nframe-theme = الألوان\n";
let long, accented, arabic, browser, admin, strangers;

const speaking = (lines) => (text) => text.replace("[site]\n", `[site]\n${lines}\n`);

async function read(service) {
  const token = await service.token("admin");
  await service.send("--finding", "iph", "--volume-ml", "40", "--seed", "171");
  const study = await until("the study is read", async () => {
    const { items } = await service.api("/api/v1/worklist", token);
    return items.find(({ ai }) => ai[0]?.state === "flagged");
  });
  return { token, study: study.study_id };
}

before(async () => {
  browser = await open();
  [long, accented, arabic] = await Promise.all([
    start(),
    start(speaking('language = "en-XA"')),
    start(speaking('language = "ar"\ntemplates = "words"'), { "words/messages/ar.ftl": ARABIC }),
  ]);
  admin = await read(long);
  strangers = { accented: await read(accented), arabic: await read(arabic) };
  // A scanner would need another character set to send this.
  const turn = `import sqlite3; db = sqlite3.connect("tocsin.db", timeout=30); db.execute("update study set patient_name = ?", ["TURNED \u202Eround^NAME"]); db.commit()`;
  await promisify(execFile)("python3", ["-c", turn], { cwd: long.folder });
  await long.lengthen(LONG);
  await until("all of them wait", async () => (await long.api(`/api/v1/worklist?limit=1&cursor=${LONG - 1}`, admin.token)).items.length);
});

after(async () => {
  await browser?.close();
  for (const service of [long, accented, arabic]) assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

/** Texts that a box cuts off, with no title that says them in full, or that reach out of their cell. */
const cut = (page) =>
  page.evaluate(() => {
    const holds = (element) => element.matches("td, th") || ["hidden", "clip"].includes(getComputedStyle(element).overflowX);
    const beyond = (element) => element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1;
    const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && element.clientWidth > 1;
    // Of each critical study on a phone the sign; the word stands once above them.
    const above = (element) => element.matches("#critical-band .sev");
    const texts = [...document.querySelectorAll("body *")].filter((element) => element.textContent.trim() && !element.closest("svg, [title]"));
    return texts
      .filter((element) => holds(element) && seen(element) && beyond(element) && !above(element))
      .map((element) => `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 60)}`);
  });

for (const theme of THEMES) {
  test(`two thousand open studies keep nobody out: ${theme}`, async () => {
    const page = await signIn(browser, long, admin.token);
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    // Whole in one theme; in the others a part, whose rows are made alike: axe takes half a minute for 200.
    const shownRows = theme === "dim" ? 200 : 40;
    await page.goto(`${long.url}/?limit=${shownRows}`);
    await page.locator(`html[data-ready="1"][data-theme="${theme}"]`).waitFor();
    assert.equal(Number(await page.locator("[data-part=counts]").getAttribute("data-waiting")), LONG);
    assert.equal(await rows(page).count(), shownRows);
    assert.deepEqual(await barriers(page), []);
    await picture(page, `long-${theme}`);
  });
}

test("two thousand sort by every column, up and down, and Back gives the list as it was", async () => {
  const page = await signIn(browser, long, admin.token);
  await page.goto(`${long.url}/?limit=50`);
  await ready(page);
  const first = await shown(page);
  const headings = page.locator(".list > table > thead th a");
  assert.equal(await headings.count(), COLUMNS.length);
  const sortedBy = async (place, sort) => {
    await headings.nth(place).click();
    await page.waitForURL((url) => url.searchParams.get("sort") === sort);
    await ready(page);
    assert.equal(await rows(page).count(), 50, sort);
    return page.evaluate((read) => Object.fromEntries(Object.entries(read).map(([name, what]) => [name, [...document.querySelectorAll(`#rows tbody > tr > ${what}`)].map((cell) => cell.dateTime || cell.textContent)])), CELLS);
  };
  for (const [place, column] of COLUMNS.entries()) {
    const upwards = column === "rank" ? await sortedBy(place, "-rank") : await sortedBy(place, column);
    const [seen, down] = [upwards[column], column === "rank"];
    if (seen) assert.deepEqual(seen, seen.toSorted(), column);
    if (!down) {
      const downwards = await sortedBy(place, `-${column}`);
      if (seen) assert.deepEqual(downwards[column], downwards[column].toSorted().toReversed(), `-${column}`);
      if (seen) assert.notDeepEqual(downwards[column], seen, column);
      await page.goBack();
    }
    await page.goBack();
    await ready(page);
    assert.deepEqual(await shown(page), first, column);
  }
});

test("a list by alert begins with the one that nobody has acknowledged", async () => {
  const page = await signIn(browser, long, admin.token);
  await page.goto(`${long.url}/?sort=alert`);
  assert.equal((await shown(page))[0], admin.study);
  await page.goto(`${long.url}/?sort=-alert`);
  assert.notEqual((await shown(page))[0], admin.study);
});

test("a name that turns the direction of text turns nothing beside it", async () => {
  const page = await signIn(browser, long, admin.token, { viewport: { width: 1600, height: 900 } });
  await page.getByTestId("search").fill("TURNED");
  await page.getByTestId("search").press("Enter");
  await page.waitForURL(/search/);
  const cell = rows(page).first().locator("td.patient");
  const [name, number] = await cell.evaluate((td) => [...td.children].map((part) => part.getBoundingClientRect().left));
  assert.ok(name <= number, "the name stands before the number or above it");
  const digits = await cell.locator(".dim").evaluate((part) => {
    const place = (at) => {
      const range = document.createRange();
      range.setStart(part.firstChild, at);
      range.setEnd(part.firstChild, at + 1);
      const { top, left } = range.getBoundingClientRect();
      return [top, left];
    };
    return Array.from(part.textContent, (_, at) => place(at));
  });
  const read = digits.toSorted(([top, left], [below, right]) => top - below || left - right);
  assert.deepEqual(digits, read, "the number reads from left to right, line by line");
});

test("longer words are cut off nowhere, on a desk and on a phone", async () => {
  const { token, study } = strangers.accented;
  for (const [name, options] of [["desk", {}], ["phone", PHONE]]) {
    const page = await signIn(browser, accented, token, options);
    for (const path of [...PAGES, `/studies/${study}`, `/studies/${study}/report`]) {
      await page.goto(`${accented.url}${path}`);
      await ready(page);
      assert.deepEqual(await cut(page), [], `${path} on a ${name}`);
      const room = page.viewportSize().width;
      assert.ok((await width(page)) <= room, `${await width(page)} px of ${room} at ${path}`);
      if (path === "/worklist/wall" && name === "phone") assert.match(await rows(page).first().locator("td.cap").evaluate((cell) => getComputedStyle(cell, "::before").content), /cááp/);
      await picture(page, `accented-${name}-${path.split("/").at(-1)}`);
    }
  }
});

test("a language that is written from the right has its pages from the right, and no image is turned", async () => {
  const { token, study } = strangers.arabic;
  for (const options of [{}, PHONE]) {
    const page = await signIn(browser, arabic, token, options);
    assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir]), ["ar", "rtl"]);
    for (const path of [...PAGES, `/studies/${study}`, `/studies/${study}/report`]) {
      await page.goto(`${arabic.url}${path}`);
      await ready(page);
      const room = page.viewportSize().width;
      const beyond = await width(page);
      assert.ok(beyond <= room, `${beyond} px of ${room} at ${path}`);
      await picture(page, `arabic-${room}-${path.split("/").at(-1)}`);
    }
    await page.goto(`${arabic.url}/studies/${study}`);
    const [left, right] = await Promise.all(["left", "right"].map((side) => page.getByTestId(`side-${side}`).boundingBox()));
    assert.ok(left.x < right.x, "the patient's sides stay where they are");
  }
  const page = await signIn(browser, arabic, token);
  const [first, last] = await page.locator(".list > table > thead th").evaluateAll((all) => [all[0], all.at(-1)].map((th) => th.getBoundingClientRect().left));
  assert.ok(first > last, "the first column is the rightmost");
  const edge = (where) => page.locator(where).first().evaluate((cell) => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return Math.round(range.getBoundingClientRect().left);
  });
  assert.ok(Math.abs((await edge("th.wait")) - (await edge("td.wait"))) <= 2, "numbers stand below their heading");
  assert.deepEqual(await barriers(page), []);
});

test("with the colours of the system nothing is lost that colour said", async () => {
  const page = await signIn(browser, accented, strangers.accented.token, { forcedColors: "active" });
  for (const path of ["/", `/studies/${strangers.accented.study}`, "/alerts", "/start"]) {
    await page.goto(`${accented.url}${path}`);
    await ready(page);
    await picture(page, `forced-${path.split("/").at(-1)}`);
  }
  await page.goto(accented.url);
  await ready(page);
  await page.keyboard.press("j");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "the row that has the focus shows it");
  const row = rows(page).first();
  assert.match(await row.locator("td.priority").innerText(), /◆ críítíícáál/i);
  assert.match(await row.locator("td.said-by-ai").innerText(), /ich fláággééd/);
  const edges = (where) => page.locator(where).evaluateAll((all) => all.map((link) => [link.hasAttribute("aria-current"), getComputedStyle(link).borderBottomColor]));
  for (const where of ["header nav a", ".filters nav:first-child a"]) {
    const all = await edges(where);
    const colours = (is) => new Set(all.filter(([one]) => one === is).map(([, colour]) => colour));
    for (const colour of colours(true)) assert.ok(!colours(false).has(colour), `the current one of ${where} looks like the others`);
  }
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
