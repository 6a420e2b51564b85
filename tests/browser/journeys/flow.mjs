// One click on a value shows its way: from the write of a central to the broker's PUBACK.

export default async function ({ program, open, see, number, same }) {
  const page = await open(await program());
  const me = await (await see(page.locator("code.me"))).textContent();
  await page.getByRole("link", { name: /Brightness/ }).click();
  const write = page.getByRole("region", { name: "Write" });
  await write.getByLabel("Value", { exact: true }).fill("77");
  await write.getByRole("button", { name: "Write", exact: true }).click();
  await see(write.getByText("Written: 77"));

  await page.getByRole("link", { name: "Its way in the flow" }).click();
  await see(page.getByRole("heading", { level: 1, name: "Flow" }));
  // One is open already: the newest, unless that has arrived just after.
  await see(page.locator("details.change[open]"));
  const change = await see(page.locator("details.change"), "accepted: 77");
  await change.evaluate((it) => (it.open = true));
  const steps = change.getByRole("listitem");
  await see(steps, /acknowledged/);
  const kinds = await steps.locator(".badge").allTextContents();
  same(kinds.slice(0, 2), ["requested", "accepted"], "how it begins");
  const ofMqtt = steps.filter({ has: page.locator(".link", { hasText: "mqtt" }) });
  await see(ofMqtt, /arrived/);
  same(await ofMqtt.locator(".badge").allTextContents(), ["handed out", "published", "acknowledged", "arrived"], "its way at mqtt");
  await see(steps, me);
  await see(steps, /published on lamp\/brightness, QoS 1/);

  // The same way stands beside the value.
  await page.goBack();
  await page.getByRole("link", { name: "Value and plot" }).click();
  await see(page.getByRole("region", { name: "The way of its newest change" }).getByRole("listitem"), /acknowledged/);

  // The whole flow: it moves, it is held, it is sifted.
  await page.getByRole("link", { name: "Flow", exact: true }).click();
  const changes = page.locator("details.change");
  await see(changes, "Some Number");
  await see(changes, "Brightness");
  await page.getByLabel("Filter").fill("lamp/brightness");
  await see(changes, "Brightness");
  await changes.filter({ hasText: "Some Number" }).first().waitFor({ state: "detached" });
  await page.getByLabel("Filter").fill("");
  await page.getByRole("button", { name: "Pause" }).click();
  const held = await changes.count();
  await number(page.locator(".note"), () => true);
  await see(page.getByText(/Paused; [1-9]\d* steps wait/));
  same(await changes.count(), held, "changes while it is held");
  await page.getByRole("button", { name: "Resume" }).click();
  await see(page.getByText(/newest first/));
  await page.getByLabel("Steps").selectOption("Refused or failed");
  await see(page.getByText("No step like that has been seen yet."));
}
