// A wrong value is refused by the device, and the page says with which code and why. So does the view of
// the value, with who it was; and what is no value at all is never sent.

export default async function ({ program, open, see, same }) {
  const page = await open(await program());
  const seen = page.getByRole("region", { name: "As this central sees it" });
  const write = page.getByRole("region", { name: "Write" });
  await page.getByRole("link", { name: /Brightness/ }).click();
  await see(seen.locator(".big"), "40 %");

  await write.getByLabel("Value", { exact: true }).fill("101");
  await write.getByRole("button", { name: "Write", exact: true }).click();
  const problem = await see(write.locator(".problem"));
  await see(problem.locator("code"), "0x80");
  await see(problem.locator("strong"), "Refused");
  await see(problem.locator(".reason"), /101.*100/);
  await see(page.getByRole("list", { name: /What this central has done/ }), /refused.*101/);

  await write.getByLabel("Bytes, in hex").fill("01 02");
  await write.getByRole("button", { name: "Write bytes" }).click();
  await see(write.locator(".problem"), /0x0D/);

  await write.getByLabel("Bytes, in hex").fill("0g");
  await write.getByRole("button", { name: "Write bytes" }).click();
  await see(write.locator(".problem"), /“0g” is no hex/);

  await seen.getByRole("button", { name: "Read" }).click();
  await see(seen.locator(".big"), "40 %");

  const me = await page.locator("code.me").textContent();
  await page.getByRole("link", { name: "Value and plot" }).click();
  const refusal = await see(page.getByRole("region", { name: "Now" }).locator(".problem"), "Last refused");
  await see(refusal, me);
  await see(refusal.locator(".reason"), /byte|octet|length/);
  await see(page.getByRole("region", { name: "Now" }).locator(".big"), "40 %");

  // A request of the operator is checked the same way.
  const operator = page.getByRole("region", { name: "Ask for another value" });
  await operator.getByLabel("Value", { exact: true }).fill("150");
  await operator.getByRole("button", { name: "Request" }).click();
  await see(operator.locator(".reason"), /150.*100/);
  await operator.getByLabel("Value", { exact: true }).fill("60");
  await operator.getByRole("button", { name: "Request" }).click();
  await see(page.getByRole("region", { name: "Now" }).locator(".big"), "60 %");
  await see(page.getByRole("region", { name: "Now" }), "console");
  same(await operator.locator(".problem").count(), 0, "problems after it went well");
}
