// Each kind of value has the control that fits it, and what it writes is what is read back.

export default async function ({ program, open, see }) {
  const page = await open(await program());
  const seen = page.getByRole("region", { name: "As this central sees it" });
  const write = page.getByRole("region", { name: "Write" });
  const go = async (name) => {
    await page.getByRole("link", { name }).click();
    await see(page.getByRole("heading", { level: 2, name }));
    await see(seen.getByText(/^read \d/));
  };
  const readBack = async (shown) => {
    await seen.getByRole("button", { name: "Read" }).click();
    await see(seen.locator(".big"), shown);
  };

  await go("Power");
  await see(write.getByRole("switch", { name: "Value", checked: true }));
  await write.getByRole("switch").click();
  await see(write.getByText("Written: false"));
  await readBack("off");

  await go("Effect");
  await write.getByLabel("Value").selectOption("rainbow");
  await write.getByRole("button", { name: "Write", exact: true }).click();
  await see(write.getByText('Written: "rainbow"'));
  await readBack("rainbow");

  await go("Label");
  await write.getByLabel("Value").fill("hall");
  await write.getByLabel("Value").press("Enter");
  await see(write.getByText('Written: "hall"'));
  await readBack("hall");

  await go("Colour");
  await see(write.getByRole("slider", { name: "hue" }));
  await write.getByRole("slider", { name: "hue" }).focus();
  await page.keyboard.press("Home");
  await see(write.getByText('Written: {"h":0,"s":200}'));
  await readBack('{"h": 0, "s": 200}');

  // It can be written and nothing else, and no response says what became of it.
  await page.getByRole("link", { name: "Blink" }).click();
  await write.getByLabel("Value", { exact: true }).fill("3");
  await write.getByRole("button", { name: "Write", exact: true }).click();
  await see(write.getByText("There is no response to it."));
  await see(page.getByRole("region", { name: "As everything sees it" }), "3");
}
