"""The life of a package on a small Debian: installed, changed, stuck, upgraded, removed, purged. Runs in the guest."""

import asyncio
import os
import pwd
import re
import stat
import sys
import traceback

from central import Central
from radio import Air

SHARE = "/mnt/share"
ETC = "/etc/bemo-sync"
CONFIG = f"{ETC}/services.yaml"
PASSWORD = f"{ETC}/password"
STATE = "/var/lib/bemo-sync"
DROP_IN = "/etc/systemd/system/bemo-sync.service.d"
SERVICE = "7a4bbfe6-999f-4717-b63a-066e06971f59"
NUMBER = "7a4b0001-999f-4717-b63a-066e06971f59"
UNIT = "bemo-sync"
# How long anything may take on a busy machine. It only ends runs that went wrong.
DEADLINE_S = 150

# What somebody makes of the configuration: a value that is kept, and a password.
CHANGED = """
version: 1
device: { name: Mine }
ble: { adapter: auto }
mqtt: { broker: auto, client_id: mine, username: me, password: { file: /etc/bemo-sync/password } }
services:
  - name: Number Service
    uuid: 7a4bbfe6-999f-4717-b63a-066e06971f59
    advertise: true
    characteristics:
      - name: Some Number
        uuid: 7a4b0001-999f-4717-b63a-066e06971f59
        access: [read, write, notify]
        persist: true
        value: { type: u8, initial: 1 }
        mqtt: { owner: here, state: number/changed, command: number/set, payload: { number: $value } }
"""


class CheckFailed(Exception):
    """A fact that does not hold."""


def check(holds, fact, seen=None):
    if not holds:
        raise CheckFailed(fact if seen is None else f"{fact}: saw {seen!r}")
    print(f"  ok  {fact}", flush=True)


def equal(seen, expected, fact):
    check(seen == expected, fact, seen)


async def run(*command):
    """Runs a command: its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    output, _ = await asyncio.wait_for(process.communicate(), DEADLINE_S)
    return process.returncode, output.decode(errors="replace").strip()


async def done(*command):
    """Runs a command that has to work; returns what it printed."""
    code, output = await run(*command)
    if code != 0:
        raise CheckFailed(f"{' '.join(command)}: exit code {code}: {output}")
    return output


async def until(holds, fact):
    """Waits until what a coroutine returns is true."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not (value := await holds()):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise CheckFailed(f"{fact}: never") from None
    print(f"  ok  {fact}", flush=True)
    return value


async def unit(name):
    return await done("systemctl", "show", "--value", "-p", name, UNIT)


async def is_active():
    return await unit("ActiveState") == "active"


async def is_failed():
    return await unit("ActiveState") == "failed"


async def restarted(after):
    """Whether it has been started once more than so often, and is ready again."""
    return int(await unit("NRestarts")) > after and await is_active()


async def number():
    """What MQTT has been told of the number."""
    _, line = await run("mosquitto_sub", "-C", "1", "-W", "5", "-t", "number/changed")
    found = re.search(r'"number": (\d+)', line)
    return found and int(found[1])


async def is_number(expected):
    return await number() == expected


async def forget():
    """The broker forgets what it was told: who says it after that is there."""
    await done("mosquitto_pub", "-r", "-n", "-q", "1", "-t", "number/changed")


async def restart():
    await forget()
    await done("systemctl", "restart", UNIT)


async def is_installed():
    _, status = await run("dpkg-query", "-W", "-f=${db:Status-Status}", UNIT)
    return status


async def write_config(text):
    with open(CONFIG, "w", encoding="utf-8") as file:
        file.write(text)


def read_config():
    with open(CONFIG, encoding="utf-8") as file:
        return file.read()


async def installs():
    await done("dpkg", "-i", f"{SHARE}/first.deb")
    await until(is_active, "installed, it is active: it has said that it is ready")
    status = await unit("StatusText")
    check(re.search(r'as "box", \d+ values in', status), f"systemd shows its status: {status}", status)
    await until(number, "it counts on the broker of this machine")


