// Where there is no virtual adapter nobody is a central here: the page says so, and what is set is a request
// of the operator.

export default async function ({ program, open, see, accessible, same }) {
  const running = await program({ edit: (yaml) => yaml.replace(/^ble:\n(?: .*\n)*/m, "") });
  const page = await open(running);
  await see(page.getByText("Nothing is served over Bluetooth"));
  same(await page.locator("code.me").count(), 0, "centrals");
  // What is, is shown without anybody reading it.
  await see(page.getByRole("link", { name: /Brightness/ }), "40 %");
  await page.getByRole("link", { name: /Brightness/ }).click();
  same(await page.getByRole("button", { name: "Read" }).count(), 0, "buttons to read");
  const ask = page.getByRole("region", { name: "Ask for another value" });
  await ask.getByLabel("Value", { exact: true }).fill("140");
  await ask.getByRole("button", { name: "Request" }).click();
  await see(ask.locator(".reason"), /140.*100/);
  await ask.getByLabel("Value", { exact: true }).fill("44");
  await ask.getByRole("button", { name: "Request" }).click();
  await see(ask.getByText("Asked for: 44"));
  const everywhere = page.getByRole("region", { name: "As everything sees it" });
  await see(everywhere, "44 %");
  await see(everywhere, "operator");
  await accessible(page, "without a central");

  // The file is read anew, and the page knows without having been disconnected. What is being typed stays.
  await ask.getByLabel("Value", { exact: true }).fill("45");
  running.edit((yaml) => yaml.replace("- name: Label", "- name: Nameplate"));
  const reloaded = await fetch(`${running.address}/api/v1/reload`, {
    method: "POST", headers: { "content-type": "application/json" }, body: "{}",
  });
  same((await reloaded.json()).outcome, "applied", "outcome");
  await see(page.getByRole("link", { name: /Nameplate/ }));
  same(await ask.getByLabel("Value", { exact: true }).inputValue(), "45", "what is being typed");
}
