"""The doctor finds what is wrong with BlueZ and the adapter, changes nothing, and disturbs nobody who is connected."""

import glob
import json
import os
import re
import shutil

from lab import BEMO_SYNC, CONFINED, REPOSITORY
from lab import run as command
from number import CONFIG, subscriber
from scenarios.other_advertisements import advertiser

# Programs start one after the other, and each start takes its time here.
SECONDS_MAX = 240
STATE = "/run/lab/state-doctor"
DENIED = ("setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups")


async def run(lab):
    await lab.surroundings()
    os.makedirs(STATE, mode=0o700, exist_ok=True)
    report = await healthy(lab, "with everything there")
    for check, says in {
        "d-bus": "answers",
        "bluez": r"BlueZ 5\.\d+ runs",
        "adapter": "hci0, ",
        "power": "hci0 is on",
        "peripheral-role": "peripheral",
        "advertising": r"room for \d+ more, 0 in use",
        "permission": "lets this user show services and advertise",
        "broker": "lets us in; it is mosquitto version 2",
        "publish": "the topic that is declared",
    }.items():
        expect(lab, report, check, "ok", says)
    expect(lab, report, "traps", "ok", "Device Information service of its own")
    lab.equal(await instances(), 0, "it has advertised nothing")
    shutil.chown(STATE, "bemo-sync", "bemo-sync")
    await healthy(lab, "as the package's own user", *CONFINED)

    report = await ill(lab, "as a user whom D-Bus does not let speak to BlueZ", who=DENIED)
    expect(lab, report, "permission", "fail", "does not say which adapters", "usermod -aG bluetooth")

    demo = await lab.bemo_sync(CONFIG)
    phone = await subscriber(lab)
    await phone.next()
    report = await healthy(lab, "beside the program at work")
    expect(lab, report, "advertising", "ok", "1 in use")
    await phone.next()
    await phone.next()
    lab.check(
        not any("lost the connection" in line for line in demo.tail()),
        "the program at work keeps its connection, and a phone hears it count",
    )
    await phone.central.disconnect()
    await demo.stop()

    others = [await advertiser(lab, number) for number in range(await room())]
    report = await healthy(lab, "with no room left for an advertisement")
    expect(lab, report, "advertising", "warn", "are taken")
    for other in others:
        await other.stop()

    await command("bluetoothctl", "power", "off")
    report = await healthy(lab, "with the adapter off")
    expect(lab, report, "power", "ok", "switched on at the start")
    block(True)
    report = await ill(lab, "in flight mode")
    expect(lab, report, "power", "fail", "flight mode", "rfkill unblock bluetooth")
    block(False)

    other = lab.write_file("other.yaml", "version: 1\nble: { adapter: hci7 }\n" + SERVICES)
    report = await ill(lab, "with an adapter declared that is not there", config=other)
    expect(lab, report, "adapter", "fail", "hci7 is not there; there is hci0", "bluetoothctl list")

    await lab.bluetoothd.stop()
    report = await ill(lab, "without bluetoothd")
    expect(lab, report, "bluez", "fail", "does not run", "enable --now bluetooth")


SERVICES = """
services:
  - name: Service
    uuid: ff00
    characteristics:
      - { name: C, uuid: ff01, access: [read], value: { type: u8, constant: 1 } }
"""


async def examined(who, config):
    code, output = await command(
        *("env", f"STATE_DIRECTORY={STATE}", *who),
        *(BEMO_SYNC, "doctor", config or f"{REPOSITORY}/{CONFIG}", "--json"),
        timeout=60,
    )
    return code, json.loads(output)


async def healthy(lab, when, *who):
    code, report = await examined(who, None)
    lab.check((code, report["healthy"]) == (0, True), f"healthy {when}", report)
    return report


async def ill(lab, when, config=None, who=()):
    code, report = await examined(who, config)
    lab.equal((code, report["healthy"]), (1, False), f"not healthy {when}")
    return report


def expect(lab, report, check, level, says, fix=""):
    found = [it for it in report["findings"] if it["check"] == check]
    fits = [
        it
        for it in found
        if it["level"] == level and re.search(says, it["says"]) and fix in it.get("fix", "")
    ]
    lab.check(fits, f"{check} is {level}: {fits[0]['says'] if fits else says}", found)


async def instances():
    _code, shown = await command("bluetoothctl", "show")
    return int(re.search(r"ActiveInstances: 0x[0-9a-f]+ \((\d+)\)", shown)[1])


async def room():
    _code, shown = await command("bluetoothctl", "show")
    return int(re.search(r"SupportedInstances: 0x[0-9a-f]+ \((\d+)\)", shown)[1])


def block(is_blocked):
    """Throws the switch of flight mode."""
    (switch,) = glob.glob("/sys/class/bluetooth/hci0/rfkill*/soft")
    with open(switch, "w", encoding="ascii") as file:
        file.write("1" if is_blocked else "0")
