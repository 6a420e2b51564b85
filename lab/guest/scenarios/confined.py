"""As the package's own user, with its D-Bus rules and no capability: all of it works, and nothing else is allowed."""

import re

from lab import CONFINED, START_DEADLINE_S
from lab import run as command
from number import CONFIG, check_in_step, subscriber
from scenarios import pairing

SOMEBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")

DENIED = "org.freedesktop.DBus.Error.AccessDenied"


async def run(lab):
    listener = await lab.surroundings()
    await command("bluetoothctl", "power", "off")
    demo = await lab.confined(CONFIG, "demo")
    await demo.lines.until(lambda line: "has been switched on" in line, timeout=START_DEADLINE_S)
    phone = await subscriber(lab)
    lab.check(True, "it has switched the adapter on, and is found")
    await check_in_step(lab, phone, listener, count=1)
    await phone.next()
    lab.equal(await phone.write(99), None, "99 is written")
    await phone.until(100)
    await rules(lab, demo)
    await phone.central.disconnect()
    await demo.stop()
    lab.equal(demo.exit_code, 0, "it ends in good order")

    await pairs(lab)


async def rules(lab, demo):
    """What its user may ask of others, and others of it."""
    allowed = await send(CONFINED, "org.bluez", "/", "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
    lab.check("/org/bluez/hci0" in allowed, "its user may ask bluetoothd what there is", allowed)
    for method in ("org.bluez.Adapter1.GetDiscoveryFilters", "org.bluez.Adapter1.StartDiscovery"):
        said = await send(CONFINED, "org.bluez", "/org/bluez/hci0", method)
        lab.check(DENIED in said, f"its user may not call {method}", said)
    said = await send(SOMEBODY, "org.bluez", "/org/bluez/hci0", "org.bluez.Adapter1.GetDiscoveryFilters")
    lab.check(DENIED not in said, "which BlueZ lets everybody else do", said)

    ours = await unique_name(demo)
    for who, name in ((SOMEBODY, "another user"), ((), "root, who is not bluetoothd,")):
        said = await send(who, ours, "/", "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
        lab.check(DENIED in said, f"{name} may not call it", said)


async def pairs(lab):
    config = lab.write_file("safe.yaml", pairing.YAML)
    safe = await lab.confined(config, "safe")
    phone, keyboard = await lab.central(), await lab.central()
    try:
        await pairing.pairings(lab, safe, phone, keyboard)
    finally:
        for central in (phone, keyboard):
            await central.disconnect()
            await command("bluetoothctl", "remove", central.address)


async def send(who, destination, path, method):
    """Calls a method as somebody: what came of it, as text."""
    _, output = await command(
        *who, "dbus-send", "--system", "--print-reply", f"--dest={destination}", path, method
    )
    return output


async def unique_name(process):
    """The process's name on the bus, by which bluetoothd calls it."""
    bus = ("org.freedesktop.DBus", "/org/freedesktop/DBus")
    names = await send((), *bus, "org.freedesktop.DBus.ListNames")
    for name in re.findall(r'":1\.\d+"', names):
        name = name.strip('"')
        _, said = await command(
            "dbus-send", "--system", "--print-reply", f"--dest={bus[0]}", bus[1],
            "org.freedesktop.DBus.GetConnectionUnixProcessID", f"string:{name}",
        )
        if said.split()[-1] == str(process.pid):
            # bluer has a connection of its own; what is called is the last.
            found = name
    return found
