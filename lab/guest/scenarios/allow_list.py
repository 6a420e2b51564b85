"""Only the centrals on the list pair and use what is not open: not a stranger, not one that was paired before.

It runs confined: turning somebody away is the one thing that it asks of bluetoothd against others.
"""

import asyncio

from lab import run as command

NAME = "Listed"
SECRET, OPEN = "FF01", "FF02"

YAML = """
version: 1
device: { name: Listed }
ble: { pairing: { allow: ["F1:00:00:00:00:01", "F3:00:00:00:00:03"] } }
services:
  - name: Listed
    uuid: FF00
    advertise: true
    characteristics:
      - { name: Secret, uuid: FF01, access: [read, write, notify], security: encrypted, value: { type: u8, initial: 7 } }
      - { name: Open, uuid: FF02, access: [read], value: { type: u8, constant: 8 } }
"""
EVERYBODY = YAML.replace('ble: { pairing: { allow: ["F1:00:00:00:00:01", "F3:00:00:00:00:03"] } }', "ble: {}")


async def run(lab):
    await lab.start_bluetoothd()
    listed, stranger = await lab.central(), await lab.central()
    listed_phone, other_phone = await lab.central(private=True), await lab.central(private=True)
    try:
        bemo_sync = await lab.confined(lab.write_file("listed.yaml", YAML))
        await on_the_list(lab, listed)
        await a_stranger(lab, bemo_sync, stranger)
        await phones(lab, bemo_sync, listed_phone, other_phone)
        await paired_before(lab, bemo_sync, stranger)
    finally:
        for central in (listed, stranger, listed_phone, other_phone):
            await central.disconnect()
            await command("bluetoothctl", "remove", central.address)


async def on_the_list(lab, listed):
    await meet(listed)
    await listed.pair()
    lab.equal(await listed.read(listed.characteristic(SECRET)), b"\x07", "a central on the list pairs, and reads")
    await listed.subscribe(listed.characteristic(SECRET))
    lab.equal(await listed.write(listed.characteristic(SECRET), b"\x07"), None, "it writes, and subscribes")


async def a_stranger(lab, bemo_sync, stranger):
    await meet(stranger)
    for how in ({}, {"bonding": False}):
        lab.check(await stranger.refused_pairing(**how), f"one that is not cannot pair {how or ''}")
        await said(bemo_sync, f"{stranger.address} wants to pair and may not")
        if not stranger.connected:
            await meet(stranger)
    lab.equal(await stranger.read(stranger.characteristic(OPEN)), b"\x08", "it reads what is open")
    lab.equal(await stranger.read(stranger.characteristic(SECRET)), 0x0F, "and nothing else: 0x0F")
    await stranger.disconnect()


async def phones(lab, bemo_sync, listed, other):
    """Nobody knows who they are before they have paired."""
    await meet(listed)
    lab.check(listed.shown_address != listed.address, f"{listed.address} hides as {listed.shown_address}")
    await listed.pair()
    lab.equal(await listed.read(listed.characteristic(SECRET)), b"\x07", "it pairs, tells who it is, and reads")
    await listed.disconnect()
    await meet(other)
    await other.refused_pairing()
    await said(bemo_sync, f"{other.address} has paired, and is not on the list")
    await other.wait_disconnected()
    lab.check(True, f"{other.address} hides too, and is not on the list: its pairing is removed")
    _code, output = await command("bluetoothctl", "devices", "Paired")
    lab.check(other.address not in output, "bluetoothd has forgotten it", output)


async def paired_before(lab, bemo_sync, stranger):
    await bemo_sync.stop()
    bemo_sync = await lab.confined(lab.write_file("everybody.yaml", EVERYBODY))
    await said(bemo_sync, "is on the air by")
    await meet(stranger)
    await stranger.pair()
    heard = await stranger.subscribe(stranger.characteristic(SECRET))
    lab.equal(await stranger.read(stranger.characteristic(SECRET)), b"\x07", "without a list, the stranger pairs and reads")
    await bemo_sync.stop()
    await stranger.disconnect()
    before = heard.skip()
    bemo_sync = await lab.confined(lab.write_file("listed.yaml", YAML))
    await said(bemo_sync, "is on the air by")
    connects = asyncio.create_task(met(stranger))
    await said(bemo_sync, f"{stranger.address} is paired, but not on the list")
    await connects
    await stranger.wait_disconnected()
    lab.check(True, "with the list again, it is disconnected as soon as it connects")
    lab.equal(heard.values(since=before), [], "and has heard nothing")


async def met(central):
    """It may be cut off in the middle of that."""
    try:
        await meet(central, paired=True)
    except Exception:  # pylint: disable=broad-except
        pass


async def meet(central, paired=False):
    await central.connect(await central.find(name=NAME), paired=paired)


async def said(process, part):
    return await process.lines.until(lambda line: part in line, timeout=20)
