// One study: the pictures and what a model marked on them, what people say about it, and how all of it looks: in three
// themes, on a narrow screen, without a script, and with a name that would like to be one.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { barriers, open, picture, rows, shown, signIn, start, until } from "./service.mjs";

const THEMES = ["dim", "dark-contrast", "light"];
const PAGES = ["/", "/worklist/wall", "/alerts", "/deliveries"];
const HOSTILE = "<img src onerror>^O'<b>&amp;"; // Without "=", which parts the scripts of a name.

let service, browser, admin, bleed, clear;

before(async () => {
  service = await start("[results]\nsend = \"held\"\n");
  browser = await open();
  admin = await service.token("admin");
  await service.send("--finding", "iph", "--volume-ml", "30", "--seed", "72");
  await service.send("--finding", "none", "--seed", "71");
  await service.image(907, HOSTILE);
  const of = (items, state) => items.find((item) => item.ai[0]?.state === state)?.study_id;
  await until("both are read and all three wait", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    [bleed, clear] = [of(items, "flagged"), of(items, "not_flagged")];
    return bleed && clear && items.length === 3;
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const enter = async (options, name = "radiologist") => signIn(browser, service, await service.token("radiologist", name), options);

/** The page of a study, when its picture is drawn. */
async function study(id, options) {
  const page = await enter(options);
  await page.goto(`${service.url}/studies/${id}`);
  await page.locator('html[data-ready="1"]').waitFor();
  await drawn(page, /./);
  return page;
}

const drawn = (page, what) =>
  until(`a picture ${what} is drawn`, async () => what.test((await page.getByTestId("picture").getAttribute("data-drawn")) ?? ""));
const named = (path) => (path === "/" ? "worklist" : path.startsWith("/studies") ? "study" : path.split("/").at(-1));
const slice = (page) => page.getByTestId("slice").innerText();
const numbered = async (page) => Number((await slice(page)).match(/slice (\d+) of/)[1]);
/** What is drawn, four bytes a pixel. */
const pixels = async (page) => {
  const text = await page.getByTestId("picture").evaluate((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return btoa(Array.from({ length: data.length / 4096 }, (_, part) => String.fromCharCode(...data.subarray(part * 4096, (part + 1) * 4096))).join(""));
  });
  return Buffer.from(text, "base64");
};

test("the viewer opens at what the model marked, and says that it is not for diagnosis", async () => {
  const page = await study(bleed);
  assert.match(await slice(page), /^slice \d+ of \d+ · brain window · z -?\d+\.\d mm$/);
  assert.match(await page.getByTestId("picture").getAttribute("aria-label"), /^CT slice \d+ of \d+, brain window, not for diagnosis$/);
  assert.match(await page.locator(".stage").innerText(), /NON-DIAGNOSTIC PREVIEW/);
  const values = new Set((await pixels(page)).filter((_, index) => index % 4 === 0));
  assert.ok(values.size > 20, `a picture with ${values.size} shades`);
  await picture(page, "viewer");
});

test("the wheel, the keys and the slider turn the pages, and windows change the picture", async () => {
  const page = await study(bleed);
  const first = await numbered(page);
  await page.locator(".stage").hover();
  await page.mouse.wheel(0, 100);
  await until("the next slice", async () => (await numbered(page)) === first + 1);
  await page.keyboard.press("ArrowUp");
  await until("the slice before", async () => (await numbered(page)) === first);
  await page.getByTestId("turn").fill("1");
  await until("the first slice", async () => (await numbered(page)) === 1);
  await page.getByTestId("key-slice").click();
  await until("the key slice", async () => (await numbered(page)) === first);
  await drawn(page, /brain/);
  const brain = await pixels(page);
  await page.keyboard.press("4");
  await drawn(page, /bone/);
  assert.match(await slice(page), /bone window/);
  assert.ok(!brain.equals(await pixels(page)));
  assert.equal(await page.getByTestId("window-bone").getAttribute("aria-pressed"), "true");
});

test("h shows the marked area, and nothing changes outside of it", async () => {
  const page = await study(bleed);
  const asked = page.waitForResponse((answer) => answer.url().includes("as=area"));
  const before = await pixels(page);
  await page.keyboard.press("h");
  const area = (await asked).url();
  await drawn(page, /\/2$/);
  const after = await pixels(page);
  // The box around what the mask covers, from the mask itself.
  const { width, box } = await page.evaluate(async (address) => {
    const bitmap = await createImageBitmap(await (await fetch(address)).blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const box = { left: Infinity, right: -1, top: Infinity, bottom: -1 };
    for (let index = 3; index < data.length; index += 4) {
      if (data[index] === 0) continue;
      const [x, y] = [((index - 3) / 4) % bitmap.width, Math.floor((index - 3) / 4 / bitmap.width)];
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x);
      box.top = Math.min(box.top, y);
      box.bottom = Math.max(box.bottom, y);
    }
    return { width: bitmap.width, box };
  }, area);
  let changed = 0;
  for (let index = 0; index < after.length; index += 1) {
    if (after[index] === before[index]) continue;
    changed += 1;
    const [x, y] = [Math.floor(index / 4) % width, Math.floor(index / 4 / width)];
    assert.ok(x >= box.left && x <= box.right && y >= box.top && y <= box.bottom, `${x}, ${y} is in the box`);
  }
  assert.ok(changed > 50, `${changed} values changed`);
  await picture(page, "area");
  await page.keyboard.press("h");
  await drawn(page, /\/1$/);
  assert.ok(before.equals(await pixels(page)));
});

test("no marks are asked for where the server names none", async () => {
  browser.addresses.length = 0;
  const page = await study(clear);
  await page.keyboard.press("h");
  await page.keyboard.press("b");
  assert.ok(await page.getByTestId("area").isHidden());
  assert.deepEqual(browser.addresses.filter((address) => address.includes("/marks/")), []);
  assert.match(await page.locator(".findings").innerText(), /Not flagged: .*\(operating point: .*\) This does not exclude the finding/s);
});

test("a held result says so on the study and its report, and leaves when it is released", async () => {
  const page = await study(clear);
  assert.match(await page.getByTestId("held").innerText(), /Held by policy \(Intracranial hemorrhage\)/);
  await picture(page, "held");
  await page.goto(`${service.url}/studies/${clear}/report`);
  await page.getByTestId("held").getByText("Held by policy").waitFor();
  await page.getByTestId("let-go").click();
  await page.waitForURL(/report$/);
  assert.equal(await page.getByTestId("held").count(), 0);
  const kept = await service.api(`/api/v1/studies/${clear}`, admin);
  assert.equal(kept.ai[0].hold, null);
  assert.ok(kept.timeline.some(({ event, detail }) => event === "result_released" && detail.includes("let go by radiologist")));
});

test("an opinion with its reason and a comment stay, and others see them come", async () => {
  const [page, other] = [await study(bleed), await study(bleed)];
  await other.locator('html[data-live="connected"]').waitFor();
  await page.keyboard.press("Shift+D");
  assert.equal(await page.evaluate(() => document.activeElement.name), "reason");
  await page.keyboard.type("calcification");
  await page.keyboard.press("Enter");
  const opinion = page.locator(".opinions li", { hasText: "disagree" });
  await opinion.waitFor();
  assert.match(await opinion.innerText(), /radiologist: disagree, calcification/);
  await page.getByLabel("Comment").fill("Seen with <b>the team</b>");
  await page.getByTestId("comment").click();
  for (const screen of [page, other]) {
    await screen.locator(".comments li").getByText("Seen with <b>the team</b>").waitFor();
  }
  await page.reload();
  await page.locator(".opinions li", { hasText: "calcification" }).waitFor();
  const kept = await service.api(`/api/v1/studies/${bleed}`, admin);
  assert.deepEqual(kept.opinions.map(({ verdict, reason }) => [verdict, reason]), [["disagree", "calcification"]]);
  await picture(page, "opinion");
});

test("an opinion that contradicts one's own earlier one asks first, and the latest counts", async () => {
  const page = await study(clear);
  const opinions = page.locator(".opinions li");
  await page.keyboard.press("a");
  await opinions.filter({ hasText: "agree" }).waitFor();
  await page.keyboard.press("d");
  const sure = page.getByTestId("sure");
  await sure.waitFor();
  await page.keyboard.press("d");
  assert.equal(await opinions.count(), 1, "the same key again changes nothing");
  await page.getByTestId("sure-keep").click();
  assert.equal(await sure.count(), 0);
  await page.keyboard.press("d");
  await sure.waitFor();
  await page.keyboard.press("Enter");
  await page.locator(".opinions .counts", { hasText: "disagree" }).waitFor();
  assert.match(await page.locator(".opinions .replaced").innerText(), /radiologist: agree.*replaced/s);
});

test("a result that a radiologist rejected is withdrawn, and what they withdraw is asked twice and can be brought back", async () => {
  const page = await study(bleed);
  const state = (wanted) => page.locator(`.finding[data-model="ich"][data-ai-state="${wanted}"]`);
  await state("withdrawn").waitFor(); // By the opinion before.
  await page.locator("summary", { hasText: "Reinstate" }).click();
  await page.locator('form[action$="/reinstate"] input[name=reason]').fill("it is blood");
  await page.getByTestId("reinstate").click();
  await state("flagged").waitFor();
  await page.locator("summary", { hasText: "Withdraw" }).click();
  const form = page.locator('form[action$="/withdraw"]');
  await form.locator("input[name=reason]").fill("wrong patient");
  await form.locator("input[name=repeated]").fill("pe");
  await page.getByTestId("withdraw").click();
  await page.getByText(/expected the name of the model whose result is taken back, ich/).waitFor();
  assert.equal(await state("flagged").count(), 1);
  await form.locator("input[name=reason]").fill("wrong patient");
  await form.locator("input[name=repeated]").fill("ich");
  await picture(page, "withdraw");
  await page.getByTestId("withdraw").click();
  await state("withdrawn").waitFor();
  assert.match(await state("withdrawn").innerText(), /withdrawn by radiologist: wrong patient/);
  const qa = await signIn(browser, service, await service.token("qa_reviewer", "reviewer"));
  await qa.goto(`${service.url}/studies/${bleed}`);
  await state("withdrawn").waitFor();
  assert.equal(await qa.locator('form[action$="/reinstate"]').count(), 0, "not for those who only judge");
});

test("nothing is covered by the pictures, wherever the page is scrolled to", async () => {
  for (const [width, height] of [[1280, 720], [1400, 900], [1920, 1080]]) {
    for (const id of [bleed, clear]) {
      const page = await study(id, { viewport: { width, height } });
      const covered = await page.evaluate(async () => {
        const found = [];
        for (let top = 0; top < document.documentElement.scrollHeight; top += 100) {
          scrollTo(0, top);
          await new Promise(requestAnimationFrame);
          const pictures = document.querySelector(".viewer").getBoundingClientRect();
          for (const section of document.querySelectorAll("main section:not(.viewer)")) {
            const box = section.getBoundingClientRect();
            const across = Math.min(box.right, pictures.right) - Math.max(box.left, pictures.left);
            const down = Math.min(box.bottom, pictures.bottom) - Math.max(box.top, pictures.top);
            if (across > 1 && down > 1) found.push(`${section.className} at ${top}`);
          }
        }
        return found;
      });
      assert.deepEqual(covered, [], `${width} × ${height}`);
    }
  }
});

test("what comes in does not disturb somebody who types", async () => {
  const [page, other] = [await study(bleed), await study(bleed)];
  const reason = page.getByTestId("reason").first();
  await reason.fill("art");
  await other.getByLabel("Comment").fill("While somebody types");
  await other.getByTestId("comment").click();
  await other.locator(".comments li", { hasText: "While somebody types" }).waitFor();
  await reason.pressSequentially("efact");
  assert.equal(await reason.inputValue(), "artefact");
  await reason.blur();
  await page.locator(".comments li", { hasText: "While somebody types" }).waitFor();
  assert.equal(await reason.inputValue(), "artefact");
});

test("the next study is a key away, and the timeline too", async () => {
  const page = await enter();
  const order = await shown(page);
  await rows(page).first().getByRole("link").first().click();
  await page.locator('html[data-ready="1"]').waitFor();
  await page.keyboard.press("m");
  assert.match(await page.evaluate(() => document.activeElement.textContent), /Timeline/);
  await page.keyboard.press("n");
  await page.waitForURL(`**/studies/${order[1]}`);
});

test("the timeline's times are the events', and the spreadsheet has the same rows", async () => {
  const page = await study(bleed);
  const times = await page.locator("[data-chart-table=timeline] [data-ms]").evaluateAll((all) => all.map((cell) => Number(cell.dataset.ms)));
  const { timeline } = await service.api(`/api/v1/studies/${bleed}`, admin);
  const since = (event) => Date.parse(event.at) - Date.parse(timeline[0].at);
  times.forEach((ms, at) => assert.ok(Math.abs(ms - since(timeline[at])) <= 1));
  assert.equal(times.length, timeline.length);
  const text = await page.evaluate(async () => (await fetch(document.querySelector("[data-export=csv]").href)).text());
  assert.equal(text.trim().split("\r\n").length, times.length + 1);
});

test("the critical path has no gap: its legs add up to the time from the first image to the last milestone", async () => {
  const page = await study(bleed);
  const path = page.locator(".timeline .path");
  const legs = await path.locator(".leg").evaluateAll((all) => all.map((leg) => Number(leg.dataset.ms)));
  const { timeline, critical_path: told } = await service.api(`/api/v1/studies/${bleed}`, admin);
  assert.deepEqual(legs, told.map((leg) => leg.ms));
  assert.deepEqual(told.slice(0, 4).map((leg) => leg.to), ["series_ready", "inference_started", "inference_finished", "ai_on_worklist"]);
  const whole = Date.parse(timeline[told.at(-1).end].at) - Date.parse(timeline[told[0].begin].at);
  assert.ok(Math.abs(legs.reduce((sum, ms) => sum + ms, 0) - whole) <= 1);
  assert.equal(Number(await path.getAttribute("data-path-ms")), Math.round(legs.reduce((sum, ms) => sum + ms, 0) * 100) / 100);
  assert.equal(await page.locator("figure.cut .leg").count(), legs.length);
});

test("idle time is cut with its length said, and comes back when it is asked for", async () => {
  // Nothing that a person does here lasts half a minute: the last event is moved away from the others.
  const shift = `import sqlite3; db = sqlite3.connect("tocsin.db", timeout=30); db.execute("update timeline set at = at + 600000000 where seq = (select max(seq) from timeline where study_id = ?)", ["${bleed}"]); db.commit()`;
  await promisify(execFile)("python3", ["-c", shift], { cwd: service.folder });
  const page = await study(bleed);
  const cut = page.locator("figure.cut");
  const kept = page.locator("figure.kept");
  const gaps = await cut.locator(".break").evaluateAll((all) => all.map((gap) => Number(gap.dataset.ms)));
  assert.ok(gaps.length > 0 && gaps.every((ms) => ms > 30_000), gaps.join());
  assert.match(await cut.locator(".break text").last().textContent(), /^1\d min$/);
  assert.deepEqual([await cut.isVisible(), await kept.isVisible(), await kept.locator(".break").count()], [true, false, 0]);
  await page.getByTestId("hide-idle").uncheck();
  assert.deepEqual([await cut.isVisible(), await kept.isVisible()], [false, true]);
  await page.evaluate(() => document.dispatchEvent(new CustomEvent("tocsin:resync")));
  await page.getByTestId("hide-idle").check();
  await picture(page, "timeline");
});

test("a hostile name is a text", async () => {
  const page = await enter();
  const row = rows(page).filter({ hasText: "onerror" });
  await row.waitFor();
  assert.match(await row.innerText(), /<img src onerror>, O'<b>&amp;/);
  await row.getByRole("link").first().click();
  await page.waitForURL(/studies/);
  assert.match(await page.locator(".about").innerText(), /<img src onerror>, O'<b>&amp;/);
  assert.equal(await page.locator("main :is(img[onerror], .about h2 b)").count(), 0);
});

for (const theme of THEMES) {
  test(`nobody is kept out by how it looks: ${theme}`, async () => {
    const page = await enter();
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    for (const path of [...PAGES, `/studies/${bleed}`]) {
      await page.goto(`${service.url}${path}`);
      await page.locator(`html[data-ready="1"][data-theme="${theme}"]`).waitFor();
      if (path.includes("studies")) await drawn(page, /./);
      if (path === "/") await rows(page).first().getByTestId("why").click();
      assert.deepEqual(await barriers(page), [], path);
      await picture(page, `${theme}-${named(path)}`);
    }
  });
}

test("t changes the theme, and the choice is kept", async () => {
  const page = await enter();
  await page.keyboard.press("t");
  await page.locator('html[data-theme="dark-contrast"]').waitFor();
  await page.getByTestId("theme").click();
  await page.locator('html[data-theme="light"]').waitFor();
  await page.reload();
  await page.locator('html[data-theme="light"]').waitFor();
});

test("a narrow screen shows all of it without scrolling sideways", async () => {
  const page = await study(bleed, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const width = () => page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok((await width()) <= 360, `${await width()} px on the study page`);
  await picture(page, "narrow-study");
  for (const path of PAGES) {
    await page.goto(`${service.url}${path}`);
    await page.locator('html[data-ready="1"]').waitFor();
    assert.ok((await width()) <= 360, `${await width()} px at ${path}`);
    await picture(page, `narrow-${named(path)}`);
  }
});

test("without a script the list, the key picture, the findings and the timeline can be read", async () => {
  const page = await enter({ javaScriptEnabled: false });
  assert.equal(await rows(page).count(), 3);
  await page.goto(`${service.url}/studies/${bleed}`);
  const key = page.locator(".viewer noscript img, .viewer img").first();
  await key.waitFor();
  assert.match(await key.getAttribute("alt"), /not for diagnosis/);
  const text = await page.locator("main").innerText();
  for (const words of ["NON-DIAGNOSTIC PREVIEW", "AI suspects", "Volume", "inference finished"]) {
    assert.ok(text.includes(words), words);
  }
  await page.getByTestId("claim").click();
  await page.getByTestId("release").click();
  await page.getByTestId("claim").waitFor();
  await picture(page, "no-script");
});

test("no page broke the content security policy or its own script", () => {
  const asked = /status of 400 .*\/withdraw$/; // Whoever types the wrong name is refused.
  assert.deepEqual(browser.complaints.filter((complaint) => !asked.test(complaint)), []);
});
