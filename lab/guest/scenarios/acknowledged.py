"""A write that a central was told is safe is published after SIGKILL; what cannot be promised is ATT error 0x81."""

import asyncio
import os
import signal

from lab import run as command

NAME = "Safe"
LEVEL = "FF01"
WISH = "FF02"
NOT_KEPT = 0x81
CONFIRM_S = 15

YAML = """
version: 1
device: {{ name: Safe }}
ble: {{ adapter: auto }}
mqtt: {{ broker: localhost, client_id: safe }}
store: {{ file: {disk}/safe.journal }}
services:
  - name: Safe
    uuid: FF00
    advertise: true
    characteristics:
      - {{ name: Level, uuid: FF01, access: [read, write], value: {{ type: u8 }}, mqtt: {{ state: level }} }}
      - name: Wish
        uuid: FF02
        access: [write]
        value: {{ type: u8 }}
        ack: confirmed
        mqtt: {{ owner: remote, state: wish/is, command: wish/set, confirm_within: 1s }}
"""


async def run(lab):
    disk = f"{lab.folder}/disk"
    os.mkdir(disk)
    await command("mount", "-t", "tmpfs", "-o", "size=32k", "none", disk)
    try:
        await on_the_disk(lab, disk)
    finally:
        await command("umount", "-l", disk)


async def on_the_disk(lab, disk):
    await lab.start_bluetoothd()
    config = lab.write_file("safe.yaml", YAML.format(disk=disk))
    phone = await lab.central()
    bemo_sync, level = await served(lab, config, phone)
    for number in (7, 8):
        lab.equal(await phone.write(level, bytes([number])), None, f"there is no broker, and {number} is acknowledged")
        await bemo_sync.signal(signal.SIGKILL)
        await lab.start_broker()
        listener = await lab.listen("level")
        bemo_sync, level = await served(lab, config, phone)
        await listener.output.until(f"level {number}", timeout=CONFIRM_S)
        lab.check(True, f"bemo-sync is killed and starts again: {number} is published")
        if number == 7:
            await listener.stop()
            await lab.mosquitto.signal(signal.SIGKILL)
    await confirmed(lab, phone)
    await full(lab, phone, level, disk)


async def served(lab, config, phone):
    bemo_sync = await lab.bemo_sync(config)
    await bemo_sync.lines.until(lambda line: "is on the air" in line, timeout=CONFIRM_S)
    await phone.disconnect()
    await phone.wait_disconnected()
    await phone.connect(await phone.find(name=NAME))
    return bemo_sync, phone.characteristic(LEVEL)


async def confirmed(lab, phone):
    wish = phone.characteristic(WISH)
    listener = await lab.listen("wish/set")

    async def owner():
        await listener.output.until("wish/set 5", timeout=CONFIRM_S)
        await lab.publish("wish/is", "5")

    answer, _ = await asyncio.gather(phone.write(wish, b"\x05"), owner())
    lab.equal(answer, None, "what its owner confirms is acknowledged")
    lab.equal(await phone.write(wish, b"\x06"), NOT_KEPT, "what it does not is 0x81")


async def full(lab, phone, level, disk):
    filler = f"{disk}/filler"
    await command("dd", "if=/dev/zero", f"of={filler}", "bs=1k", "count=64")
    answer = None
    # A page that is begun has room for some more.
    for number in range(100, 200):
        answer = await phone.write(level, bytes([number]))
        if answer is not None:
            break
    lab.equal(answer, NOT_KEPT, "on a full disk a write is 0x81")
    lab.check(isinstance(await phone.read(level), bytes), "and reads go on")
    os.remove(filler)

    async def accepted():
        while await phone.write(level, b"\x09") is not None:
            await asyncio.sleep(0.1)

    await asyncio.wait_for(accepted(), timeout=CONFIRM_S)
    lab.check(True, "there is room again: a write is acknowledged")