async def is_confined():
    user = pwd.getpwnam("bemo-sync")
    check(user.pw_uid < 1000 and user.pw_shell.endswith("nologin"), "it has a system user", user)
    pid = await unit("MainPID")
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        status = dict(line.strip().split(":\t", 1) for line in file if ":\t" in line)
    equal(status["Uid"].split(), [str(user.pw_uid)] * 4, "it runs as that")
    equal({int(status[key], 16) for key in ("CapEff", "CapPrm", "CapBnd", "CapAmb")}, {0}, "without any capability")
    equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), "it can gain none, and its system calls are filtered")
    said = await done("systemd-analyze", "security", UNIT)
    exposure = float(re.search(r"Overall exposure level for \S+: ([\d.]+)", said)[1])
    check(exposure <= 2.0, f"exposure {exposure}", exposure)
    as_it = ("setpriv", "--reuid=bemo-sync", "--regid=bemo-sync", "--clear-groups")
    ask = ("dbus-send", "--system", "--print-reply", "--dest=org.bluez", "/org/bluez/hci0")
    _, said = await run(*as_it, *ask, "org.bluez.Adapter1.StartDiscovery")
    check("AccessDenied" in said, "D-Bus knows its rules: it may not scan", said)


async def is_on_the_air(phone, name):
    await phone.connect(await phone.find(name=name, timeout=DEADLINE_S))
    found = phone.characteristic(NUMBER)
    values = await phone.subscribe(found)
    equal(await phone.write(found, b"\x29"), None, f"a phone finds {name!r} and writes")
    value = await phone.read(found)
    check(value and value[0] >= 0x29, "and reads", value)
    await phone.disconnect()
    return values


async def keeps_what_was_changed():
    await write_config(CHANGED)
    with open(PASSWORD, "w", encoding="utf-8") as file:
        file.write("secret")
    os.chown(PASSWORD, 0, pwd.getpwnam("bemo-sync").pw_gid)
    os.chmod(PASSWORD, 0o640)
    await restart()
    await until(lambda: is_number(1), "a changed configuration is served after a restart")
    await done("mosquitto_pub", "-q", "1", "-t", "number/set", "-m", '{"number": 42}')
    await until(lambda: is_number(42), "a message sets the number")
    await restart()
    await until(lambda: is_number(42), "and it is kept over a restart")
    files = os.listdir(STATE)
    check(any(file.endswith(".journal") for file in files), f"in {STATE}", files)
    mode = os.stat(STATE)
    equal(
        (stat.S_IMODE(mode.st_mode), mode.st_uid),
        (0o700, pwd.getpwnam("bemo-sync").pw_uid),
        "which only it can read",
    )


async def a_mistake_is_not_tried_again():
    await write_config(CHANGED.replace("type: u8", "type: u9"))
    code, _ = await run("systemctl", "restart", UNIT)
    check(code != 0, "with a mistake in the configuration it does not start")
    await until(is_failed, "and is not tried again")
    equal((await unit("ExecMainStatus"), await unit("NRestarts")), ("2", "0"), "its exit code is 2")
    journal = await done("journalctl", "--no-pager", "-u", UNIT, "-n", "20")
    check("u9" in journal and "-->" in journal or "services.yaml:" in journal, "the journal shows where")
    await write_config(CHANGED)
    await restart()
    await until(lambda: is_number(42), "mended, it starts")


async def reads_a_credential():
    """A password that only root may read."""
    os.chown(PASSWORD, 0, 0)
    os.chmod(PASSWORD, 0o600)
    os.makedirs(DROP_IN)
    with open(f"{DROP_IN}/password.conf", "w", encoding="utf-8") as file:
        file.write(f"[Service]\nLoadCredential=password:{PASSWORD}\n")
    await write_config(CHANGED.replace("file: /etc/bemo-sync", 'file: "${CREDENTIALS_DIRECTORY:-/etc/bemo-sync}').replace("password }", 'password" }'))
    await done("systemctl", "daemon-reload")
    await restart()
    await until(lambda: is_number(42), "it gets a password from systemd that only root may read")
    os.remove(f"{DROP_IN}/password.conf")
    os.rmdir(DROP_IN)
    os.chown(PASSWORD, 0, pwd.getpwnam("bemo-sync").pw_gid)
    os.chmod(PASSWORD, 0o640)
    await write_config(CHANGED)
    await done("systemctl", "daemon-reload")
    await restart()


async def comes_back():
    before = int(await unit("NRestarts"))
    await forget()
    await done("systemctl", "kill", "-s", "KILL", UNIT)
    await until(lambda: restarted(before), "killed, it comes back")
    await until(lambda: is_number(42), "with what it kept")


