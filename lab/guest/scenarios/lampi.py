"""examples/lampi.yaml with a lamp of another make: a colour, a brightness and a switch in one document."""

import json
import signal

from lab import START_DEADLINE_S

HSV = "0002a7d3-d8a4-4fea-8174-1736e808c066"
BRIGHTNESS = "0003a7d3-d8a4-4fea-8174-1736e808c066"
ON_OFF = "0004a7d3-d8a4-4fea-8174-1736e808c066"

CONNECTION = "lamp/connection/lamp_bt_peripheral/state"
DEADLINE_S = 5


async def run(lab):
    listener = await lab.surroundings("lamp/#")
    bemo_sync = await lab.bemo_sync("examples/lampi.yaml")
    await listener.output.until(f"{CONNECTION} 1", timeout=20)
    lab.check(True, f"birth: {CONNECTION} is 1")
    phone = await lab.central()
    await phone.connect(await phone.find(name="LAMPI"))
    hsv, brightness, on_off = (
        phone.characteristic(uuid) for uuid in (HSV, BRIGHTNESS, ON_OFF)
    )
    lab.equal(await phone.read(hsv), 0x80, "while the lamp is silent a read gets 0x80")
    presentation = await phone.read_descriptor(hsv, 0x2904)
    lab.equal(presentation.hex(" "), "07 00 00 27 01 00 00", "0x2904 of HSV is a u24")

    heard = {
        uuid: await phone.subscribe(phone.characteristic(uuid))
        for uuid in (HSV, BRIGHTNESS, ON_OFF)
    }
    lamp = await lab.python("lamp.py")
    await heard[HSV].until(bytes([77, 128, 255]), START_DEADLINE_S)
    await heard[BRIGHTNESS].until(bytes([128]), DEADLINE_S)
    await heard[ON_OFF].until(bytes([1]), DEADLINE_S)
    lab.check(True, "the lamp speaks: 4d 80 ff, 80 and 01 are notified")
    lab.equal(await phone.read(hsv), bytes([77, 128, 255]), "and read")

    since = listener.output.skip()
    lab.equal(await phone.write(hsv, bytes([127, 64, 255])), None, "a colour is written")
    await changed(listener, {"h": 0.5, "s": 0.25}, "color")
    request = document(listener, since, "lamp/set_config")
    expected = {"color": {"h": 0.5, "s": 0.25}, "client": "lamp_bt_peripheral"}
    lab.equal(request, expected, f"the lamp is asked for {json.dumps(expected)}")
    lab.equal(await phone.read(hsv), bytes([127, 64, 255]), "what was written is read: 7f, not the 80 of 0.5")
    lab.equal(await phone.write(hsv, bytes([1, 2, 3])), 0x80, "a value that is not 0xFF gets 0x80")

    lab.equal(await phone.write(brightness, b"\x00"), None, "darkness is written")
    await heard[BRIGHTNESS].until(bytes([26]), DEADLINE_S)
    lab.check(True, "the lamp only goes down to 0.1, and after 2 s the phone hears that")

    await lab.publish("lamp/set_config", '{"on": false, "client": "lamp_ui"}')
    await heard[ON_OFF].until(bytes([0]), DEADLINE_S)
    lab.check(True, "somebody else switches it off, and the phone hears it")

    seconds = await bemo_sync.signal(signal.SIGTERM)
    lab.check(seconds < 2, "SIGTERM ends it within 2 s", seconds)
    await listener.output.until(f"{CONNECTION} 0", timeout=DEADLINE_S)
    lab.check(True, f"will: {CONNECTION} is 0")
    lab.check(lamp.running, "the lamp has run all along")


async def changed(listener, expected, key):
    """Waits until the lamp says that this is so."""

    def says(line):
        topic, _, payload = line.partition(" ")
        return topic == "lamp/changed" and json.loads(payload)[key] == expected

    await listener.output.until(says, timeout=DEADLINE_S)


def document(listener, since, topic):
    """The one message on a topic."""
    lines = [line for line in listener.output.values(since) if line.startswith(f"{topic} ")]
    assert len(lines) == 1, lines
    return json.loads(lines[0].partition(" ")[2])
