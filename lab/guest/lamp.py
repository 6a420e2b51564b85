"""The lamp's service, by other means: it shares no code with bemo-sync, only the wire contract.

It takes `lamp/set_config` (`client` is required, everything else may be missing, numbers from 0 to 1) and says on
`lamp/changed`, retained, what the lamp is and who asked for it.
"""
import json
import threading

import paho.mqtt.client as mqtt

lamp = {"color": {"h": 0.3, "s": 0.5}, "brightness": 0.5, "on": True, "client": "lamp_ui"}


def publish():
    client.publish("lamp/changed", json.dumps(lamp), qos=1, retain=True)


def on_connect(_client, _userdata, _flags, _reason, _properties):
    client.subscribe("lamp/set_config", qos=1)
    publish()


def on_message(_client, _userdata, message):
    wanted = json.loads(message.payload)
    if "client" not in wanted:
        return
    if "color" in wanted:
        lamp["color"] = {key: round(wanted["color"][key], 2) for key in ("h", "s")}
    if "brightness" in wanted:
        # It never gets so dark that nobody sees that it is on.
        lamp["brightness"] = max(0.1, round(wanted["brightness"], 2))
    if "on" in wanted:
        lamp["on"] = bool(wanted["on"])
    lamp["client"] = wanted["client"]
    publish()


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="lamp_service")
client.on_connect = on_connect
client.on_message = on_message
client.connect("localhost")
client.loop_start()
threading.Event().wait()
