// The report preview: one result in five forms, what became of each, and a draft that a site may word itself. It looks well in
// three themes, on a narrow screen and on paper, and needs no script.
import assert from "node:assert/strict";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { barriers, open, picture, signIn, start, until } from "./service.mjs";

const THEMES = ["dim", "dark-contrast", "light"];
const FORMS = ["narrative", "structured", "sr", "hl7", "fhir"];
const HOSTILE = "O'<b>^Jane";

/** A RIS that takes every message, and refuses results with its own words. */
const ris = createServer((line) => {
  let text = "";
  line.on("error", () => {});
  line.on("data", (bytes) => {
    text += bytes.toString("utf8");
    for (let end = text.indexOf("\x1c\r"); end >= 0; end = text.indexOf("\x1c\r")) {
      const head = text.slice(1, end).split("\r")[0].split("|");
      text = text.slice(end + 2);
      const said = head[8].startsWith("ORU") ? "AE|" + head[9] + "|no such <patient>" : "AA|" + head[9];
      line.write(`\x0bMSH|^~\\&|RIS||TOCSIN||20260314||ACK|1|P|2.5.1\rMSA|${said}\r\x1c\r`);
    }
  });
});

let service, browser, admin, bleed, nameless;

before(async () => {
  await new Promise((up) => ris.listen(0, "127.0.0.1", up));
  const heard = `[ris]\nenabled = true\nhost = "127.0.0.1"\nport = ${ris.address().port}\n`;
  service = await start((text) => text.replace("[site]\n", '[site]\ntemplates = "templates"\n') + heard, { "templates/README": "Ours." });
  browser = await open();
  admin = await service.token("admin");
  await service.send("--finding", "iph", "--volume-ml", "30", "--seed", "72");
  await service.image(908, HOSTILE);
  await until("it is read and told, and the other waits", async () => {
    const { items } = await service.api("/api/v1/worklist", admin);
    bleed = items.find((item) => item.ai[0]?.state === "flagged")?.study_id;
    nameless = items.find((item) => item.patient.display.includes("O'<b>"))?.study_id;
    if (!bleed || !nameless) return false;
    const { report } = await service.api(`/api/v1/studies/${bleed}/report`, admin);
    return report?.outputs.some(({ state }) => state === "refused");
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
  ris.close();
});

const enter = async (options, role = "admin") => signIn(browser, service, await service.token(role, `${role}-${Math.random()}`), options);

async function preview(form = "narrative", options = {}, role = "radiologist") {
  const page = await enter(options, role);
  await page.goto(`${service.url}/studies/${bleed}/report?as=${form}`);
  return page;
}

test("the study leads to its report, and each form has an address", async () => {
  const page = await enter({}, "radiologist");
  await page.goto(`${service.url}/studies/${bleed}`);
  await page.getByTestId("report").click();
  await page.waitForURL(`**/studies/${bleed}/report`);
  for (const form of FORMS) {
    await page.getByTestId(`form-${form}`).click();
    await page.waitForURL(new RegExp(`as=${form}`));
    await page.locator(`#${form}`).waitFor();
    assert.equal(await page.getByTestId(`form-${form}`).getAttribute("aria-current"), "page");
    await picture(page, `report-${form}`);
  }
});

test("the numbers of the narrative are those of the table, and each sentence names its model", async () => {
  const page = await preview("structured");
  const table = await page.locator(".measurements .number[data-value]").allInnerTexts();
  assert.ok(table.length >= 2);
  await page.getByTestId("form-narrative").click();
  await page.locator("#narrative").waitFor();
  const narrative = await page.locator(".words").innerText();
  for (const value of table) assert.ok(narrative.includes(value), `${value} in ${narrative}`);
  const marked = await page.locator(".words mark").evaluateAll((all) => all.map(({ dataset, textContent }) => [dataset.by, textContent]));
  const { report } = await service.api(`/api/v1/studies/${bleed}/report`, admin);
  const model = `${report.model.name} ${report.model.version}`;
  const suspects = marked.filter(([, text]) => text.startsWith("Suspected"));
  assert.ok(suspects.some(([by]) => by === model), JSON.stringify(marked));
  const bare = await page.locator(".words p").evaluateAll((all) => all.map((line) => [...line.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data).join("")));
  assert.ok(!bare.join("\n").match(/\d mL/), "a number without a name");
});

test("a refused message shows the number it went under and the words of the RIS, as text", async () => {
  const page = await preview("hl7", {}, "admin");
  const row = page.locator('[data-kind="result_message"]');
  assert.equal(await row.getAttribute("data-state"), "refused");
  assert.match(await row.innerText(), /refused AE/);
  assert.match(await row.innerText(), /no such <patient>/);
  const { report } = await service.api(`/api/v1/studies/${bleed}/report`, admin);
  const control = report.message.content.control_id;
  assert.equal(report.message.content.text.split("|")[9], control);
  const text = await page.locator("#hl7").innerText();
  assert.ok(text.includes(control) && text.includes("MSH-10") && text.includes("MSA-1"));
  await row.getByRole("link", { name: "The message" }).click();
  await page.waitForURL(`**/messages/${report.message.content.message_id}`);
});

test("who may send it again comes back to the report, and who may not has no button", async () => {
  const page = await preview("narrative", {}, "admin");
  await page.locator('[data-kind="result_message"]').getByTestId("again").click();
  await page.waitForURL(`**/studies/${bleed}/report`);
  await until("it was tried twice", async () => {
    const { report } = await service.api(`/api/v1/studies/${bleed}/report`, admin);
    return report.outputs.some(({ kind, attempts, state }) => kind === "result_message" && attempts >= 2 && state === "refused");
  });
  const reader = await preview();
  assert.equal(await reader.getByTestId("again").count(), 0);
  assert.equal(await reader.locator('a[href^="/messages/"]').count(), 0);
});

test("the tree opens and closes, and the files are what the page shows", async () => {
  const page = await preview("sr");
  const tree = page.locator(".tree");
  assert.match(await tree.innerText(), /Imaging Measurement Report/);
  assert.match(await tree.innerText(), /Volume \(118565006, SCT\)\s+[\d.]+ mL/);
  await page.locator(".tree details > summary").first().click();
  assert.ok(!(await tree.innerText()).includes("Volume"));
  const saved = page.waitForEvent("download");
  await page.getByTestId("save").click();
  const file = await readFile(await (await saved).path());
  assert.equal(file.subarray(128, 132).toString(), "DICM");
  await page.goto(`${service.url}/studies/${bleed}/report?as=fhir`);
  const bundle = JSON.parse(await page.locator("#bundle").innerText());
  assert.equal(bundle.entry.at(-1).resource.status, "preliminary");
});

test("a draft can be copied as plain text", async () => {
  const page = await preview();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await page.getByTestId("copy").click();
  await page.getByText("Copied.").waitFor();
  const { report } = await service.api(`/api/v1/studies/${bleed}/report`, admin);
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), report.narrative.text);
});

