"""Where every event counts, each write of one central is notified to another, in order, also one like the last."""

NAME = "Events"

YAML = """
version: 1
device: { name: Events }
ble: {}
services:
  - name: Events
    uuid: FF00
    characteristics:
      - { name: Event, uuid: FF01, access: [write, notify], delivery: every, value: { type: u8 } }
"""

WRITES = [number // 2 for number in range(80)]


async def run(lab):
    await lab.start_bluetoothd()
    await lab.bemo_sync(lab.write_file("events.yaml", YAML))
    writer, hearer = await lab.central(), await lab.central()
    await writer.connect(await writer.find(name=NAME))
    await hearer.connect(await hearer.find(name=NAME))
    heard = await hearer.subscribe(hearer.characteristic("FF01"))
    event = writer.characteristic("FF01")
    for number in WRITES:
        if await writer.write(event, bytes([number])) is not None:
            lab.check(False, "every write is taken", number)
    for _ in WRITES:
        await heard.next(5)
    lab.equal([value[0] for value in heard.values()], WRITES, f"{len(WRITES)} events, each once and in order")
