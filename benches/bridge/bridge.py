"""The tutorial's idea in Python: an object holds the number, a BLE write publishes it, and a message notifies.

`bridge.py PORT`: the broker's port on the loopback.
"""

import asyncio
import json
import socket
import sys

import paho.mqtt.client as mqtt
from bluez_peripheral.advert import Advertisement
from bluez_peripheral.gatt.characteristic import CharacteristicFlags as Flags
from bluez_peripheral.gatt.characteristic import characteristic
from bluez_peripheral.gatt.service import Service
from bluez_peripheral.util import Adapter, get_message_bus

SERVICE = "7a4bbfe6-999f-4717-b63a-066e06971f59"
NUMBER = "7a4b0001-999f-4717-b63a-066e06971f59"


class NumberService(Service):
    def __init__(self, client):
        self.client = client
        self.number = 0
        super().__init__(SERVICE, True)

    @characteristic(NUMBER, Flags.READ | Flags.WRITE | Flags.NOTIFY)
    def some_number(self, options):
        return bytes([self.number])

    @some_number.setter
    def some_number(self, value, options):
        self.set(value[0])

    def set(self, number):
        self.number = number
        self.some_number.changed(bytes([number]))
        self.client.publish("number/changed", json.dumps({"number": number}), qos=1, retain=True)


async def main():
    loop = asyncio.get_running_loop()
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="bridge")
    service = NumberService(client)

    def on_message(client, userdata, message):
        # paho calls from a thread of its own.
        loop.call_soon_threadsafe(service.set, json.loads(message.payload)["number"])

    def on_socket_open(client, userdata, opened):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    client.on_message = on_message
    client.on_socket_open = on_socket_open
    client.on_connect = lambda client, *_: client.subscribe("number/set", qos=1)
    client.connect("127.0.0.1", int(sys.argv[1]))
    client.loop_start()

    bus = await get_message_bus()
    adapter = await Adapter.get_first(bus)
    await adapter.set_powered(True)
    await service.register(bus, adapter=adapter)
    await Advertisement("Lampi-Test", [SERVICE], 0, 0).register(bus, adapter)
    await bus.wait_for_disconnect()


asyncio.run(main())
