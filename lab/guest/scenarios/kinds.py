"""Refusals, clamping, byte order, long and empty values, indications, and an advertisement that is too large."""

from kinds import (
    BIG_ENDIAN,
    CLAMPS,
    INDICATES,
    LONG,
    NAME,
    REJECTS,
    SERVICE,
    WRITE_ONLY,
    YAML,
    on_the_air,
)


async def run(lab):
    await lab.start_bluetoothd()
    bemo_sync = await lab.bemo_sync(lab.write_file("kinds.yaml", YAML))
    await bemo_sync.lines.until(lambda line: "WARN" in line, timeout=15)
    lab.note(bemo_sync.lines.values()[-1])
    lab.check(True, "the advertisement was too large: a line says so")
    await on_the_air(bemo_sync)
    one, two = await lab.central(), await lab.central()
    await one.connect(await one.find(name=NAME))
    lab.check(True, f"a smaller one is on the air, with the name {NAME}")
    await two.connect(await two.find(name=NAME))
    await refusals(lab, one)
    await clamping(lab, one, two)
    await long_values(lab, one, two)
    await indications(lab, one, two)
    await two_indications(lab, one, two, await lab.central())


async def refusals(lab, central):
    rejects = central.characteristic(REJECTS)
    lab.equal(await central.write(rejects, b"\x15\x00"), 0x80, "21 of 10 … 20: 0x80")
    lab.equal(await central.write(rejects, b"\x15"), 0x0D, "one byte of two: 0x0D")
    lab.equal(await central.read(rejects), b"\x0f\x00", "the value is what it was")
    write_only = central.characteristic(WRITE_ONLY)
    lab.equal(await central.read(write_only), 0x02, "write-only cannot be read: 0x02")
    lab.equal(await central.write(write_only, b"\x02"), 0x80, "2 is no boolean: 0x80")
    lab.equal(await central.write(write_only, b"\x01"), None, "1 is")
    big_endian = central.characteristic(BIG_ENDIAN)
    lab.equal(await central.read(big_endian), b"\xff\xfe", "-2 is ff fe, big-endian")


async def clamping(lab, one, two):
    heard_by_one = await one.subscribe(one.characteristic(CLAMPS))
    heard_by_two = await two.subscribe(two.characteristic(CLAMPS))
    lab.equal(await one.write(one.characteristic(CLAMPS), b"\x64"), None, "100 is taken")
    await heard_by_two.until(b"\x05", 5)
    await heard_by_one.until(b"\x05", 5)
    lab.check(True, "as 5, and both hear that, also the one who wrote")


async def long_values(lab, one, two):
    heard = await two.subscribe(two.characteristic(LONG))
    long = one.characteristic(LONG)
    octets = bytes(range(256)) + bytes(range(200))
    lab.equal(await one.write(long, octets), None, f"{len(octets)} bytes are written")
    lab.equal((await heard.next(5)).value, octets, "notified whole")
    lab.equal(await two.read(long), octets, "and read whole")
    lab.equal(await one.read_at(long, 457), 0x07, "beyond its end: 0x07")
    lab.equal(await one.write(long, b""), None, "no bytes are written")
    lab.equal((await heard.next(5)).value, b"", "and notified")


async def indications(lab, one, two):
    heard = await two.subscribe(two.characteristic(INDICATES), indications=True)
    indicates = one.characteristic(INDICATES)
    for number in range(1, 31):
        if await one.write(indicates, bytes([number])) is not None:
            lab.check(False, "every write is taken", number)
    await heard.until(bytes([30]), 10)
    lab.equal(heard.values()[-1], bytes([30]), "of 30 writes in a row the newest is indicated")
    lab.equal(await two.read(indicates), bytes([30]), "and read")
    lab.check(len(two.services(SERVICE)) == 1, "one copy of the service")


async def two_indications(lab, one, two, three):
    """`two` has subscribed before, so it is the first that bluetoothd has a socket for."""
    await three.connect(await three.find(name=NAME))
    heard_by_three = await three.subscribe(three.characteristic(INDICATES), indications=True)
    heard_by_two = await two.subscribe(two.characteristic(INDICATES), indications=True)
    for number in range(31, 61):
        await one.write(one.characteristic(INDICATES), bytes([number]))
    await heard_by_two.until(bytes([60]), 10)
    await heard_by_three.until(bytes([60]), 10)
    lab.check(True, "of 30 more, the newest is indicated to two centrals")
    in_a_row(lab, heard_by_two, "one")
    in_a_row(lab, heard_by_three, "the other")

    await one.write(one.characteristic(INDICATES), bytes([61]))
    await two.disconnect()
    for number in range(62, 91):
        await one.write(one.characteristic(INDICATES), bytes([number]))
    await heard_by_three.until(bytes([90]), 10)
    lab.check(True, "one of them leaves: the newest is indicated to the other")
    in_a_row(lab, heard_by_three, "the other")


def in_a_row(lab, heard, who):
    octets = [value[0] for value in heard.values()]
    lab.check(octets == sorted(octets), f"{who} hears nothing older after something newer", octets)
