// With many values, a change of one draws that one and nothing else; and whatever arrives within a frame is
// drawn once.

import { connect } from "node:net";

const COUNT = 200;
const ROUNDS = 20;

const services = `
  - name: Many
    uuid: 0001c7d3-d8a4-4fea-8174-1736e808c066
    characteristics:
${Array.from({ length: COUNT }, (_, at) => `      - name: Number ${at}
        uuid: ${(0x10000 + at).toString(16).padStart(8, "0")}-d8a4-4fea-8174-1736e808c066
        access: [read, notify]
        value: { type: u16, initial: 0 }
        mqtt: { command: many/${at} }`).join("\n")}
`;

export default async function ({ broker, program, open, see, same }) {
  const page = await open(await program({ edit: (yaml) => yaml.replace(/^services:/m, `services:${services}`) }), { route: "#/values" });
  await see(page.getByRole("link", { name: `Number ${COUNT - 1}`, exact: true }));

  // All that is known at the start is there.
  await page.waitForFunction((count) =>
    [...document.querySelectorAll("tr td.now")].filter((it) => it.textContent === "0").length >= count, COUNT);

  await page.evaluate(() => {
    const rows = new Set();
    globalThis.drawn = rows;
    const observer = new MutationObserver((changes) => {
      for (const { target } of changes) {
        const row = (target.nodeType === 1 ? target : target.parentElement).closest("tr");
        // Ages go on by themselves.
        if (row && !target.parentElement?.closest(".age") && !target.closest?.(".age")) rows.add(row.querySelector("a").textContent);
      }
    });
    observer.observe(document.querySelector("table.values tbody"), { childList: true, characterData: true, subtree: true });
  });
  const publish = await client(broker);
  publish("many/7", "4711");
  await see(page.getByRole("row", { name: /Number 7 / }), "4711");
  const drawn = await page.evaluate(() => [...globalThis.drawn]);
  same(drawn.filter((it) => it !== "Some Number"), ["Number 7"], "rows that were drawn");

  // All of them again and again: every row comes to the newest.
  for (let round = 1; round <= ROUNDS; round += 1) {
    for (let at = 0; at < COUNT; at += 1) publish(`many/${at}`, String(round));
    await page.waitForFunction(([count, newest]) => {
      const cells = [...document.querySelectorAll("tr td.now")];
      return cells.filter((it) => it.textContent === newest).length >= count;
    }, [COUNT, String(round)]);
  }
}

/// As much of MQTT 3.1.1 as it takes to publish with QoS 0.
async function client(port) {
  const socket = connect(port, "127.0.0.1");
  const text = (it) => Buffer.concat([Buffer.from([it.length >> 8, it.length & 255]), Buffer.from(it)]);
  const packet = (kind, ...parts) => {
    const body = Buffer.concat(parts);
    socket.write(Buffer.concat([Buffer.from([kind, body.length]), body]));
  };
  packet(0x10, text("MQTT"), Buffer.from([4, 2, 0, 60]), text("many"));
  await new Promise((resolve) => socket.once("data", resolve));
  socket.unref();
  return (topic, payload) => packet(0x30, text(topic), Buffer.from(payload));
}
