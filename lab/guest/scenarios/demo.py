"""services.yaml on a real BlueZ and a real broker: everything one central can see and do."""

import signal

from number import (
    CONFIG,
    NAME,
    NUMBER,
    SERVICE,
    Subscriber,
    changed,
    check_in_step,
    check_no_advertisement,
    jumps,
    plus,
    wait_until,
)

INVALID_OFFSET = 0x07
INVALID_ATTRIBUTE_VALUE_LENGTH = 0x0D

DEVICE_INFORMATION = "180A"
DEVICE_INFORMATION_VALUES = {"2A29": b"CWRU", "2A24": b"LAMPI", "2A25": b"123456"}


async def run(lab):
    listener = await lab.surroundings()
    bemo_sync = await lab.bemo_sync(CONFIG)
    central = await lab.central()

    by_name = await central.find(name=NAME)
    lab.check(True, f"found by its name {NAME}")
    by_service = await central.find(service=SERVICE)
    lab.equal(by_service, by_name, f"found by its service {SERVICE}")
    await central.connect(by_name)
    await check_tree(lab, central)

    characteristic = central.characteristic(NUMBER)
    phone = Subscriber(central, characteristic, await central.subscribe(characteristic))
    await check_in_step(lab, phone, listener)
    await check_write(lab, phone, listener)
    await check_wrap(lab, phone, listener)
    await check_errors(lab, phone, listener)
    await check_sequence(lab, listener)
    await check_stop(lab, phone, bemo_sync)
    lab.check(listener.running, "mosquitto_sub has run all along")


async def check_tree(lab, central):
    lab.equal(len(central.services(SERVICE)), 1, "discovered, once")
    number = central.characteristic(NUMBER)
    description = await central.read_descriptor(number, 0x2901)
    lab.equal(description, b"Some Number", "0x2901 is `Some Number`")
    presentation = await central.read_descriptor(number, 0x2904)
    lab.equal(
        presentation.hex(" "), "04 00 00 27 01 00 00", "0x2904 is 04 00 00 27 01 00 00"
    )
    # BlueZ has a Device Information service of its own beside ours.
    lab.check(
        central.services(DEVICE_INFORMATION), "there is a Device Information service"
    )
    for uuid, expected in DEVICE_INFORMATION_VALUES.items():
        values = [await central.read(found) for found in central.characteristics(uuid)]
        lab.equal(values, [expected], f"0x{uuid} is `{expected.decode()}`")


async def check_write(lab, phone, listener):
    # Right after a tick, so that the next one is a second away.
    await phone.next()
    lab.equal(await phone.write(99), None, "99 is written")
    event = await listener.output.until(changed(99), timeout=0.7)
    lab.check(True, f"MQTT says so at once: {event.value}")
    following = await listener.output.next(timeout=3)
    lab.equal(following.value, changed(100), "then comes 100")
    delay = following.at - event.at
    lab.check(
        0.4 < delay < 1.6, f"about a second later (measured: {delay:.2f} s)", delay
    )
    await phone.until(100)
    lab.check(True, "and it is notified")


async def check_wrap(lab, phone, listener):
    await phone.next()
    lab.equal(await phone.write(255), None, "255 is written")
    lab.equal(await phone.read(), 255, "255 is read")
    await listener.output.until(changed(255), timeout=0.7)
    following = await listener.output.next(timeout=3)
    lab.equal(following.value, changed(0), "after 255 comes 0, on MQTT")
    await phone.until(0)
    lab.check(True, "and on the air")


async def check_errors(lab, phone, listener):
    phone.values.skip()
    before = await phone.next()
    await listener.output.until(changed(before), timeout=0.7)
    central, number = phone.central, phone.characteristic
    error = await central.write(number, b"\x01\x02")
    lab.equal(error, INVALID_ATTRIBUTE_VALUE_LENGTH, "two bytes get ATT error 0x0D")
    error = await central.read_at(number, 2)
    lab.equal(error, INVALID_OFFSET, "a read beyond the end gets ATT error 0x07")
    lab.equal(await phone.read(), before, f"the number is still {before}")
    following = await listener.output.next(timeout=3)
    lab.equal(following.value, changed(plus(before)), "MQTT heard nothing of it")


async def check_sequence(lab, listener):
    lines = listener.output.values()
    lab.check(
        all(line.startswith("number/changed ") for line in lines),
        "mosquitto_sub saw only number/changed",
        lines,
    )
    lab.equal(jumps(lines), [99, 255], "and no number twice, none left out")


async def check_stop(lab, phone, bemo_sync):
    seconds = await bemo_sync.signal(signal.SIGTERM)
    lab.check(
        seconds < 2, f"SIGTERM ends it within 2 s (measured: {seconds:.2f} s)", seconds
    )
    lab.equal(bemo_sync.exit_code, 0, "with exit code 0")
    await check_no_advertisement(lab)
    await wait_until(lambda: not phone.central.connected, 0.5)
    if phone.central.connected:
        await phone.central.discover()
        lab.equal(phone.central.services(SERVICE), [], "its service is gone")
    else:
        lab.note("BlueZ has disconnected the central")
