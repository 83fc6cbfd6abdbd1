// The built program with a hospital's traffic, and a browser in front of it. Everything is in a temporary folder and on free
// ports; nothing is left behind.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const run = promisify(execFile);
const repository = resolve(import.meta.dirname, "../..");
const program = process.env.TOCSIN_PROGRAM ?? join(repository, "target/debug/tocsin");
const browserPath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const PATIENCE_MS = 120_000;

const configuration = `
[site]
name = "General Hospital"
time_zone = "Europe/Berlin"
[database]
url = "sqlite://tocsin.db"
[storage]
url = "file://blobs"
min_free_mb = 64
[http]
listen = "127.0.0.1:0"
[dicom]
listen = "127.0.0.1:0"
accept = "loopback"
[hl7]
listen = "127.0.0.1:0"
accept = "loopback"
default_authority = "DEMO"
[inference]
only = ["ich"]
[alerts]
capture_dir = "mail"
[[alerts.people]]
id = "team"
name = "Stroke team"
email = "team@hospital.example"
roles = ["stroke"]
[[alerts.policies]]
name = "default"
steps = [{ to = ["stroke"], wait_minutes = 30 }]
last_resort = "team"
repeat_minutes = 30
`;

/** The first true answer of `look`. */
export async function until(what, look) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what}`);
    await pause(200);
  }
}

const NAME = [0x10, 0x00, 0x10, 0x00, 0x50, 0x4e];
const NUMBER = [0x10, 0x00, 0x20, 0x00, 0x4c, 0x4f];
const BIRTH = [0x10, 0x00, 0x30, 0x00, 0x44, 0x41];

/** The bytes of a DICOM file with another text under this tag and representation, whatever its length. */
function worded(bytes, tag, text) {
  const at = bytes.indexOf(Buffer.from(tag));
  if (at < 0) throw new Error(`the file has no ${tag}`);
  const value = Buffer.from(text.length % 2 ? `${text} ` : text, "latin1");
  const length = Buffer.alloc(2);
  length.writeUInt16LE(value.length);
  const end = at + 8 + bytes.readUInt16LE(at + 6);
  return Buffer.concat([bytes.subarray(0, at + 6), length, value, bytes.subarray(end)]);
}

/** Starts the service, with `more` in its configuration; resolves when it says where it listens. */
export async function start(more = "", files = {}) {
  const folder = await mkdtemp(join(tmpdir(), "tocsin-browser-"));
  const config = join(folder, "tocsin.toml");
  await writeFile(config, typeof more === "function" ? more(configuration) : configuration + more);
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o600 });
  }
  const child = spawn(program, ["serve", "--config", config], { cwd: repository, stdio: ["ignore", "ignore", "pipe"] });
  const at = await new Promise((up, failed) => {
    const log = [];
    child.once("exit", (code) => failed(new Error(`the service ended with ${code}\n${log.join("\n")}`)));
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      if (!line.includes("tocsin is up")) return;
      const said = JSON.parse(line);
      up(said.fields ?? said);
    });
  });
  const tocsin = async (...arguments_) => (await run(program, arguments_, { cwd: repository })).stdout.trim();
  const service = {
    folder,
    url: `http://${at.http}`,
    /** A bearer token of this role. */
    token: (role, name = role) => tocsin("token", "create", "--role", role, "--name", name, "--config", config),
    /** An account with this password. */
    async user(name, role, password) {
      const made = run(program, ["user", "create", name, "--role", role, "--config", config], { cwd: repository });
      made.child.stdin.end(`${password}\n`);
      await made;
    },
    /** An order and its head CT. */
    send: (...more) => tocsin("send", "--hl7", at.hl7, "--dicom", at.dicom, ...more),
    /** Images without an order, of a phantom that is `said` to be of another name or patient's number. */
    async images(seed, phantom, said = {}) {
      const images = join(folder, `images-${seed}`);
      await tocsin("synth", "head-ct", "--seed", String(seed), "--out", images, ...phantom);
      for (const file of (await readdir(images)).filter((each) => each.endsWith(".dcm"))) {
        const path = join(images, file);
        let bytes = await readFile(path);
        if (said.name) bytes = worded(bytes, NAME, said.name);
        if (said.number) bytes = worded(bytes, NUMBER, said.number);
        if (said.birth) bytes = worded(bytes, BIRTH, said.birth);
        await writeFile(path, bytes);
      }
      await tocsin("send", "--dicom", at.dicom, "--dir", images);
    },
    /** One image without an order, sent at once. */
    image: (seed, name) => service.images(seed, ["--finding", "none", "--slices", "1", "--matrix", "64"], { name }),
    /** Copies what was read until so many studies are open. */
    lengthen: (count) => run("python3", [join(repository, "tests/peers/long_list.py"), `sqlite://${join(folder, "tocsin.db")}`, String(count)]),
    /** The process stands still: connections stay open and nothing comes. */
    freeze: () => child.kill("SIGSTOP"),
    thaw: () => child.kill("SIGCONT"),
    /** Links of the pages that went out. */
    async links() {
      const files = await readdir(join(folder, "mail")).catch(() => []);
      const mails = await Promise.all(files.map((file) => readFile(join(folder, "mail", file), "utf8")));
      const texts = mails.map((mail) => mail.replaceAll("=\r\n", "").replaceAll("=3D", "="));
      return texts.flatMap((text) => text.match(/http:\/\/[0-9.:]+\/a\/[A-Za-z0-9._~-]+/)?.[0] ?? []);
    },
    async api(path, token) {
      const answer = await fetch(`${service.url}${path}`, { headers: { Authorization: `Bearer ${token}` } });
      if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
      return answer.json();
    },
    async stop() {
      child.removeAllListeners("exit");
      child.kill("SIGTERM");
      const [code] = await once(child, "exit");
      await rm(folder, { recursive: true });
      return code;
    },
  };
  return service;
}

