// Every view in light and dark, on a desk and in a hand: nothing sticks out, and axe-core has nothing to
// say against it.

const VIEWS = {
  device: "#/device", brightness: "#/device/{Brightness}", colour: "#/device/{Colour}", effect: "#/device/{Effect}",
  values: "#/values", value: "#/values/{Brightness}", remote: "#/values/{Set Point}", flow: "#/flow", health: "#/health",
};

export default async function ({ program, open, see, accessible, same }) {
  const running = await program();
  const device = await (await fetch(`${running.address}/api/v1/device`)).json();
  const all = device.services.flatMap((service) => service.characteristics);
  const idOf = (name) => encodeURIComponent(all.find((it) => it.name === name).id);
  for (const [scheme, width] of [["light", 1280], ["dark", 1280], ["light", 360], ["dark", 360]]) {
    const page = await open(running, { scheme, viewport: { width, height: 780 } });
    await see(page.getByText("live", { exact: true }));
    for (const [name, route] of Object.entries(VIEWS)) {
      const what = `${name}, ${scheme}, ${width} wide`;
      await page.evaluate((hash) => (location.hash = hash), route.replace(/\{(.*)\}/, (_, it) => idOf(it)));
      await see(page.locator("h1:visible, h2:visible"));
      if (name === "flow") await page.locator("summary").first().click();
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      same(Math.max(over, 0), 0, `pixels that stick out: ${what}`);
      const burst = await page.evaluate(() => [...document.querySelectorAll(".card")]
        .filter((card) => card.scrollWidth > card.clientWidth + 1).map((card) => card.firstChild.textContent));
      same(burst, [], `cards whose content sticks out: ${what}`);
      const broken = await page.evaluate(() => [...document.querySelectorAll(".descriptors td:is(:nth-child(2), :nth-child(3))")]
        .filter((cell) => { const line = document.createRange(); line.selectNodeContents(cell); return line.getClientRects().length > 1; })
        .map((cell) => cell.textContent));
      same(broken, [], `UUIDs and handles that are broken: ${what}`);
      await accessible(page, what);
    }
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const lightness = Number(/\d+/.exec(ground)[0]);
    same(lightness > 128, scheme === "light", `ground of ${scheme}`);
    await page.context().close();
  }
}
