// Everything by keyboard: from the first Tab to a value that is written.

export default async function ({ program, open, see, same }) {
  const page = await open(await program());
  await see(page.locator("code.me"));
  const press = (...keys) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  /// What has the focus, and whether that is seen: asked at once, as what is shown may be drawn anew at any time.
  const focus = () => page.evaluate(() => {
    const it = document.activeElement;
    if (it === document.body) return { name: "", isSeen: false };
    const name = it.getAttribute("aria-label") || it.labels?.[0]?.textContent || it.textContent;
    return { name: name.trim(), isSeen: getComputedStyle(it).outlineStyle !== "none" };
  });
  const focused = async () => (await focus()).name;
  /// Tabs on until something like this has the focus; what has it can be seen to have it.
  const tabTo = async (wanted) => {
    const passed = [];
    while (passed.length < 60) {
      await press("Tab");
      const { name, isSeen } = await focus();
      passed.push(name);
      if (!name.match(wanted)) continue;
      if (!isSeen) throw new Error(`${name} has the focus, and nobody sees it`);
      return;
    }
    throw new Error(`no ${wanted} among ${passed.join(" | ")}`);
  };

  // It is all there: the first characteristic opens by itself, and its value is read.
  await see(page.getByRole("heading", { level: 2, name: "Some Number" }));
  await see(page.getByRole("region", { name: "As this central sees it" }).locator(".big"), /\d/);
  await press("Tab");
  same(await focused(), "Skip to the content", "the first to have the focus");
  await press("Enter");
  same(await page.evaluate(() => document.activeElement.id), "main", "where the skip link leads");
  await tabTo(/^Some Number/);
  await press("ArrowDown", "ArrowUp", "ArrowDown");
  for (let times = 0; !(await focused()).startsWith("Brightness"); times += 1) {
    if (times > 20) throw new Error(`no arrow leads to Brightness, but to ${await focused()}`);
    await press("ArrowDown");
  }
  await press("Enter");
  await see(page.getByRole("heading", { level: 2, name: "Brightness" }));
  same(await focused(), "Brightness", "where the focus goes");

  await tabTo(/^Follow/);
  await press("Space");
  await see(page.getByRole("switch", { name: /notifications/, checked: true }));
  await tabTo(/^Value$/);
  await press("Control+a");
  await page.keyboard.type("101");
  await press("Enter");
  // It is said too, to who does not see it.
  await see(page.locator(".problem"), /0x80/);
  await page.getByRole("status").filter({ hasText: "Refused." }).waitFor({ state: "attached" });
  await press("Control+a");
  await page.keyboard.type("12");
  await press("Enter");
  await see(page.getByText("Written: 12"));
  await tabTo(/slider/);
  await press("ArrowRight");
  await see(page.getByText("Written: 13"));

  await press("Home");
  await page.evaluate(() => document.activeElement.blur());
  await tabTo(/^Flow$/);
  await press("Enter");
  await see(page.getByRole("heading", { level: 1, name: "Flow" }));
  // To skip what stands above a view does not leave it.
  await page.evaluate(() => document.activeElement.blur());
  await tabTo(/^Skip/);
  await press("Enter");
  same(await page.evaluate(() => document.activeElement.id), "main", "where the skip link leads");
  await tabTo(/^Pause$/);
  await press("Space");
  await see(page.getByRole("button", { name: "Resume" }));
  await tabTo(/Brightness/);
  await press("Enter");
  await see(page.locator("details.change[open]").getByRole("listitem"), /accepted/);
}
