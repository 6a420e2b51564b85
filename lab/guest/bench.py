"""Runs one program with a bluetoothd and two adapters, and nothing else. Runs in the guest; see ../README.md.

A measuring central has to be quick, so the air here is not Bumble but btvirt, BlueZ's own emulator: hci0 is for the
program that is measured, hci1 for the central.
"""

import asyncio
import os
import shlex
import shutil
import sys

from lab import BLUETOOTHD, REPOSITORY, START_DEADLINE_S, run
from processes import Process

CACHE = f"{REPOSITORY}/target/lab"
LOGS = "/run/lab/logs"
ADAPTERS = ("hci0", "hci1")
# Nobody here speaks Bluetooth Classic.
CONFIG = "[General]\nControllerMode=le\n[Policy]\nAutoEnable=true\n"


async def until(holds, what):
    async with asyncio.timeout(START_DEADLINE_S):
        while not await holds():
            await asyncio.sleep(0.1)
    print(f"  ok  {what}", flush=True)


async def plugged():
    return all(os.path.exists(f"/sys/class/bluetooth/{name}") for name in ADAPTERS)


async def powered():
    for name in ADAPTERS:
        code, output = await run(
            *("dbus-send", "--system", "--print-reply", "--dest=org.bluez"),
            *(f"/org/bluez/{name}", "org.freedesktop.DBus.Properties.Get"),
            *("string:org.bluez.Adapter1", "string:Powered"),
        )
        if code != 0 or "boolean true" not in output:
            return False
    return True


async def two_adapters(logs):
    """Starts btvirt and bluetoothd. Their bring-up fails now and then, and is tried again."""
    config = "/run/lab/bluetooth.conf"
    with open(config, "w", encoding="utf-8") as file:
        file.write(CONFIG)
    btvirt = f"{CACHE}/{os.environ['LAB_TEST_TOOLS']}/btvirt"
    for attempt in range(3):
        programs = [Process("btvirt", f"{logs}/btvirt.log")]
        try:
            await programs[0].start(btvirt, "-L", "-l2")
            await until(plugged, "there are two adapters")
            programs.append(Process("bluetoothd", f"{logs}/bluetoothd.log"))
            await programs[1].start(BLUETOOTHD, "--nodetach", f"--configfile={config}")
            await until(powered, "bluetoothd has both")
            return programs
        except TimeoutError:
            print(f"      no adapters (attempt {attempt + 1})", flush=True)
            for program in reversed(programs):
                await program.stop()
    raise SystemExit("the adapters do not come up")


async def writable_logs():
    """Where programs that are measured put their logs, in memory: the repository cannot be written to here."""
    path = f"{REPOSITORY}/target/bench/log"
    if os.path.isdir(path):
        await run("mount", "-t", "tmpfs", "tmpfs", path)
    return path


async def main():
    with open(f"{CACHE}/command", encoding="utf-8") as file:
        command = shlex.split(file.read())
    print(f"== {os.path.basename(command[0])}", flush=True)
    programs = await two_adapters(LOGS)
    logs = await writable_logs()
    measured = await asyncio.create_subprocess_exec(
        *command,
        cwd=REPOSITORY,
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.STDOUT,
    )
    code = await measured.wait()
    if os.path.isdir(logs):
        shutil.copytree(logs, f"{LOGS}/measured", copy_function=shutil.copyfile)
    for program in reversed(programs):
        if not program.running:
            print(f"      {program.name} has ended by itself", *program.tail(), sep="\n      ")
            code = code or 1
        await program.stop()
    print(f"{'PASS' if code == 0 else f'FAIL, exit code {code}'}", flush=True)
    print(f"{int(code == 0)} passed, {int(code != 0)} failed", flush=True)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
