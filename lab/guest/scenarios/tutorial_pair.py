"""The tutorial's two programs, and each of them with a program that is not bemo-sync."""

import signal

from lab import START_DEADLINE_S
from number import changed, check_in_step, plus, set_to, subscriber

PERIPHERAL = "examples/tutorial/peripheral.yaml"
SERVICE = "examples/tutorial/number-service.yaml"


async def run(lab):
    listener = await lab.surroundings()
    peripheral = await lab.bemo_sync(PERIPHERAL, name="peripheral")
    service = await lab.bemo_sync(SERVICE, name="number-service")
    phone = await subscriber(lab)

    lab.note("peripheral.yaml and number-service.yaml")
    await check_in_step(lab, phone, listener, count=2)
    await check_write(lab, phone, listener, 99)

    lab.note("peripheral.yaml and a program of another make")
    await stop(lab, service, "number-service")
    other = await lab.python("number_service.py", "200")
    await phone.until(201, timeout=START_DEADLINE_S)
    lab.check(True, "its numbers are notified")
    await check_write(lab, phone, listener, 7)
    await other.stop()
    await stop(lab, peripheral, "peripheral")

    lab.note("number-service.yaml and a program of another make")
    await lab.bemo_sync(SERVICE, name="number-service-alone")
    since = listener.output.skip()
    await listener.output.next(timeout=START_DEADLINE_S)
    await lab.publish("number/set", '{"number": 50}')
    await listener.output.until(changed(50), timeout=1)
    lab.check(True, "it confirms a number that is set")
    await listener.output.until(changed(51), timeout=3)
    lab.check(True, "and counts on from there")
    own = [line for line in listener.output.values(since) if line != set_to(50)]
    lab.check(
        all(line.startswith("number/changed ") for line in own),
        "it only publishes number/changed",
        own,
    )


async def check_write(lab, phone, listener, number):
    """A write reaches the service as one request, is confirmed, and is counted on from."""
    await phone.next()
    since = listener.output.skip()
    lab.equal(await phone.write(number), None, f"{number} is written")
    await listener.output.until(changed(plus(number)), timeout=3)
    lines = listener.output.values(since)
    expected = [set_to(number), changed(number), changed(plus(number))]
    # A tick that was under way when the write came may stand before the request.
    while lines and lines[0].startswith("number/changed"):
        lines.pop(0)
    lab.equal(lines, expected, f"on MQTT: {', '.join(expected)}")
    await phone.until(plus(number))
    lab.check(True, f"{plus(number)} is notified")


async def stop(lab, process, name):
    seconds = await process.signal(signal.SIGTERM)
    lab.check(
        process.exit_code == 0 and seconds < 2, f"{name} ends within 2 s", seconds
    )