async def stuck_is_restarted():
    """Its log is a pipe that nobody reads, so the one thread hangs for ever in the middle of its work."""
    pipe = "/run/full"
    os.mkfifo(pipe, 0o666)
    os.chmod(pipe, 0o666)
    # Somebody has it open, or opening it would hang already.
    kept = os.open(pipe, os.O_RDWR)
    os.makedirs(DROP_IN)
    with open(f"{DROP_IN}/stuck.conf", "w", encoding="utf-8") as file:
        file.write(f"[Service]\nWatchdogSec=4s\nStandardError=file:{pipe}\nEnvironment=BEMO_SYNC_LOG=bemo_sync=trace\n")
    await done("systemctl", "daemon-reload")
    await done("systemctl", "restart", UNIT)
    await until(is_active, "with a pipe for its log it starts")
    before = int(await unit("NRestarts"))
    pid = await unit("MainPID")
    flood = asyncio.create_task(publish_for_ever())
    await until(lambda: restarted_as_another(pid), "stuck, it is ended and started again")
    flood.cancel()
    check(int(await unit("NRestarts")) > before, "by systemd")
    journal = await done("journalctl", "--no-pager", "-u", UNIT, "-g", "Watchdog timeout", "-n", "1")
    check("Watchdog timeout" in journal, "because its watchdog was not fed")
    os.remove(f"{DROP_IN}/stuck.conf")
    await done("systemctl", "daemon-reload")
    await restart()
    os.close(kept)
    await until(lambda: is_number(42), "with a log that is read it goes on as before")


async def publish_for_ever():
    """Each message is a line or more in the log."""
    while True:
        await run("bash", "-c", "for i in {1..400}; do echo no number; done | mosquitto_pub -q 0 -l -t number/set")


async def restarted_as_another(pid):
    now = await unit("MainPID")
    return now not in ("0", pid)


async def upgrades():
    started = await unit("ExecMainStartTimestampMonotonic")
    before = await done("dpkg-query", "-W", "-f=${Version}", UNIT)
    await forget()
    await done("dpkg", "--force-confold", "-i", f"{SHARE}/next.deb")
    equal(await done("dpkg-query", "-W", "-f=${Version}", UNIT), f"{before}.next", "it is upgraded")
    equal(read_config(), CHANGED, "its changed configuration is as it was")
    check(os.path.exists(f"{CONFIG}.dpkg-dist"), "the new one lies beside it")
    await until(is_active, "it is active")
    check(await unit("ExecMainStartTimestampMonotonic") != started, "it has been started anew")
    await until(lambda: is_number(42), "with what it kept")


async def is_removed():
    await done("dpkg", "-r", UNIT)
    equal(await is_installed(), "config-files", "it is removed")
    check(not os.path.exists("/usr/bin/bemo-sync"), "the program is gone")
    check(not await is_active(), "and does not run")
    equal(read_config(), CHANGED, "its configuration is kept")
    check(os.path.exists(PASSWORD) and os.listdir(STATE), "its password and its state too")
    await forget()
    await done("dpkg", "--force-confold", "-i", f"{SHARE}/next.deb")
    await until(lambda: is_number(42), "installed again, it goes on with them")


async def is_purged():
    await done("dpkg", "-P", UNIT)
    check(await is_installed() != "config-files" and not await is_active(), "it is purged")
    left = [path for path in (ETC, STATE) if os.path.exists(path)]
    equal(left, [], "nothing is left of its configuration, its password and its state")
    found = await done("find", "/etc", "/usr", "/var/lib/systemd", "-name", "*bemo-sync*")
    # The drop-in is the administrator's own.
    equal([line for line in found.splitlines() if not line.startswith(DROP_IN)], [], "nor anywhere else")
    _, failed = await run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "bemo-sync*")
    equal(failed, "", "no failed unit is left")


async def main():
    air = Air()
    await asyncio.wait_for(air.start(), DEADLINE_S)
    await done("systemctl", "start", "bluetooth", "mosquitto")
    phone = Central(air, 1)
    await phone.start()
    await installs()
    await is_confined()
    await is_on_the_air(phone, "box")
    await keeps_what_was_changed()
    await is_on_the_air(phone, "Mine")
    await done("mosquitto_pub", "-q", "1", "-t", "number/set", "-m", '{"number": 42}')
    await a_mistake_is_not_tried_again()
    await reads_a_credential()
    await comes_back()
    await stuck_is_restarted()
    await upgrades()
    await is_removed()
    await is_purged()


if __name__ == "__main__":
    try:
        asyncio.run(main())
        print("all is well", flush=True)
    except Exception as error:  # pylint: disable=broad-except
        print(f"  FAILED  {error!r}", flush=True)
        traceback.print_exc()
        sys.exit(1)
