// What the engineer of the interfaces does on pages: tries a message on a site profile, corrects one by hand, sees what a replay would do,
// and stops what comes in.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, open, PHONE, picture, ready, signIn, start, until, width } from "./service.mjs";

let service, browser, token, order;

before(async () => {
  [service, browser] = await Promise.all([start(), open()]);
  token = await service.token("integration_engineer");
  await service.send("--finding", "none", "--seed", "77");
  order = await until("the order is applied", async () => {
    const { items } = await service.api("/api/v1/messages?direction=in&state=applied", token);
    return items.find(({ kind }) => kind.startsWith("ORM"));
  });
});

after(async () => {
  await browser?.close();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});

const text = (page) => page.locator("textarea").inputValue();

test("a message is tried on a profile, and nothing is kept of it", async () => {
  const page = await signIn(browser, service, token);
  await page.goto(`${service.url}/messages/${order.id}/edit`);
  const message = await text(page);
  await page.goto(`${service.url}/profiles/own-codes`);
  await ready(page);
  assert.equal(await page.locator('[data-sample][data-passed="true"]').count(), 1);
  await page.locator("textarea").fill(message);
  await page.getByTestId("read").click();
  await page.getByTestId("tried").getByText("data.1.procedure.code", { exact: true }).waitFor();
  assert.equal(await text(page), message, "it can be changed and tried again");
  assert.deepEqual(await barriers(page), []);
  await picture(page, "profile-tried");
  await page.locator("textarea").fill("PID|1");
  await page.getByTestId("read").click();
  assert.match(await page.getByTestId("refused").innerText(), /begins with MSH/);
});

test("a message is corrected by hand: what differs, what it would do, a reason, and a message that names the other", async () => {
  const page = await signIn(browser, service, token);
  await page.goto(`${service.url}/messages/${order.id}`);
  await page.getByTestId("edit").click();
  const before = await text(page);
  const after = before.replaceAll(/\^\^[SAR](?=[|\n])/g, "^^A");
  assert.notEqual(after, before);
  await page.locator("#text").fill(after);
  await page.getByTestId("edit-preview").click();
  const preview = page.getByTestId("preview");
  await preview.locator('tr[data-place="ORC-7"]').waitFor();
  assert.match(await preview.innerText(), /changes in priority/);
  assert.equal(await text(page), after, "what was typed is still there");
  assert.deepEqual(await barriers(page), []);
  await picture(page, "edit-preview");
  await page.getByTestId("edit-do").click();
  assert.match(await page.getByTestId("refused").innerText(), /reason/);
  await page.locator("#reason").fill("the ward called");
  await page.getByTestId("edit-do").click();
  assert.match(await page.getByTestId("made-of").innerText(), /the ward called/);
  await picture(page, "edited");
  await page.goto(`${service.url}/messages/${order.id}`);
  assert.match(await page.getByTestId("made").innerText(), /the ward called/);
  await page.getByText("What would a replay do?").click();
  await page.getByTestId("would").waitFor();
  await picture(page, "replay-preview");
});

test("what comes in is stopped with a reason, and let go", async () => {
  const page = await signIn(browser, service, token);
  await page.goto(`${service.url}/connections`);
  const row = page.locator('tr[data-kind="hl7_listener"]');
  await row.getByTestId("pause").click();
  await row.locator("input[name=reason]").fill("the interface is mended");
  await picture(page, "pausing-in");
  await row.getByText("Take nothing from anybody").click();
  await page.locator('tr[data-kind="hl7_listener"][data-state="paused"]').waitFor();
  assert.match(await row.innerText(), /the interface is mended/);
  await row.getByTestId("resume").click();
  await page.locator('tr[data-kind="hl7_listener"][data-state="working"]').waitFor();
});

test("a phone shows them without scrolling sideways", async () => {
  const page = await signIn(browser, service, token, PHONE);
  for (const path of ["/profiles", "/profiles/own-codes", `/messages/${order.id}/edit`, `/messages/${order.id}`, "/connections"]) {
    await page.goto(`${service.url}${path}`);
    await ready(page);
    assert.ok((await width(page)) <= 360, `${await width(page)} px at ${path}`);
    assert.deepEqual(await barriers(page), [], path);
  }
});

test("no page broke the content security policy or its own script", () => {
  assert.deepEqual(browser.complaints, []);
});
