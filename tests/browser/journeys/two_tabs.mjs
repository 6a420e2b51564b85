// Two tabs are two centrals: what one writes the other is told, and the one that wrote is not.

export default async function ({ program, open, see, same }) {
  const running = await program();
  const [one, other] = [await open(running), await open(running)];
  const addresses = [];
  for (const page of [one, other]) {
    addresses.push(await (await see(page.locator("code.me"))).textContent());
    await page.getByRole("link", { name: /Power/ }).click();
    await page.getByRole("switch", { name: /notifications/ }).click();
    await see(page.getByRole("switch", { name: /notifications/, checked: true }));
  }
  same(new Set(addresses).size, 2, "addresses");
  for (const page of [one, other]) {
    for (const address of addresses) await see(page.getByRole("region", { name: "As everything sees it" }), address);
  }

  await one.getByRole("switch", { name: "Value" }).click();
  await see(one.getByText("Written: false"));
  const records = (page) => page.getByRole("list", { name: /What this central has done/ });
  await see(records(other), /notified.*off/);
  // The control of the other follows what it was told.
  await see(other.getByRole("switch", { name: "Value", checked: false }));
  await see(other.getByRole("region", { name: "As everything sees it" }), addresses[0]);

  await other.getByRole("switch", { name: "Value" }).click();
  await see(records(one), /notified.*on/);
  same(await records(one).locator("li.notified").count(), 1, "notifications to the one that wrote first");

  // A tab that is closed is a central that has gone.
  await other.close({ runBeforeUnload: true });
  await one.getByRole("link", { name: "Health" }).click();
  const centrals = one.getByRole("region", { name: "Centrals" });
  await see(centrals, addresses[0]);
  await centrals.getByText(addresses[1]).waitFor({ state: "detached", timeout: 60_000 });
}
