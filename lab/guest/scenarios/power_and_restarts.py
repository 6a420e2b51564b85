"""The adapter is switched off and on, bemo-sync and bluetoothd end: the same handles, and its old name in the end."""

import signal

from kinds import NAME, SERVICE, YAML, handles, on_the_air
from lab import run as command

# Below are BlueZ's own services.
OUR_HANDLES = 0x0100
BEFORE = "Before"


async def run(lab):
    await lab.start_bluetoothd()
    await command("bluetoothctl", "system-alias", BEFORE)
    config = lab.write_file("kinds.yaml", YAML)
    bemo_sync = await lab.bemo_sync(config)
    await on_the_air(bemo_sync)
    phone = await lab.central()
    await phone.connect(await phone.find(name=NAME))
    known = handles(phone)
    declared = [uuid for uuid, handle in known if handle >= OUR_HANDLES]
    lab.note(", ".join(f"{uuid} at {handle:#06x}" for uuid, handle in known if handle >= OUR_HANDLES))
    lab.equal(len(declared), 8, "all characteristics are there")
    lab.check(declared == sorted(declared), "in the order of the YAML", declared)

    await command("bluetoothctl", "power", "off")
    await bemo_sync.lines.until(lambda line: "switched off" in line, timeout=10)
    lab.check(True, "somebody has switched the adapter off: it stays off, a line says so")
    await command("bluetoothctl", "power", "on")
    await on_the_air(bemo_sync)
    await phone.wait_disconnected()
    await again(lab, phone, known, "it is switched on again")

    await lab.bluetoothd.signal(signal.SIGTERM)
    await phone.wait_disconnected()
    await lab.start_bluetoothd()
    await on_the_air(bemo_sync)
    await again(lab, phone, known, "bluetoothd runs again")
    lab.equal(await alias_of_hci0(), NAME, f"its name is {NAME}")

    for ending, alias in ((signal.SIGTERM, BEFORE), (signal.SIGKILL, NAME)):
        await bemo_sync.signal(ending)
        lab.equal(await alias_of_hci0(), alias, f"{ending.name}: its name is {alias}")
        await phone.disconnect()
        await phone.wait_disconnected()
        bemo_sync = await lab.bemo_sync(config)
        await on_the_air(bemo_sync)
        await again(lab, phone, known, f"bemo-sync has ended by {ending.name} and runs again")

    await bemo_sync.signal(signal.SIGTERM)
    alias = await alias_of_hci0()
    lab.check(alias != NAME, "in the end the name is the system's, not what the kill has left", alias)


async def alias_of_hci0():
    _code, output = await command("bluetoothctl", "show")
    return next(line.split(":", 1)[1].strip() for line in output.splitlines() if "Alias:" in line)


async def again(lab, phone, known, what):
    await phone.connect(await phone.find(name=NAME))
    lab.equal(len(phone.services(SERVICE)), 1, f"{what}: one copy of the service")
    lab.equal(handles(phone), known, "at the same handles")
