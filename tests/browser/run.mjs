// One journey through the console, in a real Chromium and on the real program.
//
//   node run.mjs FOLDER_WITH_PLAYWRIGHT PROGRAM BROKER_PORT JOURNEY

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

import { Program } from "./program.mjs";

const [folder, path, broker, journey] = process.argv.slice(2);
const require = createRequire(join(resolve(folder), "package.json"));
const { chromium } = require("playwright-core");
const AXE = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/// Longer than anything takes, also on a slow machine.
const PATIENCE_MS = 20_000;
const DESKTOP = { width: 1280, height: 800 };

const complaints = [];
const endings = [];

/// What a journey has to work with.
const world = {
  broker: Number(broker),

  async program(options) {
    const program = await Program.start(path, broker, options);
    endings.push(() => program.end());
    return program;
  },

  /// A page of its own, as in another browser; whatever it complains of is a failure.
  async open(program, { scheme = "light", viewport = DESKTOP, route = "", ...more } = {}) {
    const context = await world.browser.newContext({
      colorScheme: scheme, viewport, reducedMotion: "reduce", locale: "en-GB", timezoneId: "UTC", ...more,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    page.on("pageerror", (error) => complaints.push(error.stack));
    page.on("console", (message) => {
      // A browser reports each answer that is a refusal, and each connection that was refused.
      const isExpected = message.text().startsWith("Failed to load resource");
      if (message.type() === "error" && !isExpected) complaints.push(message.text());
    });
    await page.goto(`${program.address}/${route}`);
    return page;
  },

  /// Waits until this is seen.
  async see(locator, text) {
    const found = text === undefined ? locator : locator.filter({ hasText: text });
    await found.first().waitFor({ state: "visible" });
    return found.first();
  },

  /// The number that stands in an element, once `fits` says so.
  async number(locator, fits = () => true) {
    const element = await locator.elementHandle();
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const number = Number.parseFloat(await element.textContent());
      if (fits(number)) return number;
      if (Date.now() > deadline) throw new Error(`it stays ${await element.textContent()}`);
      await element.evaluate((node) => new Promise((resolve) => {
        const observer = new MutationObserver(() => (observer.disconnect(), resolve()));
        observer.observe(node, { childList: true, characterData: true, subtree: true });
        setTimeout(resolve, 1000);
      }));
    }
  },

  same(seen, expected, what) {
    if (JSON.stringify(seen) !== JSON.stringify(expected)) {
      throw new Error(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(expected)}`);
    }
  },

  /// What axe-core has to say against the page as it is, with WCAG 2.2 AA and its best practices.
  async accessible(page, what) {
    await page.evaluate(AXE);
    const { violations } = await page.evaluate(() => globalThis.axe.run({
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }));
    const told = violations.flatMap(({ id, help, nodes }) => nodes.map((node) => `${id}: ${help}: ${node.html}\n${node.failureSummary}`));
    if (told.length > 0) throw new Error(`${what}:\n${told.join("\n")}`);
  },
};

// No journey takes so long: one that does would keep everything after it waiting.
setTimeout(() => {
  console.error(`${journey}: it does not arrive`);
  process.exit(1);
}, 180_000).unref();

try {
  world.browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-lcd-text"] });
  endings.push(() => world.browser.close());
  const { default: go } = await import(`./journeys/${journey}.mjs`);
  await go(world);
  if (complaints.length > 0) throw new Error(`the page complains: ${complaints.join("\n")}`);
  console.log(`${journey}: arrived`);
} finally {
  for (const end of endings.reverse()) await end();
}
