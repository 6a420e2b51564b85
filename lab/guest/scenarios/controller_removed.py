"""The controller is pulled out and plugged in again, also as another hciN: served again, at the same handles."""

from central import DEADLINE_S
from kinds import handles, on_the_air
from lab import START_DEADLINE_S, repository_file
from number import CONFIG, NAME, SERVICE
from radio import ADAPTER_ADDRESS

# The lab is an emulation: see bluetoothd_restart, which measures how slow it is.
BACK_WITHIN_S = 2.0

# The kernel takes 10 s to let go of the one that keeps hci0 from us for a moment.
SECONDS_MAX = 120


async def run(lab):
    # Nobody but bemo-sync switches the adapter on.
    await lab.start_bluetoothd(auto_enable=False)
    slowness = await lab.slowness()
    phone = await lab.central()
    bemo_sync = await lab.bemo_sync(CONFIG)
    await on_the_air(bemo_sync)
    await phone.connect(await phone.find(name=NAME))
    known = handles(phone)
    try:
        for name in ("hci0", "hci1"):
            await lab.air.unplug()
            await phone.wait_disconnected()
            await plugged(lab, bemo_sync, name, slowness)
            await again(lab, phone, known, name)
        await bemo_sync.stop()
        await of_that_name(lab)
        await at_that_address(lab, phone, known)
    finally:
        # The next scenario begins with hci0.
        await lab.air.unplug()
        await lab.air.plug("hci0")


async def plugged(lab, bemo_sync, name, slowness):
    """With `auto` it goes on with whatever there is."""
    lab.bluetoothd.lines.skip()
    await lab.air.plug(name)
    there = await lab.bluetoothd.lines.until(lambda line: f"{name} registered" in line, START_DEADLINE_S)
    served = await said(bemo_sync, f"is on the air by {name}")
    took = served.at - there.at
    fact = f"plugged in as {name}: switched on, and on the air {took:.2f} s later ({took / slowness:.2f} s, scaled)"
    lab.check(took < BACK_WITHIN_S * slowness, fact, took)


async def again(lab, phone, known, name):
    await phone.connect(await phone.find(name=NAME))
    lab.equal(len(phone.services(SERVICE)), 1, f"{name}: one copy of the service")
    lab.equal(handles(phone), known, "at the same handles")
    await phone.disconnect()


async def of_that_name(lab):
    """A name is a name: hci0 is not what was meant."""
    bemo_sync = await lab.bemo_sync(written(lab, "hci1"), "bemo-sync-by-name")
    await on_the_air(bemo_sync)
    await lab.air.unplug()
    await lab.air.plug("hci0")
    await said(bemo_sync, "waiting for the Bluetooth adapter hci1")
    lab.check(not lab.air.advertising, "`adapter: hci1` does not go on with hci0, and a line says so")
    await bemo_sync.stop()


async def at_that_address(lab, phone, known):
    """An address is the same whatever the name."""
    bemo_sync = await lab.bemo_sync(written(lab, ADAPTER_ADDRESS), "bemo-sync-by-address")
    await said(bemo_sync, "is on the air by hci0")
    await again(lab, phone, known, f"`adapter: {ADAPTER_ADDRESS}` is hci0")
    await lab.air.unplug()
    await lab.air.plug("hci1")
    await said(bemo_sync, "is on the air by hci1")
    await again(lab, phone, known, "and hci1 when it comes back as that")
    await bemo_sync.stop()


def written(lab, adapter):
    yaml = repository_file(CONFIG).replace("adapter: auto", f'adapter: "{adapter}"')
    return lab.write_file(f"{adapter.replace(':', '')}.yaml", yaml)


async def said(process, part):
    return await process.lines.until(lambda line: part in line, timeout=DEADLINE_S)
