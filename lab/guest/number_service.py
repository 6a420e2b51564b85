"""The tutorial's number service, by other means: it shares no code with bemo-sync, only the wire contract.

Usage: number_service.py FIRST_NUMBER
"""

import json
import sys
import threading

import paho.mqtt.client as mqtt

number = int(sys.argv[1])
lock = threading.Lock()


def publish():
    client.publish("number/changed", json.dumps({"number": number}), qos=1)


def on_connect(_client, _userdata, _flags, _reason, _properties):
    client.subscribe("number/set", qos=1)


def on_message(_client, _userdata, message):
    global number
    with lock:
        number = json.loads(message.payload)["number"]
        publish()


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="demo_bt")
client.on_connect = on_connect
client.on_message = on_message
client.connect("localhost")
client.loop_start()
while not threading.Event().wait(1.0):
    with lock:
        number = (number + 1) % 256
        publish()