/** A synthetic hospital around the service; resolves with the address of its pages when it says it. */
export async function demonstration() {
  const child = spawn(program, ["demo", "--port", "0"], { cwd: repository, stdio: ["ignore", "pipe", "ignore"] });
  const url = await new Promise((up, failed) => {
    child.once("exit", (code) => failed(new Error(`the demonstration ended with ${code}`)));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const address = line.match(/http:\/\/\S+/);
      if (address) up(address[0].replace(/\/$/, ""));
    });
  });
  const stop = async () => {
    child.removeAllListeners("exit");
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  return { url, stop };
}

/** A browser that reaches nothing but the service, and remembers what pages complained about. */
export async function open() {
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  const complaints = [];
  const addresses = [];
  const page = async (options = {}) => {
    const context = await browser.newContext(options);
    const opened = await context.newPage();
    opened.on("console", (message) => message.type() === "error" && complaints.push(`${message.text()} ${message.location().url}`));
    opened.on("request", (request) => addresses.push(request.url()));
    opened.on("pageerror", (error) => complaints.push(String(error)));
    return opened;
  };
  return { page, complaints, addresses, close: () => browser.close() };
}

/** A page of somebody who holds this token, when its scripts have run and it hears the server. */
export async function signIn(browser, service, token, options = {}) {
  const page = await browser.page(options);
  await page.goto(service.url);
  const field = page.locator("#token");
  await field.fill(token);
  await field.press("Enter");
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  if (options.javaScriptEnabled !== false) await page.locator('html[data-ready="1"]').waitFor();
  return page;
}

/** A phone's screen; when the scripts of a page have run; how wide a page is, px. */
export const PHONE = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
export const ready = (page) => page.locator('html[data-ready="1"]').waitFor();
export const width = (page) => page.evaluate(() => document.documentElement.scrollWidth);

/** Rows of the list, and one of them. */
export const rows = (page) => page.locator("#rows tbody > tr[data-study-id]");
export const shown = (page) => rows(page).evaluateAll((all) => all.map((row) => row.dataset.studyId));

/** Keeps a picture where somebody asked for pictures. */
export async function picture(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder) await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** What of the page keeps somebody out, by WCAG up to 2.2 AA; nothing where all is well. The theme of high contrast keeps AAA's. */
export async function barriers(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => {
    const rules = { "color-contrast-enhanced": { enabled: document.documentElement.dataset.theme === "dark-contrast" } };
    return globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], rules });
  });
  const grave = found.violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return grave.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map((node) => `${node.target}: ${node.failureSummary}`).join("; ")}`);
}
