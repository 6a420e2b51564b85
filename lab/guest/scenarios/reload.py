"""The configuration is read again under a connected central: it stays, and hears of what changes for it alone."""

import asyncio
import signal

from bumble.core import UUID

from lab import BEMO_SYNC
from lab import run as command
from number import wait_until

NAME = "Reload"
SAID_WITHIN_S = 20
SECONDS_MAX = 120
REFUSED = 0x80
WRITE_NOT_PERMITTED = 0x03
SERVICE_CHANGED = "2A05"

LEVEL = "name: Level, uuid: FF01, access: [read, write, notify], value: {{ type: u8, max: {max} }}, mqtt: {{ state: {topic} }}"
SECOND = "name: Second, uuid: FF11, access: [read, write, notify], value: { type: u8 }"
OTHER_NAME = "Renamed"
RELOADS = 5
MORE = "name: More, uuid: FF12, access: [read], value: { type: u8, initial: 9 }"
WRITABLE = "name: More, uuid: FF12, access: [read, write], value: { type: u8, initial: 9 }"
THIRD = "name: Third, uuid: FF21, access: [read], value: { type: u8, initial: 3 }"

YAML = """
version: 1
device: {{ name: {name} }}
ble: {{ adapter: {adapter} }}
mqtt: {{ broker: localhost, client_id: reload }}
services:
"""


def yaml(*services, topic="level/a", most=100, name=NAME, adapter="auto"):
    """One service for each list of characteristics."""
    text = YAML.format(name=name, adapter=adapter)
    for number, characteristics in enumerate(services):
        text += f"  - name: Service {number}\n    uuid: FF{number}0\n    advertise: {str(number == 0).lower()}\n"
        text += "    characteristics:\n"
        for characteristic in characteristics:
            if characteristic is LEVEL:
                characteristic = LEVEL.format(max=most, topic=topic)
            text += f"      - {{ {characteristic} }}\n"
    return text


async def run(lab):
    listener = await lab.surroundings("level/#")
    bench = await Bench.start(lab, listener, yaml([LEVEL], [SECOND]))
    await values(lab, bench)
    await mistakes(lab, bench)
    await structure(lab, bench)
    await refused(lab, bench)
    await renamed(lab, bench)
    await written(lab, bench)
    lab.check(bench.phone.connected, "the central has been connected all along")
    lab.equal(bench.connections(), 1, "the log knows of one connection, and of no end of it")
    await restarted(lab, bench)


class Bench:
    """A program, and a central that has subscribed to all there is."""

    @classmethod
    async def start(cls, lab, listener, text):
        self = cls()
        self.lab, self.listener = lab, listener
        self.file = lab.write_file("reload.yaml", text)
        self.program = await lab.process("bemo-sync", BEMO_SYNC, "--config", self.file, "--log", "bemo_sync=debug")
        await self.said("is on the air")
        self.phone = await lab.central()
        await self.phone.connect(await self.phone.find(name=NAME))
        self.changed = await self.phone.subscribe(self.phone.characteristic(SERVICE_CHANGED), indications=True)
        self.level = self.phone.characteristic("FF01")
        self.second = self.phone.characteristic("FF11")
        self.levels = await self.phone.subscribe(self.level)
        self.seconds = await self.phone.subscribe(self.second)
        return self

    async def said(self, *parts):
        wanted = lambda line: all(part in line for part in parts)
        return (await self.program.lines.until(wanted, SAID_WITHIN_S)).value

    async def reload(self, text, outcome):
        """Writes the file and sends SIGHUP; returns what is said of it."""
        self.lab.write_file("reload.yaml", text)
        self.program.lines.skip()
        self.program._process.send_signal(signal.SIGHUP)  # pylint: disable=protected-access
        return await self.said(outcome)

    async def writes(self, characteristic, octet):
        return await self.phone.write(characteristic, bytes([octet]))


    def connections(self):
        lines = self.program.lines.values()
        said = [line for line in lines if self.phone.address in line]
        connected = [line for line in said if "has connected" in line]
        disconnected = [line for line in said if "has disconnected" in line]
        return len(connected) - len(disconnected)


