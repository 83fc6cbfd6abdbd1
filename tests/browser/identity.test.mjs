// Who comes in, who is still there, and who lets others in: the identity provider, the locked screen, people and tokens.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { barriers, open, picture, ready, rows, start, until } from "./service.mjs";
import { signInThere, startProvider } from "./provider.mjs";

const PASSWORD = "correct horse battery";
let service, browser, provider;

before(async () => {
  provider = await startProvider();
  const more = `
[auth]
idle_lock_minutes = 1
second_factor = "optional"
[auth.oidc]
issuer = "${provider.issuer}"
client_id = "tocsin"
client_secret_file = "client.secret"
scopes = ["profile", "groups"]
role_claim = "groups"
label = "Hospital account"
second_factor = "provider"
[auth.oidc.roles]
readers = "radiologist"
admins = "admin"
`;
  service = await start(more, { "client.secret": provider.secret });
  browser = await open();
  await service.user("tom", "radiologist", PASSWORD);
  await service.user("eve", "admin", PASSWORD);
  await service.send("--finding", "none", "--seed", "61");
  const admin = await service.token("admin");
  await until("a study waits", async () => (await service.api("/api/v1/worklist", admin)).items.length > 0);
});

after(async () => {
  await browser?.close();
  await provider?.stop();
  assert.equal(await service?.stop(), 0, "the service stops when it is asked to");
});


/** A page of somebody who has this password. */
async function enter(name, options) {
  const page = await browser.page(options);
  await page.goto(`${service.url}/sign-in`);
  await page.locator("#name").fill(name);
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#password").press("Enter");
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  await ready(page);
  return page;
}

test("a provider that is down costs its own button, and no password", async () => {
  const page = await browser.page();
  await page.goto(`${service.url}/sign-in`);
  await page.getByTestId("oidc").click();
  await page.getByText("cannot be reached").waitFor();
  await page.locator("#password").waitFor();
  const tom = await enter("tom");
  await rows(tom).first().waitFor();
  provider.serve(service.url);
});

/** From our button to the provider's form; what we know of it is looked up again after some seconds. */
async function toProvider(page) {
  await until("the provider is found again", async () => {
    await page.goto(`${service.url}/sign-in/oidc`);
    return page.url().startsWith(provider.issuer);
  });
}

test("a radiologist signs in with the provider, and everything works from there", async () => {
  const page = await browser.page();
  await toProvider(page);
  await signInThere(page, "mia");
  await rows(page).first().waitFor();
  assert.equal(await page.locator("body").getAttribute("data-role"), "radiologist");
  assert.equal(new URL(page.url()).pathname, "/");
  await picture(page, "oidc");

  // Locked, and opened again by the provider in a tab of its own, without losing the page.
  await page.getByTestId("lock").click();
  await page.getByTestId("lock-dialog").waitFor();
  const [other] = await Promise.all([page.context().waitForEvent("page"), page.getByTestId("lock-dialog").getByRole("link").click()]);
  await signInThere(other, "mia");
  await page.getByTestId("lock-dialog").waitFor({ state: "hidden" });
  assert.equal(await page.locator("html").getAttribute("data-session"), null);
});

test("who has no role of ours is refused with a page that says so", async () => {
  const page = await browser.page();
  await toProvider(page);
  await signInThere(page, "gus");
  await page.getByText("gives you no role here").waitFor();
  assert.equal((await page.context().cookies()).some((cookie) => cookie.name === "tocsin_session"), false);
});

test("a forged state and a replayed callback open nothing", async () => {
  const page = await browser.page();
  let callback;
  page.on("request", (request) => {
    if (request.url().includes("/sign-in/oidc/callback")) callback = request.url();
  });
  await toProvider(page);
  const journey = (await page.context().cookies(service.url)).filter((cookie) => cookie.name === "tocsin_journey");
  const forged = await page.context().request.get(`${service.url}/sign-in/oidc/callback?state=forged&code=c`);
  assert.equal(forged.status(), 400);
  await signInThere(page, "mia");
  await rows(page).first().waitFor();

  const thief = await browser.page();
  await thief.context().addCookies(journey);
  const replayed = await thief.context().request.get(callback);
  assert.equal(replayed.status(), 400, "the provider takes a code once");
  const without = await thief.context().request.get(callback);
  assert.equal(without.status(), 400);
  assert.equal((await thief.context().cookies()).some((cookie) => cookie.name === "tocsin_session"), false);
});

