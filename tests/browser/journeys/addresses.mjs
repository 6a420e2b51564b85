// What somebody has typed after the `#` leads to a view, whatever it is, and breaks nothing.

export default async function ({ program, open, see }) {
  const running = await program();
  for (const route of ["#/constructor", "#/__proto__", "#/toString/a", "#/login", "#/%"]) {
    const page = await open(running, { route });
    await see(page.getByText("This page plays the phone"));
    await see(page.getByRole("link", { name: /Some Number/ }));
    await page.close();
  }
  const page = await open(running, { route: "#/values/%" });
  await see(page.getByText("It is not declared any more."));
  await page.getByRole("link", { name: "All values" }).first().click();
  await see(page.getByRole("link", { name: /Some Number/ }));
}
