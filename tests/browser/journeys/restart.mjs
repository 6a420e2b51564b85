// The program is killed and started again: the page says that it is gone, comes back by itself, and hears
// again of what it had subscribed to.

export default async function ({ program, open, see, number }) {
  const running = await program();
  const page = await open(running);
  await page.getByRole("link", { name: /Some Number/ }).click();
  await page.getByRole("switch", { name: /notifications/ }).click();
  const big = page.getByRole("region", { name: "As this central sees it" }).locator(".big");
  const before = await number(big, (it) => it > 2);

  await running.kill();
  await see(page.getByText("not connected", { exact: true }));
  await see(page.getByText(/The program does not answer/));

  await running.run();
  await see(page.getByText("live", { exact: true }));
  await see(page.getByText(/The program was restarted/));
  await page.getByText(/The program does not answer/).waitFor({ state: "hidden" });
  await number(big, (it) => it < before);
  const counting = await number(big, (it) => it > 0);
  await number(big, (it) => it > counting);
  await see(page.getByRole("switch", { name: /notifications/, checked: true }));
}
