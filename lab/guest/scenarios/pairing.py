"""Unpaired centrals are kept out, pair in both ways, and get in; who comes and goes is in the log."""

from lab import BEMO_SYNC
from lab import run as command

NAME = "Safe"
ENCRYPTED = "FF01"
AUTHENTICATED = "FF02"
SUBSCRIBED = "FF03"

YAML = """
version: 1
device: { name: Safe }
ble:
  pairing: { agent: display_only }
  advertise: { interval: [100ms, 150ms], service_data: { "FF00": "64" }, manufacturer_data: { "0xFFFF": "0102" } }
services:
  - name: Safe
    uuid: FF00
    advertise: true
    characteristics:
      - { name: Encrypted, uuid: FF01, access: [read, write], security: encrypted, value: { type: u8, initial: 7 } }
      - { name: Authenticated, uuid: FF02, access: [read], security: authenticated, value: { type: u8, constant: 8 } }
      - { name: Subscribed, uuid: FF03, access: [write, notify], security: { notify: encrypted }, value: { type: u8 } }
"""


async def run(lab):
    await lab.start_bluetoothd()
    config = lab.write_file("safe.yaml", YAML)
    bemo_sync = await lab.process("bemo-sync", BEMO_SYNC, "--config", config, "--log", "bemo_sync=debug")
    phone, keyboard = await lab.central(), await lab.central()
    try:
        await pairings(lab, bemo_sync, phone, keyboard)
    finally:
        # Bonds outlive bluetoothd, and the centrals of the next scenario have the same addresses.
        for central in (phone, keyboard):
            await central.disconnect()
            await command("bluetoothctl", "remove", central.address)


async def pairings(lab, bemo_sync, phone, keyboard):
    address = await phone.find(name=NAME, service="FF00")
    advertised(lab, bemo_sync)
    await phone.connect(address)
    await said(bemo_sync, f"{phone.address} has connected")
    lab.check(True, "that a central connects is in the log")
    await just_works(lab, bemo_sync, phone)
    await keyboard.connect(await keyboard.find(name=NAME))
    await passkey(lab, bemo_sync, keyboard)
    await phone.disconnect()
    await said(bemo_sync, f"{phone.address} has disconnected")
    lab.check(True, "and that it disconnects")


def advertised(lab, bemo_sync):
    advertiser = lab.air.adapter.le_legacy_advertiser
    data = advertiser.advertising_data
    lab.check(b"\x04\x16\x00\xff\x64" in data, "service data is advertised", data)
    lab.check(b"\x05\xff\xff\xff\x01\x02" in data, "manufacturer data is advertised", data)
    interval = (advertiser.advertising_interval_min, advertiser.advertising_interval_max)
    # In units of 0.625 ms. BlueZ before 5.78 passes over the interval unless it runs with --experimental.
    passed_over = any("passes over the `interval`" in line for line in bemo_sync.lines.values())
    expected = (2048, 2048) if passed_over else (160, 240)
    lab.equal(interval, expected, "the interval is as declared, or a line says why not")


async def just_works(lab, bemo_sync, phone):
    encrypted = phone.characteristic(ENCRYPTED)
    authenticated = phone.characteristic(AUTHENTICATED)
    notified = phone.characteristic(SUBSCRIBED)
    lab.equal(await phone.read(encrypted), 0x0F, "unpaired, a read is refused: 0x0F")
    lab.equal(await phone.write(encrypted, b"\x01"), 0x0F, "and a write: 0x0F")
    lab.equal(await phone.refused_subscription(notified), 0x0F, "and a subscription: 0x0F")
    lab.equal(await phone.read(authenticated), 0x05, "where more is wanted: 0x05")
    await phone.pair()
    await said(bemo_sync, f"{phone.address} pairs")
    lab.equal(await phone.read(encrypted), b"\x07", "paired, it reads")
    lab.equal(await phone.read(authenticated), 0x05, "but what wants more still does: 0x05")
    heard = await phone.subscribe(notified)
    await said(bemo_sync, "has subscribed", phone.address)
    await phone.write(notified, b"\x01")
    lab.check(True, "it subscribes, and that is in the log")
    return heard


async def passkey(lab, bemo_sync, keyboard):
    async def typed():
        line = await said(bemo_sync, f"{keyboard.address} pairs: type ")
        return int(line.split("type ")[1].split()[0])

    authenticated = keyboard.characteristic(AUTHENTICATED)
    lab.equal(await keyboard.read(authenticated), 0x05, "another is refused: 0x05")
    await keyboard.pair(passkey=typed)
    lab.equal(await keyboard.read(authenticated), b"\x08", "with the number from the log it reads")


async def said(process, *parts):
    event = await process.lines.until(lambda line: all(str(part) in line for part in parts), timeout=15)
    return event.value
