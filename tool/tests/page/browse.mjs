// Opens a page of copytax in headless Chromium, uses it as people do, and says as JSON what it saw.
// node browse.mjs MODULES CHROMIUM PAGE SHOTS
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { join } from "node:path";

const [modules, executablePath, file, shots] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const { chromium } = require("playwright-core");
const axe = require("axe-core");

const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
const said = [];
const requests = [];
const seen = { said, requests };

async function open(options) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.on("console", (message) => said.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => said.push(`error: ${error.message}`));
  page.on("dialog", (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  const own = pathToFileURL(file).href;
  page.on("request", (request) => { if (request.url() !== own) requests.push(request.url()); });
  const begin = performance.now();
  await page.goto(own, { waitUntil: "load" });
  await page.evaluate(() => new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted))));
  return { page, milliseconds: performance.now() - begin };
}

async function violations(page) {
  await page.evaluate(axe.source);
  const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.map(({ id, impact, nodes }) => ({ id, impact, at: nodes[0].html.slice(0, 300), why: nodes[0].failureSummary }));
}

async function widthOf(box) {
  return parseFloat(await box.locator(":scope > svg").getAttribute("width"));
}

async function useFindings(page) {
  const first = page.locator("details.finding").first();
  const isOpen = () => first.evaluate((one) => one.open);
  const states = [await isOpen()];
  await first.locator(":scope > summary").click();
  states.push(await isOpen());
  await first.locator(":scope > summary").focus();
  await page.keyboard.press("Enter");
  states.push(await isOpen());
  return states;
}

async function useFlame(page) {
  const flame = page.locator("figure.flame").first();
  const boxes = flame.locator("[role=treeitem]");
  const all = boxes.nth(0);
  const detail = flame.locator(".detail");
  const seen = { boxes: await boxes.count() };
  // By keys: up to the first box that has less than all, and into it. What scrolls below the mouse is told, too.
  await page.mouse.move(0, 0);
  await all.focus();
  const focused = flame.locator("[role=treeitem][tabindex=\"0\"]");
  for (let depth = 0; depth < 100 && await widthOf(focused) > 99; depth += 1) await page.keyboard.press("ArrowUp");
  seen.focused = await focused.locator(":scope > title").textContent();
  seen.detail = await detail.textContent();
  seen.before = await widthOf(focused);
  await page.keyboard.press("Enter");
  seen.zoomed = await widthOf(focused);
  await page.keyboard.press("Escape");
  seen.after = await widthOf(focused);
  // By mouse: the same box, and back by the button.
  await focused.click();
  seen.clicked = await widthOf(focused);
  await flame.getByRole("button", { name: "Show all" }).click();
  seen.reset = await widthOf(focused);
  await flame.getByRole("searchbox").fill(seen.focused.slice(0, 4));
  seen.found = await flame.locator("[role=treeitem].found").count();
  seen.matched = await flame.locator("output").textContent();
  await flame.getByRole("searchbox").fill("");
  return seen;
}

async function useTable(page) {
  const rows = page.locator("#process-table tbody tr");
  const pids = async () => (await rows.locator("td:first-child").allTextContents()).map(Number);
  const head = page.getByRole("button", { name: "PID", exact: true });
  await head.click();
  const falling = await pids();
  await head.focus();
  await page.keyboard.press("Enter");
  const rising = await pids();
  await page.getByLabel("Filter").fill(String(rising[0]));
  const shown = await page.locator("#process-table tbody tr:visible").count();
  await page.getByLabel("Filter").fill("");
  return { falling, rising, shown };
}

const light = await open({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
seen.milliseconds = light.milliseconds;
seen.title = await light.page.title();
seen.text = await light.page.locator("#summary").innerText();
seen.parts = await light.page.locator("main > section").evaluateAll((all) => all.map((one) => one.id));
await light.page.screenshot({ path: join(shots, "light.png"), fullPage: true });
seen.violations = await violations(light.page);
if (seen.parts.includes("findings")) seen.findings = await useFindings(light.page);
if (seen.parts.includes("flames")) seen.flame = await useFlame(light.page);
if (seen.parts.includes("processes")) seen.table = await useTable(light.page);
await light.page.emulateMedia({ media: "print" });
await light.page.pdf({ path: join(shots, "print.pdf") });

const dark = await open({ viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
await dark.page.screenshot({ path: join(shots, "dark.png"), fullPage: true });
seen.darkViolations = await violations(dark.page);

const phone = await open({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
await phone.page.screenshot({ path: join(shots, "phone.png"), fullPage: true });
seen.phoneWidth = await phone.page.evaluate(() => document.documentElement.scrollWidth);
seen.phoneViolations = await violations(phone.page);

await browser.close();
console.log(JSON.stringify(seen));
