"""What a scenario works with: it starts programs and centrals, prints the facts that hold, and tidies up."""

import asyncio
import os
import re
import shutil
import sys

from central import Central
from processes import Process

LAB = os.path.dirname(os.path.abspath(__file__))
REPOSITORY = os.path.dirname(os.path.dirname(LAB))
BEMO_SYNC = f"{REPOSITORY}/target/lab/bemo-sync"
BLUETOOTHD = "/usr/libexec/bluetooth/bluetoothd"

# How long a program may take to start on a busy machine. It only ends runs that went wrong.
START_DEADLINE_S = 20

SLOWNESS_MAX = 5.0

# The package's own user. What the unit does, as far as it goes without systemd.
CONFINED = (
    "setpriv",
    "--reuid=bemo-sync",
    "--regid=bemo-sync",
    "--clear-groups",
    "--no-new-privs",
    "--inh-caps=-all",
    "--bounding-set=-all",
)

BLUETOOTHD_CONFIG = """
[Policy]
AutoEnable={auto_enable}
"""

# Without a limit on the queue: by default mosquitto drops the newest messages for a client that is 1,000 behind.
MOSQUITTO_CONFIG = """
listener 1883 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
user root
log_dest stderr
log_type error
log_type warning
log_type notice
log_type information
log_type subscribe
"""


class CheckFailed(Exception):
    """A fact that a scenario relies on does not hold."""


