"""Home Assistant itself, with nothing but its MQTT integration, for a test to look at.

Usage: assistant.py DIRECTORY HOST PORT

It writes a line of JSON for each change of a state ({"entity_id": …, "state": …, "attributes": …}; a state
of null: the entity is gone), and {"log": …} for what it logs as a warning or worse. It reads lines of JSON: {"call":
[domain, service, {…}]} calls a service and is answered with {"called": …}, {"entities": true} with {"entities": …}, and
the end of the input ends it.
"""

import asyncio
import json
import logging
import sys
import threading
import traceback
from pathlib import Path
from types import MappingProxyType

from homeassistant import config_entries, loader
from homeassistant.core import EVENT_STATE_CHANGED, HomeAssistant, callback
from homeassistant.helpers import (
    area_registry,
    category_registry,
    device_registry,
    entity,
    entity_registry,
    floor_registry,
    frame,
    issue_registry,
    label_registry,
    restore_state,
    template,
    translation,
)
from homeassistant.setup import async_setup_component


writing = threading.Lock()


def say(line: dict) -> None:
    with writing:
        print(json.dumps(line, default=str), flush=True)


class Saying(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        text = f"{record.levelname} {record.name}: {record.getMessage()}"
        if record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info))
        say({"log": text})


async def begin(directory: str, host: str, port: int) -> HomeAssistant:
    """What `bootstrap` does, less everything that is not needed here."""
    (Path(directory) / "configuration.yaml").touch()
    hass = HomeAssistant(directory)
    hass.config.skip_pip = True
    hass.config.components.add("homeassistant")
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    loader.async_setup(hass)
    entity.async_setup(hass)
    frame.async_setup(hass)
    template.async_setup(hass)
    translation.async_setup(hass)
    await asyncio.gather(
        area_registry.async_load(hass),
        category_registry.async_load(hass),
        device_registry.async_load(hass),
        entity_registry.async_load(hass),
        floor_registry.async_load(hass),
        issue_registry.async_load(hass, read_only=True),
        label_registry.async_load(hass),
        restore_state.async_load(hass),
        hass.config_entries.async_initialize(),
    )
    hass.bus.async_listen(EVENT_STATE_CHANGED, changed)
    # What is for its own pages is not part of this.
    hass.config.components.update({"http", "file_upload"})
    entry = config_entries.ConfigEntry(
        data={"broker": host, "port": port, "protocol": "3.1.1"},
        discovery_keys=MappingProxyType({}),
        domain="mqtt",
        entry_id="mqtt",
        minor_version=1,
        options={
            "discovery": True,
            "discovery_prefix": "homeassistant",
            "birth_message": {
                "topic": "homeassistant/status",
                "payload": "online",
                "qos": 0,
                "retain": False,
            },
        },
        source=config_entries.SOURCE_USER,
        subentries_data=None,
        title="MQTT",
        unique_id=None,
        version=1,
    )
    await hass.config_entries.async_add(entry)
    await async_setup_component(hass, "mqtt", {})
    await hass.async_start()
    return hass


@callback
def changed(event) -> None:
    state = event.data["new_state"]
    say(
        {
            "entity_id": event.data["entity_id"],
            "state": state and state.state,
            "attributes": dict(state.attributes) if state else None,
        }
    )


def entities(hass: HomeAssistant) -> list[dict]:
    devices = device_registry.async_get(hass).devices
    found = []
    for known in entity_registry.async_get(hass).entities.values():
        device = devices.get(known.device_id)
        found.append(
            {
                "entity_id": known.entity_id,
                "unique_id": known.unique_id,
                "device": device and device.name,
                "category": known.entity_category,
            }
        )
    return sorted(found, key=lambda it: it["entity_id"])


async def main() -> None:
    directory, host, port = sys.argv[1:]
    logging.basicConfig(level=logging.WARNING, handlers=[Saying()])
    hass = await begin(directory, host, int(port))
    say({"ready": True})
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    while line := await reader.readline():
        asked = json.loads(line)
        if "call" in asked:
            domain, service, data = asked["call"]
            try:
                await hass.services.async_call(domain, service, data, blocking=True)
                say({"called": True})
            except Exception as error:  # noqa: BLE001
                say({"called": f"{type(error).__name__}: {error}"})
        if "entities" in asked:
            say({"entities": entities(hass)})
    await hass.async_stop(force=True)


asyncio.run(main())
