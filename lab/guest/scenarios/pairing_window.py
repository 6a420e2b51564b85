"""Centrals pair for a while after the start, and when somebody opens the window; at no other time, in no way.

It runs confined: the adapter is set through the rules for D-Bus too.
"""

import asyncio
import signal

from lab import run as command

NAME = "Window"
SECRET, PAIRING = "FF01", "FF02"
LASTS_S = 12

YAML = f"""
version: 1
device: {{ name: Window }}
ble: {{ pairing: {{ pairable_for: {LASTS_S}s, window: Pairing }} }}
mqtt: {{ broker: auto }}
services:
  - name: Window
    uuid: FF00
    advertise: true
    characteristics:
      - {{ name: Secret, uuid: FF01, access: [read], security: encrypted, value: {{ type: u8, constant: 7 }} }}
      - name: Pairing
        uuid: FF02
        access: [read, notify]
        value: {{ type: bool }}
        mqtt: {{ owner: here, state: box/pairing, command: box/pairing/set }}
"""
CLOSED = YAML.replace(f"pairable_for: {LASTS_S}s, window: Pairing", "pairable: false")


async def run(lab):
    listener = await lab.surroundings("box/#")
    first, later, last = await lab.central(), await lab.central(), await lab.central()
    try:
        await windows(lab, listener, first, later)
        await never(lab, last)
    finally:
        for central in (first, later, last):
            await central.disconnect()
            await command("bluetoothctl", "remove", central.address)


async def windows(lab, listener, first, later):
    config = lab.write_file("window.yaml", YAML)
    bemo_sync = await lab.confined(config)
    await said(bemo_sync, "is on the air by")
    await listener.output.until("box/pairing true", 5)
    lab.equal(await pairable_is(True), True, "after the start the adapter is pairable, and MQTT says so")
    lab.check(f"uint32 {LASTS_S}" in await asked("PairableTimeout"), "BlueZ counts down too")
    await meet(first)
    await first.pair()
    lab.equal(await first.read(first.characteristic(SECRET)), b"\x07", "a central pairs, and reads")

    await said(bemo_sync, "the window has closed")
    await listener.output.until("box/pairing false", 5)
    lab.equal(await pairable_is(False), False, f"after {LASTS_S} s it is not pairable any more, and MQTT says so")
    await meet(later)
    await kept_out(lab, later)
    await first.disconnect()
    await said(bemo_sync, f"{first.address} has disconnected")
    await meet(first, paired=True)
    lab.equal(await first.read(first.characteristic(SECRET)), b"\x07", "who has paired before comes back, and reads")

    await lab.publish("box/pairing/set", "true")
    await said(bemo_sync, "centrals can pair")
    # It says so, and sets the adapter a moment later.
    lab.equal(await pairable_is(True), True, "a message opens the window: the adapter is pairable")
    await later.pair()
    lab.equal(await later.read(later.characteristic(SECRET)), b"\x07", "the other pairs")
    await lab.publish("box/pairing/set", "false")
    await said(bemo_sync, "the window has closed")
    lab.equal(await pairable_is(False), False, "a message closes it")

    await lab.publish("box/pairing/set", "true")
    await said(bemo_sync, "centrals can pair")
    lab.equal(await pairable_is(True), True, "and opens it again")
    await bemo_sync.signal(signal.SIGKILL)
    lab.equal(await pairable_is(False, LASTS_S + 5), False, "the process is killed: it closes all the same")


async def never(lab, central):
    bemo_sync = await lab.confined(lab.write_file("closed.yaml", CLOSED))
    await said(bemo_sync, "is on the air by")
    lab.equal(await pairable_is(False), False, "`pairable: false`: it is not, though there is an agent")
    await meet(central)
    await kept_out(lab, central)
    await command("bluetoothctl", "pairable", "on")
    lab.equal(await pairable_is(False), False, "and when somebody else makes it pairable, that is taken back")
    await somebody_who_insists(lab, bemo_sync)


async def somebody_who_insists(lab, bemo_sync):
    """It is not taken back as fast as D-Bus goes, for ever."""
    enough = asyncio.Event()
    insisting = asyncio.create_task(insist(enough))
    await said(bemo_sync, "somebody else makes the adapter pairable again and again")
    enough.set()
    await insisting
    lab.equal(await pairable_is(False, 35), False, "somebody who insists is complained of, and that is taken back in the end")


async def insist(enough):
    set_it = ("org.freedesktop.DBus.Properties.Set", "string:org.bluez.Adapter1", "string:Pairable", "variant:boolean:true")
    while not enough.is_set():
        await command("dbus-send", "--system", "--print-reply", "--dest=org.bluez", "/org/bluez/hci0", *set_it)


async def kept_out(lab, central):
    lab.check(await central.refused_pairing(), "who wants to pair is refused")
    if not central.connected:
        await meet(central)
    lab.check(await central.refused_pairing(bonding=False), "also who would keep no keys")
    if not central.connected:
        await meet(central)
    lab.equal(await central.read(central.characteristic(SECRET)), 0x0F, "and reads nothing: 0x0F")


async def meet(central, paired=False):
    await central.connect(await central.find(name=NAME), paired=paired)


async def pairable():
    return "boolean true" in await asked("Pairable")


async def asked(name):
    """What the adapter says of itself."""
    get = ("org.freedesktop.DBus.Properties.Get", "string:org.bluez.Adapter1", f"string:{name}")
    _code, output = await command("dbus-send", "--system", "--print-reply", "--dest=org.bluez", "/org/bluez/hci0", *get)
    return output


async def pairable_is(wanted, timeout=5):
    """Waits until the adapter is that; returns what it is in the end."""
    try:
        async with asyncio.timeout(timeout):
            while await pairable() != wanted:
                await asyncio.sleep(0.1)
    except TimeoutError:
        pass
    return await pairable()


async def said(process, part):
    return await process.lines.until(lambda line: part in line, timeout=20)