async def values(lab, bench):
    """The range and the topic change; nothing of that is seen by a central."""
    lab.equal(await bench.writes(bench.level, 99), None, "99 is written while 100 is the most")
    await bench.listener.output.until("level/a 99", SAID_WITHIN_S)
    bench.levels.skip()
    unsubscribed = len([line for line in bench.program.lines.values() if "subscribes no longer" in line])
    await bench.reload(yaml([LEVEL], [SECOND], topic="level/b", most=50), "is applied")
    lab.check(True, "SIGHUP: a smaller range and another topic are applied")
    lab.check(bench.phone.connected, "the central stays connected")
    lab.equal(await bench.writes(bench.level, 51), REFUSED, "51 is over the new range at once: 0x80")
    lab.equal(await bench.writes(bench.level, 42), None, "42 is not")
    await bench.listener.output.until("level/b 42", SAID_WITHIN_S)
    lab.check(True, "and is published on the new topic")
    other = await lab.central()
    await other.connect(await other.find(name=NAME))
    await other.write(other.characteristic("FF01"), b"\x07")
    await bench.levels.until(b"\x07", SAID_WITHIN_S)
    lab.check(True, "its subscription goes on: it hears of what another central writes")
    await other.disconnect()
    lines = [line for line in bench.program.lines.values() if "subscribes no longer" in line]
    lab.equal(len(lines), unsubscribed, "and was never interrupted")
    lab.equal(bench.changed.values(), [], "Service Changed is not sent")


async def mistakes(lab, bench):
    """A file with mistakes."""
    text = yaml([LEVEL], [SECOND]).replace("type: u8", "type: u7")
    said = await bench.reload(text, "is not applied")
    lab.check(True, f"a file with mistakes is refused: {said.strip()[-60:]}")
    lab.equal(await bench.writes(bench.level, 51), REFUSED, "and the range is what it was")
    lab.equal(await bench.writes(bench.level, 41), None, "and writes go on")
    await bench.listener.output.until("level/b 41", SAID_WITHIN_S)


async def structure(lab, bench):
    """Another service gets another characteristic."""
    before = handles(bench.phone)
    bench.levels.skip()
    # In one line for all that is waited for: what is announced comes first.
    bench.program.lines.skip()
    await bench.reload(yaml([LEVEL], [SECOND, MORE], topic="level/b", most=50), "is applied")
    said = [line for line in bench.program.lines.values() if 'characteristic "More" (0xFF12) is added' in line]
    lab.check(said, "a characteristic more is announced")
    said = [line for line in bench.program.lines.values() if "Service Changed (0x2A05)" in line]
    lab.check(said, "and what bonded phones will see")
    told = []
    await wait_until(lambda: len(bench.changed.values()) >= 2, 5)
    told = [value.hex(" ") for value in bench.changed.values()]
    lab.note(f"Service Changed: {told}")
    lab.check(told, "BlueZ tells the central: Service Changed is indicated")
    await bench.phone.discover()
    after = handles(bench.phone)
    lab.equal({uuid: after.get(uuid) for uuid in before}, before, "what stays has the handles that it had")
    lab.equal(await bench.phone.read(bench.phone.characteristic("FF12")), b"\x09", "what is new is read")
    lab.check(bench.phone.connected, "the central stays connected")
    other = await lab.central()
    await other.connect(await other.find(name=NAME))
    await other.write(other.characteristic("FF01"), b"\x08")
    await bench.levels.until(b"\x08", SAID_WITHIN_S)
    lab.check(True, "its subscription to a service that is the same goes on")
    await other.write(other.characteristic("FF11"), b"\x05")
    bench.seconds = await bench.phone.subscribe(bench.phone.characteristic("FF11"))
    await other.write(other.characteristic("FF11"), b"\x06")
    await bench.seconds.until(b"\x06", SAID_WITHIN_S)
    lab.check(True, "and that to the one that has changed can be made again")
    await other.disconnect()


