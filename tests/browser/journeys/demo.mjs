// The demo as somebody meets it: opened, read, subscribed to, seen counting, written, seen as a plot.

export default async function ({ program, open, see, number, same }) {
  const page = await open(await program());
  await see(page.getByRole("heading", { level: 1, name: "Lampi-Test" }));
  await see(page.getByText("virtual adapter", { exact: true }));
  await see(page.getByText("This page plays the phone"));
  await see(page.getByText("This tab is a central"));
  // Where there is room for it, one is open already.
  await see(page.getByRole("heading", { level: 2, name: "Some Number" }));

  await page.getByRole("link", { name: /Some Number/ }).click();
  const seen = page.getByRole("region", { name: "As this central sees it" });
  const big = seen.locator(".big");
  // It is read as soon as it is opened, and again when that is asked for.
  const first = await number(big, Number.isFinite);
  await seen.getByRole("button", { name: "Read" }).click();
  await see(seen, /read \d.* ago, press Follow to hear each change/);

  await seen.getByRole("switch", { name: /notifications/ }).click();
  await see(seen.getByRole("switch", { name: /notifications/, checked: true }));
  await see(page.getByRole("link", { name: /Some Number/ }).getByText("subscribed"));
  const counting = await number(big, (it) => it > first);
  await number(big, (it) => it > counting);
  await see(page.getByRole("list", { name: /What this central has done/ }), /notified/);

  const write = page.getByRole("region", { name: "Write" });
  await write.getByLabel("Value", { exact: true }).fill("200");
  await write.getByRole("button", { name: "Write", exact: true }).click();
  await see(write.getByText("Written: 200"));
  // Somebody who has subscribed does not hear of what he wrote himself, but of what comes after it.
  await number(big, (it) => it > 200);

  const slider = write.getByRole("slider");
  await slider.focus();
  await page.keyboard.press("Home");
  await see(write.getByText("Written: 0"));

  await write.getByLabel("Bytes, in hex").fill("7f");
  await write.getByRole("button", { name: "Write bytes" }).click();
  await see(write.getByText("Written: 7F"));

  await page.getByRole("link", { name: "Value and plot" }).click();
  await see(page.getByRole("heading", { level: 2, name: "Some Number" }));
  await see(page.getByRole("img", { name: /Plot of Some Number, last 10 minutes: lowest 0, highest 2\d\d/ }));
  await see(page.getByRole("region", { name: "Now" }), "ticker");
  same(await page.locator(".plot canvas").count(), 1, "plots");
  // The line is drawn, and not only its frame.
  const drawn = await page.locator(".plot canvas").evaluate((canvas) => {
    const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent").trim();
    const [r, g, b] = [1, 3, 5].map((at) => Number.parseInt(accent.slice(at, at + 2), 16));
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) count += data[at] === r && data[at + 1] === g && data[at + 2] === b;
    return count;
  });
  if (drawn < 50) throw new Error(`only ${drawn} pixels of the plot are of its line`);
}
