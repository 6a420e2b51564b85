// The pictures of the documentation, from the program as it is. They are kept only when that is asked for.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { withPalette } from "../png.mjs";

const FOLDER = "docs/images";
const PHONE = { width: 390, height: 844 };
const SIZE_MAX = 120_000;

export default async function ({ program, open, see, number }) {
  const take = async (page, name) => {
    await page.mouse.move(0, 0);
    const taken = await page.screenshot({ animations: "disabled" });
    const picture = taken.length <= SIZE_MAX ? taken : withPalette(taken);
    if (picture.length > SIZE_MAX) throw new Error(`${name} has ${picture.length} bytes`);
    if (process.env.UPDATE_SCREENSHOTS !== "1") return;
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(join(FOLDER, `console-${name}.png`), picture);
  };
  const running = await program();
  const desk = await open(running);
  const hand = await open(running, { scheme: "dark", viewport: PHONE });
  const me = (page) => page.getByRole("region", { name: "As this central sees it" });

  await desk.getByRole("link", { name: /Some Number/ }).click();
  await me(desk).getByRole("switch", { name: /notifications/ }).click();
  await desk.getByRole("link", { name: /Brightness/ }).click();
  await me(desk).getByRole("switch", { name: /notifications/ }).click();
  const write = desk.getByRole("region", { name: "Write" });
  const put = async (value, outcome) => {
    await write.getByLabel("Value", { exact: true }).fill(value);
    await write.getByRole("button", { name: "Write", exact: true }).click();
    await see(write.locator(outcome));
  };
  await put("65", ".well");
  await see(me(desk).locator(".big"), "65 %");
  await put("130", ".problem");
  await take(desk, "device");

  await desk.getByRole("link", { name: "Flow", exact: true }).click();
  await desk.getByRole("button", { name: "Pause" }).click();
  await desk.locator("summary", { hasText: "Brightness" }).filter({ hasText: "65" }).first().click();
  await desk.evaluate(() => scrollTo(0, 0));
  await take(desk, "flow");

  await hand.getByRole("link", { name: /Colour/ }).click();
  await hand.getByRole("slider", { name: "hue" }).focus();
  await see(hand.getByRole("region", { name: "Write" }));
  await see(me(hand).locator(".big"), /\d/);
  await take(hand, "colour");

  await desk.getByRole("link", { name: "Values", exact: true }).click();
  await desk.getByRole("link", { name: "Some Number" }).click();
  await desk.getByRole("button", { name: "1 min", exact: true }).click();
  // A line needs a few points.
  await number(desk.getByRole("region", { name: "Now" }).locator(".big"), (it) => it >= 10);
  await see(desk.getByRole("region", { name: /^The way/ }).getByRole("listitem"), /acknowledged/);
  await take(desk, "value");

  await desk.getByRole("link", { name: "Health" }).click();
  await see(desk.getByRole("region", { name: "Centrals" }), "this tab");
  await take(desk, "health");

  await hand.getByRole("link", { name: "Flow", exact: true }).click();
  await hand.getByRole("button", { name: "Pause" }).click();
  await hand.locator("summary", { hasText: "Some Number" }).first().click();
  await hand.evaluate(() => scrollTo(0, 0));
  await take(hand, "flow-phone");
}
