// The services change under a page that has subscribed, read and typed: what is over is said and begun anew, what
// was read of another type is forgotten, what is renamed is found again, and what was typed stays.

const BEFORE = `  - name: Before
    uuid: 0001c8d3-d8a4-4fea-8174-1736e808c066
    characteristics:
      - name: First
        uuid: 0002c8d3-d8a4-4fea-8174-1736e808c066
        access: [read]
        value: { type: u8, initial: 1 }
`;

export default async function ({ program, open, see, number, same }) {
  const running = await program();
  const page = await open(running);
  const seen = page.getByRole("region", { name: "As this central sees it" });
  const write = page.getByRole("region", { name: "Write" });
  const records = page.getByRole("list", { name: /What this central has done/ });
  const follow = page.getByRole("switch", { name: /notifications/ });
  const json = (method, body) => ({ method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
  const api = async (path, options) => (await fetch(`${running.address}/api/v1${path}`, options)).json();
  const reload = async (change, outcome = "applied") => {
    running.edit(change);
    same((await api("/reload", json("POST", {}))).outcome, outcome, "outcome");
  };

  // What is typed and not written is not written over, wherever the keyboard is.
  await page.getByRole("link", { name: /Brightness/ }).click();
  await follow.click();
  await see(records, /to notifications/);
  const field = write.getByLabel("Value", { exact: true });
  await field.fill("55");
  await page.getByRole("heading", { level: 2, name: "Brightness" }).click();
  await api("/values/lamp.brightness", json("PUT", { value: 21 }));
  await see(seen.locator(".big"), "21 %");
  same(await field.inputValue(), "55", "what was typed");
  await field.press("Escape");
  same(await field.inputValue(), "21", "after it was given up");

  // A service before all others: each has another place, and the subscription is over.
  await page.getByRole("link", { name: /Some Number/ }).click();
  await follow.click();
  await see(records, /notified/);
  await reload((yaml) => yaml.replace(/^services:\n/m, `services:\n${BEFORE}`));
  await see(records, /subscription over: the services have changed/);
  await see(records, /again to notifications/);
  await see(page.getByRole("switch", { name: /notifications/, checked: true }));
  const { centrals } = await api("/health");
  same(centrals[0].subscribed.map((it) => it.characteristic).includes("number-service.some-number"), true, "what the program knows");
  const counting = await number(seen.locator(".big"), Number.isFinite);
  await number(seen.locator(".big"), (it) => it > counting);

  // Another type: what was read as a text is no number, and it is read anew.
  await page.getByRole("link", { name: /Label/ }).click();
  await see(seen.locator(".big"), "desk");
  await reload((yaml) => yaml.replace("value: { type: utf8, max_length: 12, initial: desk }", "value: { type: u8, initial: 4 }"));
  await see(seen.locator(".big"), /^4$/);
  await see(write.getByLabel("Value", { exact: true }));
  same(await write.getByLabel("Value", { exact: true }).inputValue(), "4", "what is offered to be written");

  // Another name: it is said, and the way to it.
  await reload((yaml) => yaml.replace("- name: Label", "- name: Nameplate"));
  await see(page.getByText("“Label” is not declared any more."));
  await page.locator(".detail").getByRole("link", { name: "Nameplate" }).click();
  await see(page.getByRole("heading", { level: 2, name: "Nameplate" }));
  await see(records, /desk/);

  // What links are told again after a reload is no part of a change of before.
  await page.goto(`${running.address}/#/flow/lamp.brightness`);
  const change = page.locator("details.change").filter({ hasText: "accepted: 21" });
  await see(change);
  same(await change.count(), 1, "changes to 21");
  const links = () => change.locator(".dot").allTextContents();
  const steps = await change.evaluate((it) => ((it.open = true), it.querySelectorAll("li").length));
  await reload((yaml) => yaml.replace("max: 100", "max: 110"));
  await page.getByRole("link", { name: "Health" }).click();
  await see(page.getByRole("region", { name: "Configuration" }).locator(".outcome"), "Applied");
  await page.goto(`${running.address}/#/flow/lamp.brightness`);
  await see(change);
  same(await change.evaluate((it) => ((it.open = true), it.querySelectorAll("li").length)), steps, `steps of the change, ${await links()}`);

  // A configuration that a signal had read and that is refused is said, wherever one looks; and not any more
  // when a later one is applied.
  running.edit((yaml) => yaml.replace("max: 110", "maxx: 110"));
  running.child.kill("SIGHUP");
  await see(page.getByText(/is not applied: Health says why/));
  await page.getByRole("link", { name: "Health" }).click();
  const outcome = page.getByRole("region", { name: "Configuration" }).locator(".outcome");
  await see(outcome, /Refused.*by SIGHUP.*maxx/s);
  running.edit((yaml) => yaml.replace("maxx: 110", "max: 110"));
  running.child.kill("SIGHUP");
  await see(outcome, /says what it said/);
  same(await outcome.getByText("Refused").count(), 0, "refusals that are over");
}
