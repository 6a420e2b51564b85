// On a real adapter nobody is a central here: what is set is a request of the operator. So it is too while that
// adapter is not there.

export default async function ({ program, open, see, same }) {
  const running = await program({ edit: (yaml) => yaml.replace("adapter: virtual", "adapter: hci97") });
  const page = await open(running);
  await page.getByRole("link", { name: /Brightness/ }).click();
  same(await page.locator("code.me").count(), 0, "centrals");
  const ask = page.getByRole("region", { name: "Ask for another value" });
  await ask.getByLabel("Value", { exact: true }).fill("140");
  await ask.getByRole("button", { name: "Request" }).click();
  await see(ask.locator(".reason"), /140.*100/);
  await ask.getByLabel("Value", { exact: true }).fill("44");
  await ask.getByRole("button", { name: "Request" }).click();
  await see(ask.getByText("Asked for: 44"));
  await see(page.getByRole("region", { name: "As everything sees it" }), "44 %");
}