test("a locked screen shows nothing, in any tab, until its person is back", async () => {
  const page = await enter("tom");
  await rows(page).first().waitFor();
  const name = (await rows(page).first().innerText()).match(/PHANTOM\S*/)?.[0];
  await page.locator("input[type=search]").fill("what was typed");
  const second = await page.context().newPage();
  await second.goto(`${service.url}/account`);
  await ready(second);
  await page.getByTestId("lock").click();
  for (const tab of [page, second]) {
    await tab.getByTestId("lock-dialog").waitFor();
    assert.equal(await tab.locator("main").isVisible(), false);
    assert.equal(await tab.locator("main").evaluate((main) => main.inert), true);
    assert.equal(await tab.getByRole("table").count(), 0, "nothing for those who listen either");
  }
  if (name) assert.doesNotMatch(await page.locator("body").innerText(), new RegExp(name));
  assert.deepEqual(await barriers(page), []);
  await picture(page, "locked");
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  assert.equal(await page.getByTestId("lock-dialog").isVisible(), true);
  for (const path of ["/", "/live", "/api/v1/worklist"]) {
    const status = await page.evaluate(async (path) => (await fetch(path)).status, path);
    assert.equal(status, 423, path);
  }
  const dialog = page.getByTestId("lock-dialog");
  await dialog.locator("#lock-password").fill("wrong horse battery");
  await dialog.locator("#lock-password").press("Enter");
  await dialog.getByRole("alert").waitFor();
  await dialog.locator("#lock-password").fill(PASSWORD);
  await dialog.locator("#lock-password").press("Enter");
  await dialog.waitFor({ state: "hidden" });
  await second.getByTestId("lock-dialog").waitFor({ state: "hidden" });
  assert.equal(await page.locator("input[type=search]").inputValue(), "what was typed");
  await page.locator('html[data-live="connected"]').waitFor();
});

test("a screen that nobody touches locks by itself", async () => {
  const page = await enter("tom");
  await rows(page).first().waitFor();
  await page.getByTestId("lock-dialog").waitFor({ timeout: 100_000 });
  await picture(page, "idle");
});

test("without scripts a locked session leads to a form, and back", async () => {
  const page = await browser.page({ javaScriptEnabled: false });
  await page.goto(`${service.url}/sign-in`);
  await page.locator("#name").fill("tom");
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#password").press("Enter");
  await page.goto(`${service.url}/alerts`);
  await page.getByTestId("lock").click();
  assert.equal(new URL(page.url()).pathname, "/prove");
  await page.locator("#password").fill(PASSWORD);
  await page.locator("#password").press("Enter");
  assert.equal(new URL(page.url()).pathname, "/alerts");
});

test("an administrator invites somebody, who chooses a password, and ends them again", async () => {
  const page = await enter("eve");
  await page.getByRole("link", { name: "People" }).click();
  await page.locator("#name").fill("ned");
  await page.locator("#role").selectOption("radiologist");
  await page.getByRole("button", { name: "Make the account" }).click();
  const link = await page.getByTestId("invite-link").innerText();
  await picture(page, "people");
  assert.deepEqual(await barriers(page), []);

  const ned = await browser.page();
  await ned.goto(new URL(link, service.url).href);
  await ned.locator("#password").fill(PASSWORD);
  await ned.locator("#password").press("Enter");
  await ned.waitForURL((url) => url.pathname === "/sign-in");
  const inside = await enter("ned");
  await rows(inside).first().waitFor();
  await page.goto(`${service.url}/people`);
  await page.locator('tr[data-person="ned"]').getByRole("button", { name: "Deactivate" }).click();
  await page.locator('tr[data-person="ned"][data-state="deactivated"]').waitFor();
  await inside.goto(service.url);
  assert.match(inside.url(), /\/sign-in/);
});

test("an administrator makes a token, sees it once, and revokes it", async () => {
  const page = await enter("eve");
  await page.goto(`${service.url}/tokens`);
  await page.locator("#name").fill("viewer");
  await page.locator("#role").selectOption("service");
  await page.getByRole("button", { name: "Make a token" }).click();
  const token = await page.getByTestId("made-token").innerText();
  await service.api("/api/v1/worklist", token);
  assert.deepEqual(await barriers(page), []);
  await picture(page, "tokens");
  await page.goto(`${service.url}/tokens`);
  assert.doesNotMatch(await page.content(), /tocsin_[0-9a-f]{64}/);
  await page.locator('tr[data-token="viewer"]').getByRole("button", { name: "Revoke" }).click();
  await page.locator('tr[data-token="viewer"]').getByText("revoked").waitFor();
  await assert.rejects(service.api("/api/v1/worklist", token));
});

test("no page broke the content security policy or its own script", () => {
  // Refusals are what was asked for here, and the browser reports each; what the provider's own pages lack is not ours.
  const refusals = /^Failed to load resource: the server responded with a status of (401|403|422|423|503)/;
  const elsewhere = (complaint) => complaint.startsWith("Failed to load resource") && !complaint.includes(service.url);
  assert.deepEqual(browser.complaints.filter((complaint) => !refusals.test(complaint) && !elsewhere(complaint)), []);
});
