"""Two centrals at once: each hears of the other's write."""

from number import CONFIG, NAME, SERVICE, subscriber


async def run(lab):
    await lab.surroundings()
    await lab.bemo_sync(CONFIG)
    first = await subscriber(lab)
    scanner = await lab.central()
    await scanner.find(name=NAME, service=SERVICE)
    lab.check(True, "still advertised while a central is connected")
    second = await subscriber(lab, scanner)

    await check_heard(lab, first, second, 42)
    await check_heard(lab, second, first, 142)

    await first.central.disconnect()
    tick = await second.next()
    lab.check(await second.next() > tick, "one goes, the other is still notified")


async def check_heard(lab, writer, hearer, number):
    # Right after a tick, so that what is heard next is the write.
    hearer.values.skip()
    await hearer.next()
    lab.equal(
        await writer.write(number), None, f"{writer.central.name} writes {number}"
    )
    lab.equal(
        await hearer.next(timeout=0.7),
        number,
        f"{hearer.central.name} is notified of {number}",
    )
    lab.equal(await hearer.read(), number, f"and reads {number}")
    writer.values.skip()
    await writer.until(number + 1)
    await hearer.until(number + 1)
    lab.check(True, f"then both are notified of {number + 1}")