test("a site words the draft itself without a restart, and a broken template costs its wording alone", async () => {
  const folder = join(service.folder, "templates", "report", "findings");
  await mkdir(folder, { recursive: true });
  const page = await preview();
  const words = async () => {
    await page.reload();
    return page.locator(".words").innerText();
  };
  const own = join(folder, "hemorrhage.hbs");
  await writeFile(own, '{{#section "impression"}}House style: {{finding.headline}}{{/section}}');
  assert.match(await words(), /IMPRESSION\s+House style: Suspected intracranial hemorrhage.*AI /);
  await writeFile(own, '{{#section "impression"}}\nHouse style: {{nothing}}{{/section}}');
  assert.match(await words(), /The hemorrhage was outlined/);
  assert.match(await page.getByTestId("fault").innerText(), /hemorrhage\.hbs, line 2.*nothing/);
  await rm(own);
  assert.match(await words(), /The hemorrhage was outlined/);
  assert.equal(await page.getByTestId("fault").count(), 0);
});

test("a hostile name is a text", async () => {
  const page = await enter({}, "radiologist");
  await page.goto(`${service.url}/studies/${nameless}/report`);
  assert.match(await page.locator(".whom").innerText(), /O'<b>, Jane/);
  assert.equal(await page.locator("main b").filter({ hasText: "Jane" }).count(), 0);
  for (const form of FORMS) {
    await page.goto(`${service.url}/studies/${nameless}/report?as=${form}`);
    assert.equal(await page.locator("main h2 b").count(), 0, form);
  }
});

test("on paper it is light and one page", async () => {
  const page = await preview();
  await page.emulateMedia({ media: "print" });
  const colours = await page.evaluate(() => {
    const { color } = getComputedStyle(document.querySelector(".words p"));
    return [getComputedStyle(document.body).backgroundColor, color];
  });
  assert.deepEqual(colours, ["rgb(255, 255, 255)", "rgb(0, 0, 0)"]);
  const paper = (await page.pdf({ format: "A4" })).toString("latin1");
  assert.equal(paper.match(/\/Type\s*\/Page\b(?!s)/g).length, 1);
});

for (const theme of THEMES) {
  test(`nobody is kept out by how it looks: ${theme}`, async () => {
    const page = await enter();
    await page.evaluate((name) => localStorage.setItem("tocsin.theme", name), theme);
    for (const form of FORMS) {
      await page.goto(`${service.url}/studies/${bleed}/report?as=${form}`);
      await page.locator(`html[data-ready="1"][data-theme="${theme}"]`).waitFor();
      assert.deepEqual(await barriers(page), [], form);
      await picture(page, `${theme}-report-${form}`);
    }
  });
}

test("a narrow screen shows all of it without scrolling sideways", async () => {
  const page = await preview("narrative", { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  for (const form of FORMS) {
    await page.goto(`${service.url}/studies/${bleed}/report?as=${form}`);
    await page.locator('html[data-ready="1"]').waitFor();
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= 360, `${width} px: ${form}`);
    await picture(page, `narrow-report-${form}`);
  }
});

test("without a script every form can be read and saved", async () => {
  const page = await preview("narrative", { javaScriptEnabled: false });
  for (const form of FORMS) {
    await page.getByTestId(`form-${form}`).click();
    await page.locator(`#${form}`).waitFor();
    assert.equal(await page.locator("button[data-done]:visible").count(), 0, form);
  }
  assert.match(await page.getByTestId("save").getAttribute("href"), /fhir\.json/);
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
