"""Other programs have taken all the room for advertisements: ours is there as soon as one of them ends."""

import re

from central import DEADLINE_S
from kinds import on_the_air
from lab import run as command
from number import CONFIG, NAME, subscriber

BACK_WITHIN_S = 2.0


async def run(lab):
    await lab.start_bluetoothd()
    slowness = await lab.slowness()
    _code, shown = await command("bluetoothctl", "show")
    room = int(re.search(r"SupportedInstances: 0x[0-9a-f]+ \((\d+)\)", shown)[1])
    others = [await advertiser(lab, number) for number in range(room)]
    bemo_sync = await lab.bemo_sync(CONFIG)
    await bemo_sync.lines.until(lambda line: "not advertised" in line, DEADLINE_S)
    await on_the_air(bemo_sync)
    lab.check(True, f"{room} advertisements of others leave no room: a line says so, and the services are there")

    # Long enough for the pauses between attempts to have become long.
    await command("sleep", "4", timeout=60)
    ended = await others.pop().ask("advertise off", "Advertising object unregistered")
    advertised = await bemo_sync.lines.until(lambda line: "advertised at last" in line, DEADLINE_S)
    took = advertised.at - ended.at
    fact = f"one of them ends: advertised {took:.2f} s later ({took / slowness:.2f} s, scaled)"
    lab.check(took < BACK_WITHIN_S * slowness, fact, took)
    for other in others:
        await other.stop()
    phone = await subscriber(lab)
    await phone.next()
    lab.check(True, f"{NAME} is found, and its number is notified")


async def advertiser(lab, number):
    """Another program with an advertisement."""
    process = await lab.shell(f"advertiser-{number}", "bluetoothctl")
    await process.ask("", "Agent registered")
    await process.ask("advertise on", "Advertising object registered")
    return process