async def refused(lab, bench):
    """Another program has taken the handles that a third service would have, and the last ones that there are."""
    other = await occupant(lab)
    before = handles(bench.phone)
    three = yaml([LEVEL], [SECOND, WRITABLE], [THIRD], topic="level/c", most=60)
    said = await bench.reload(three, "is not applied")
    lab.check("is back" in said, f"bluetoothd refuses a third service, and the configuration before is back: {said[-90:]}")
    lab.check(bench.phone.connected, "the central stays connected")
    lab.equal(await bench.writes(bench.level, 55), REFUSED, "the range is what it was")
    lab.equal(await bench.writes(bench.level, 44), None, "writes go on")
    await bench.listener.output.until("level/b 44", SAID_WITHIN_S)
    lab.check(True, "on the topic of before")
    await bench.phone.discover()
    after = handles(bench.phone)
    lab.equal(after, before, "all handles are what they were")
    more = bench.phone.characteristic("FF12")
    lab.equal(await bench.writes(more, 1), WRITE_NOT_PERMITTED, "what was to be changed is what it was")
    lab.equal(await bench.phone.read(more), b"\x09", "and is read")
    await other.stop()
    await bench.reload(three, "is applied")
    await bench.phone.discover()
    lab.equal(await bench.phone.read(bench.phone.characteristic("FF21")), b"\x03", "with the other gone, it is applied")
    fewer = yaml([LEVEL], [SECOND], topic="level/b", most=50)
    await bench.reload(fewer, "is applied")
    await bench.phone.discover()
    lab.equal(bench.phone.characteristics("FF21") + bench.phone.characteristics("FF12"), [], "and taken away again")
    lab.equal(await bench.writes(bench.phone.characteristic("FF11"), 1), None, "what has been changed back is written")


async def renamed(lab, bench):
    """The name and the way to say which adapter is meant."""
    scanner = await lab.central()
    text = yaml([LEVEL], [SECOND], topic="level/b", most=50, name=OTHER_NAME, adapter="hci0")
    await bench.reload(text, "is applied")
    await scanner.find(name=OTHER_NAME)
    lab.check(True, f"it is found as {OTHER_NAME}")
    lab.check(bench.phone.connected, "the central stays connected")


async def written(lab, bench):
    """A central writes without a pause, and hears itself: what it writes comes back on MQTT."""
    over = asyncio.Event()

    async def write():
        answers = []
        while not over.is_set():
            answers.append(await bench.writes(bench.level, len(answers) % 50))
        return answers

    writes = asyncio.create_task(write())
    for number in range(RELOADS):
        topic = f"level/{number}"
        text = yaml([LEVEL], [SECOND], topic=topic, most=50 + number, name=OTHER_NAME, adapter="hci0")
        await bench.reload(text, "is applied")
    over.set()
    answers = await writes
    lab.check(len(answers) > RELOADS, f"{len(answers)} writes during {RELOADS} reloads")
    lab.equal([it for it in answers if it is not None], [], "each is acknowledged")
    last = (len(answers) - 1) % 50
    topic = f"level/{RELOADS - 1}"
    await bench.listener.output.until(f"{topic} {last}", SAID_WITHIN_S)
    lab.check(True, "the last is published where the last configuration says")


async def restarted(lab, bench):
    """bluetoothd goes after all that, and then the program."""
    await lab.bluetoothd.signal(signal.SIGKILL)
    bench.program.lines.skip()
    await lab.start_bluetoothd()
    await bench.said("is on the air")
    await bench.phone.disconnect()
    await bench.phone.wait_disconnected()
    await bench.phone.connect(await bench.phone.find(name=OTHER_NAME))
    value = await bench.phone.read(bench.phone.characteristic("FF01"))
    lab.check(isinstance(value, bytes), "bluetoothd comes back: all is there, as it was declared last")
    seconds = await bench.program.signal(signal.SIGTERM)
    lab.equal(bench.program.exit_code, 0, f"SIGTERM ends it with exit code 0 (after {seconds:.1f} s)")
    _code, shown = await command("bluetoothctl", "show")
    lab.check(OTHER_NAME not in shown and NAME not in shown, "and the adapter has the name that it had")


async def occupant(lab):
    """Another program: it has a service in the way, and one at the end, after which BlueZ finds no handles."""
    process = await lab.shell("occupant", "bluetoothctl")
    await process.ask("", "Agent registered")
    await process.ask("menu gatt", "Menu gatt")
    for uuid, handle in (("0xFF77", "0x0110"), ("0xFF78", "0xFFFD")):
        await process.ask(f"register-service {uuid} {handle}", "NEW")
        process._process.stdin.write(b"yes\n")  # pylint: disable=protected-access
    await process.ask("register-application", "Application registered")
    return process


def handles(central):
    """Where the values are, by UUID, of what this program declares."""
    found = [it for service in central.services() for it in service.characteristics]
    ours = [UUID(f"FF{number:02X}") for number in (0x01, 0x11, 0x12, 0x21)]
    return {str(it.uuid): it.handle for it in found if it.uuid in ours}
