"""The number demo's identifiers, and the steps that several scenarios share."""

import asyncio
import re
from dataclasses import dataclass
from itertools import pairwise

from central import Central
from events import Stream

NAME = "Lampi-Test"
SERVICE = "7a4bbfe6-999f-4717-b63a-066e06971f59"
NUMBER = "7a4b0001-999f-4717-b63a-066e06971f59"

CONFIG = "services.yaml"

# A tick is due every second; software emulation on a busy machine may delay one.
TICK_DEADLINE_S = 3.0


def changed(number):
    """The line that `mosquitto_sub -v` prints when the number has changed, byte for byte."""
    return f'number/changed {{"number": {number}}}'


def set_to(number):
    """The same for a request to set it."""
    return f'number/set {{"number": {number}}}'


def plus(number, step=1):
    return (number + step) % 256


def jumps(lines):
    """The numbers in those lines that are not one more than the one before: written ones, for example."""
    numbers = [int(re.search(r"\d+", line)[0]) for line in lines]
    return [after for before, after in pairwise(numbers) if after != plus(before)]


@dataclass
class Subscriber:
    """A central that is connected and subscribed to the number."""

    central: Central
    characteristic: object
    values: Stream

    async def next(self, timeout=TICK_DEADLINE_S):
        """The next number it is notified of."""
        return (await self.values.next(timeout)).value[0]

    async def until(self, number, timeout=TICK_DEADLINE_S):
        """Waits until it is notified of that number; returns the event."""
        return await self.values.until(bytes([number]), timeout)

    async def read(self):
        """The number, or the ATT error as text."""
        value = await self.central.read(self.characteristic)
        return f"ATT error {value:#04x}" if isinstance(value, int) else value[0]

    async def write(self, number):
        """None, or the ATT error as int."""
        return await self.central.write(self.characteristic, bytes([number]))


async def subscriber(lab, central=None):
    """Finds the number by its service, connects and subscribes."""
    central = central or await lab.central()
    await central.connect(await central.find(name=NAME, service=SERVICE))
    characteristic = central.characteristic(NUMBER)
    return Subscriber(central, characteristic, await central.subscribe(characteristic))


async def check_in_step(lab, phone, listener, count=3):
    """Checks that notifications come once a second, and tell what MQTT tells, in the same order."""
    first = await phone.values.next(TICK_DEADLINE_S)
    start = first.value[0]
    events = [first] + [await phone.values.next(TICK_DEADLINE_S) for _ in range(count)]
    notified = [event.value[0] for event in events]
    lab.equal(
        notified,
        [plus(start, step) for step in range(count + 1)],
        f"notified of {notified}",
    )
    period = (events[-1].at - events[0].at) / count
    lab.check(
        0.75 < period < 1.25,
        f"one notification each second (measured: {period:.2f} s)",
        period,
    )

    wanted = [changed(number) for number in notified]
    # MQTT may lag behind the air by a moment, never by a tick.
    await wait_until(lambda: wanted[-1] in listener.output.values(), 0.9)
    lines = listener.output.values()
    begin = lines.index(wanted[0])
    lab.equal(
        lines[begin : begin + count + 1],
        wanted,
        f"MQTT says the same, the last: {wanted[-1]}",
    )


async def wait_until(holds, timeout):
    """Waits until a condition holds, or `timeout` seconds have passed: the check that follows tells."""
    try:
        async with asyncio.timeout(timeout):
            while not holds():
                await asyncio.sleep(0.02)
    except TimeoutError:
        pass


async def check_no_advertisement(lab):
    """Checks that the adapter stops advertising, and that a scan hears nothing any more."""
    await wait_until(lambda: not lab.air.advertising, 2)
    lab.check(not lab.air.advertising, "the adapter does not advertise any more")
    scanner = await lab.central()
    try:
        await scanner.find(timeout=0.5)
        heard = True
    except TimeoutError:
        heard = False
    lab.check(not heard, "a scan hears nothing")
