"""3,000 publishes as fast as they can be sent: the newest value arrives, and nothing stalls."""

from burst_publisher import publish_burst
from lab import repository_file, without_key
from number import CONFIG, changed, subscriber

COUNT = 3000
# Occurs only at the end: the numbers before it stay below.
LAST = 201
AFTERWARDS = 17


async def run(lab):
    listener = await lab.surroundings(topic="number/changed")
    # Without the ticker, whatever is notified is an answer to a publish.
    config = lab.write_file(
        "services.yaml", without_key(repository_file(CONFIG), "source")
    )
    await lab.bemo_sync(config)
    phone = await subscriber(lab)

    numbers = [index % LAST for index in range(COUNT - 1)] + [LAST]
    payloads = [f'{{"number": {number}}}' for number in numbers]
    sent_at = await publish_burst("number/set", payloads, timeout=20)
    lab.check(True, f"{COUNT} values are published")
    arrived = await phone.until(LAST, timeout=20)
    lab.check(
        True,
        f"the newest is notified ({arrived.at - sent_at:.1f} s after the last was sent)",
    )
    lab.equal(await phone.read(), LAST, "and read")
    await listener.output.until(changed(LAST), timeout=20)
    lab.check(True, "and published as the state")
    lab.note(
        f"{len(phone.values.all)} notifications, {len(listener.output.all)} publishes of the state"
    )

    await lab.publish("number/set", f'{{"number": {AFTERWARDS}}}')
    lab.equal(await phone.next(), AFTERWARDS, "a publish afterwards is notified")
    lab.equal(await phone.write(LAST), None, "a write afterwards is accepted")
    await listener.output.until(changed(LAST), timeout=3)
    lab.check(True, "and published")
