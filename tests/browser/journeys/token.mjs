// Where a token is declared nothing is seen without it; and a console that is read-only says so.

const TOKEN = "a-token-of-some-length";

export default async function ({ program, open, see, accessible, same }) {
  const running = await program({ console: `  token: ${TOKEN}\n  read_only: true\n` });
  const page = await open(running);
  const token = await see(page.getByLabel("Token"));
  await accessible(page, "the login");
  await token.fill("not-the-right-one");
  await page.getByRole("button", { name: "Log in" }).click();
  await see(page.locator(".problem"));
  await token.fill(TOKEN);
  await token.press("Enter");
  await see(page.getByRole("heading", { level: 1, name: "Lampi-Test" }));
  await see(page.getByText("read-only", { exact: true }));

  await page.getByRole("link", { name: /Brightness/ }).click();
  await see(page.getByRole("region", { name: "As this central sees it" }).locator(".big"), "40 %");
  const write = page.getByRole("region", { name: "Write" });
  await see(write, /read-only/);
  same(await write.getByRole("button").count(), 0, "buttons that write");
  await page.getByRole("link", { name: "Value and plot" }).click();
  await see(page.getByRole("region", { name: "Now" }));
  same(await page.getByRole("region", { name: "Ask for another value" }).count(), 0, "requests of the operator");

  // A page that waits for the token waits no longer when none is asked for any more.
  const other = await open(running);
  await see(other.getByLabel("Token"));
  running.edit((yaml) => yaml.replace(/^ {2}token: .*\n/m, ""));
  running.child.kill("SIGHUP");
  await see(other.getByRole("heading", { level: 1, name: "Lampi-Test" }));
  await see(other.getByText("live", { exact: true }));
  await see(page.getByText("live", { exact: true }));
}
