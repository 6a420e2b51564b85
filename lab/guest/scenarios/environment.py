"""examples/environment.yaml: a Zigbee sensor's messages as Environmental Sensing and Battery."""

import json

TOPIC = "zigbee2mqtt/living_room"
TEMPERATURE, HUMIDITY, PRESSURE, BATTERY = "2A6E", "2A6F", "2A6D", "2A19"
DEADLINE_S = 5


async def run(lab):
    await lab.surroundings("zigbee2mqtt/#")
    message = {"battery": 97, "humidity": 41.27, "linkquality": 134, "pressure": 1009.4, "temperature": -3.21}
    await lab.publish(TOPIC, json.dumps(message), "-r")
    await lab.bemo_sync("examples/environment.yaml")
    phone = await lab.central()
    await phone.connect(await phone.find(service="181A"))
    lab.check(True, "found by Environmental Sensing, 0x181A")
    # The first message may still be on its way.
    temperature = phone.characteristic(TEMPERATURE)
    heard = await phone.subscribe(temperature)
    expected = {
        TEMPERATURE: ((-321).to_bytes(2, "little", signed=True), "-3.21 °C"),
        HUMIDITY: ((4127).to_bytes(2, "little"), "41.27 %"),
        PRESSURE: ((1009400).to_bytes(4, "little"), "1009.4 hPa"),
        BATTERY: (b"\x61", "97 %"),
    }
    for uuid, (octets, meaning) in expected.items():
        value = await phone.read(phone.characteristic(uuid))
        lab.equal(value, octets, f"0x{uuid} is {octets.hex(' ')}: {meaning}")
    presentation = await phone.read_descriptor(temperature, 0x2904)
    lab.equal(presentation.hex(" "), "0e fe 2f 27 01 00 00", "0x2904: i16, 10^-2, degrees Celsius")

    await lab.publish(TOPIC, '{"temperature": 21.5}')
    await heard.until((2150).to_bytes(2, "little"), DEADLINE_S)
    lab.check(True, "a message with one key changes that one")
    value = await phone.read(phone.characteristic(HUMIDITY))
    lab.equal(value, expected[HUMIDITY][0], "and keeps the others")
    await lab.publish(TOPIC, '{"temperature": 999}')
    await lab.publish(TOPIC, '{"temperature": null}')
    await heard.until(b"\x00\x80", DEADLINE_S)
    lab.check(True, "999 is refused, and null is 0x8000: not known")
