// The file is edited and read again: a mistake changes nothing and is shown with its line, another range
// counts at once, and a new characteristic is on the page without anybody loading that anew.

const ADDED = `      - name: Warmth
        uuid: 0009b7d3-d8a4-4fea-8174-1736e808c066
        access: [read, write, notify]
        value: { type: u8, min: 0, max: 10, initial: 3 }
`;

export default async function ({ program, open, see, number, same }) {
  const running = await program();
  const page = await open(running);
  await page.getByRole("link", { name: /Some Number/ }).click();
  await page.getByRole("switch", { name: /notifications/ }).click();
  await page.evaluate(() => (globalThis.isTheSamePage = true));
  const reload = async (outcome) => {
    await page.getByRole("link", { name: "Health" }).click();
    await page.getByRole("button", { name: "Reload the configuration" }).click();
    await see(page.getByRole("region", { name: "Configuration" }).locator(".outcome"), outcome);
  };
  const generation = (count) => see(page.getByRole("region", { name: "Configuration" }).locator("dd"), new RegExp(`^${count}$`));

  running.edit((yaml) => yaml.replace("max: 100", "maxx: 100"));
  await reload(/Refused/);
  await see(page.locator(".outcome"), /unknown key `maxx`/);
  await see(page.locator(".outcome"), /services\.yaml:\d+:\d+/);
  await generation(1);

  running.edit((yaml) => yaml.replace("maxx: 100", "max: 120"));
  await reload(/Applied/);
  await see(page.locator(".outcome li"), /Brightness/);
  await generation(2);
  await page.getByRole("link", { name: "Device", exact: true }).click();
  await page.getByRole("link", { name: /Brightness/ }).click();
  const write = page.getByRole("region", { name: "Write" });
  await see(write, "0 to 120");
  await write.getByLabel("Value", { exact: true }).fill("110");
  await write.getByRole("button", { name: "Write", exact: true }).click();
  await see(write.getByText("Written: 110"));

  running.edit((yaml) => yaml.trimEnd() + "\n" + ADDED);
  await reload(/Applied/);
  await see(page.locator(".outcome li"), /Warmth/);
  await generation(3);
  await page.getByRole("link", { name: "Device", exact: true }).click();
  await page.getByRole("link", { name: /Warmth/ }).click();
  await see(page.getByRole("region", { name: "As this central sees it" }).locator(".big"), "3");
  same(await page.evaluate(() => globalThis.isTheSamePage), true, "the page");

  // What had been subscribed to still is.
  await page.getByRole("link", { name: /Some Number/ }).click();
  const big = page.getByRole("region", { name: "As this central sees it" }).locator(".big");
  const counting = await number(big, Number.isFinite);
  await number(big, (it) => it > counting);
}