class Lab:
    """Everything that one scenario starts. Nothing of it outlives the scenario, except the air."""

    def __init__(self, air, folder):
        self.air = air
        self.folder = folder
        self.bluetoothd = None
        self.mosquitto = None
        self._stop = []
        self._processes = []
        self._centrals = 0
        os.makedirs(folder)

    def rounds(self, default):
        """How often a scenario repeats what it repeats."""
        return int(os.environ.get("LAB_ROUNDS", "0")) or default

    async def slowness(self):
        """How many times longer the same work takes here than on the host, at this moment.

        It counts as `SLOWNESS_MAX` at most: a machine that is busy with something else must not excuse everything.
        """
        code, output = await run(sys.executable, "-S", f"{LAB}/reference.py", timeout=60)
        if code != 0:
            raise CheckFailed(f"the reference cannot be measured: {output}")
        slowness = float(output) / float(os.environ["LAB_REFERENCE_MS"])
        self.note(f"here the same work takes {slowness:.1f} times as long as on the host")
        return min(slowness, SLOWNESS_MAX)

    def note(self, text):
        print(f"      {text}", flush=True)

    def check(self, holds, fact, seen=None):
        """Prints a fact that holds; ends the scenario with what was seen instead when it does not."""
        if not holds:
            raise CheckFailed(fact if seen is None else f"{fact}: saw {seen!r}")
        print(f"  ok  {fact}", flush=True)

    def equal(self, seen, expected, fact):
        self.check(seen == expected, fact, seen)

    async def process(self, name, *command):
        """Starts a program that is stopped at the end of the scenario."""
        process = Process(name, f"{self.folder}/{name}.log")
        self._processes.append(process)
        self._stop.append(process.stop)
        return await process.start(*command)

    async def start_bluetoothd(self, auto_enable=True):
        """Starts bluetoothd and waits until its adapter is there and powered; returns when that was.

        Without `auto_enable`, somebody else has to switch it on, and it is enough that it is there.
        """
        for attempt in range(3):
            config = self.write_file(
                "bluetooth.conf",
                BLUETOOTHD_CONFIG.format(auto_enable=str(auto_enable).lower()),
            )
            up = "has been enabled" if auto_enable else "registered"
            daemon = await self.process(
                "bluetoothd",
                BLUETOOTHD,
                "--nodetach",
                "--debug",
                f"--configfile={config}",
            )
            try:
                enabled = await daemon.lines.until(
                    lambda line: f"{self.air.name} {up}" in line,
                    timeout=START_DEADLINE_S,
                )
                self.bluetoothd = daemon
                return enabled.at
            except TimeoutError:
                self.note(f"bluetoothd showed no adapter (attempt {attempt + 1})")
                await daemon.stop()
        raise CheckFailed("bluetoothd does not come up")

    async def start_broker(self):
        """Starts mosquitto on localhost:1883."""
        config = self.write_file("mosquitto.conf", MOSQUITTO_CONFIG)
        self.mosquitto = await self.process(
            "mosquitto", "/usr/sbin/mosquitto", "-c", config
        )
        await self.mosquitto.lines.until(
            lambda line: "running" in line, timeout=START_DEADLINE_S
        )

    async def listen(self, topic="number/#"):
        """Starts `mosquitto_sub -v`; its `output` is the stream of what it prints."""
        client = f"listener-{len(self._processes)}"
        listener = await self.process(
            client, "mosquitto_sub", "-v", "-i", client, "-t", topic
        )
        await self.mosquitto.lines.until(
            lambda line: f" {client} 0 {topic}" in line, timeout=START_DEADLINE_S
        )
        return listener

    async def surroundings(self, topic="number/#"):
        """What most scenarios start with: bluetoothd, a broker and a listener, which it returns."""

        async def broker_and_listener():
            await self.start_broker()
            return await self.listen(topic)

        listener, _ = await asyncio.gather(
            broker_and_listener(), self.start_bluetoothd()
        )
        return listener

    async def publish(self, topic, payload, *options):
        code, output = await run(
            "mosquitto_pub", "-q", "1", "-t", topic, "-m", payload, *options
        )
        if code != 0:
            raise CheckFailed(f"mosquitto_pub: {output}")

    async def bemo_sync(self, config, name="bemo-sync"):
        """Starts bemo-sync with a file of the repository, or one that `write_file` made."""
        return await self.process(
            name, BEMO_SYNC, "--config", os.path.join(REPOSITORY, config)
        )

    async def confined(self, config, name="bemo-sync"):
        """Starts it as the package does: its own user and state, the rules for D-Bus, no capability."""
        state = f"{self.folder}/state-{name}"
        if not os.path.exists(state):
            os.mkdir(state, mode=0o700)
            shutil.chown(state, "bemo-sync", "bemo-sync")
        config = os.path.join(REPOSITORY, config)
        return await self.process(
            name,
            *("env", f"STATE_DIRECTORY={state}", *CONFINED),
            *(BEMO_SYNC, "--config", config, "--log", "bemo_sync=debug"),
        )

    async def shell(self, name, *command):
        """Starts a program that takes commands; see `Process.ask`."""
        process = Process(name, f"{self.folder}/{name}.log", takes_commands=True)
        self._processes.append(process)
        self._stop.append(process.stop)
        return await process.start(*command)

    async def python(self, script, *arguments):
        """Starts a Python program from this folder."""
        name = os.path.basename(script).removesuffix(".py")
        return await self.process(
            name, sys.executable, "-S", f"{LAB}/{script}", *arguments
        )

    async def central(self, private=False):
        """Adds a central to the air, which hides its address if it is `private`."""
        self._centrals += 1
        central = Central(self.air, self._centrals, private)
        self._stop.append(central.stop)
        await central.start()
        return central

    def write_file(self, name, text):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    async def close(self):
        for stop in reversed(self._stop):
            try:
                await asyncio.wait_for(stop(), timeout=10)
            except Exception as error:  # pylint: disable=broad-except
                self.note(f"while tidying up: {error!r}")

    def tails(self):
        """The end of every log, for a scenario that failed."""
        return [(process.name, process.tail()) for process in self._processes]


async def run(*command, timeout=START_DEADLINE_S):
    """Runs a short command: its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), timeout)
    return process.returncode, output.decode(errors="replace").strip()


def repository_file(path):
    with open(f"{REPOSITORY}/{path}", encoding="utf-8") as file:
        return file.read()


def without_key(yaml, key):
    """The YAML text without the entries of that key, whatever is nested below them."""
    kept = []
    removed_indent = None
    for line in yaml.splitlines():
        indent = len(line) - len(line.lstrip())
        if removed_indent is not None and (not line.strip() or indent > removed_indent):
            continue
        removed_indent = indent if re.match(rf" *{key}:", line) else None
        if removed_indent is None:
            kept.append(line)
    return "\n".join(kept) + "\n"
