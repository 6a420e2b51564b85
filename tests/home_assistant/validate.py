"""Holds discovery documents against Home Assistant's own rules.

Usage: validate.py FILE...

Each file is an object of documents by topic. A line for each document that is right; what is wrong goes to stderr, and
then the exit code is 1. The rules are those that Home Assistant applies to a message on a discovery topic, and besides,
no component may have a key that it does not know: Home Assistant drops those without a word.
"""

import asyncio
import importlib
import json
import sys

import voluptuous as vol

from homeassistant.components.mqtt import discovery, schemas
from homeassistant.components.mqtt.light import (
    DISCOVERY_SCHEMA as LIGHT_RULES,
)
from homeassistant.components.mqtt.light.schema_basic import PLATFORM_SCHEMA_MODERN_BASIC
from homeassistant.core import HomeAssistant
from homeassistant.helpers import frame, template


def rules(platform: str) -> tuple[vol.Schema, vol.Schema]:
    if platform == "light":
        return LIGHT_RULES, PLATFORM_SCHEMA_MODERN_BASIC
    module = importlib.import_module(f"homeassistant.components.mqtt.{platform}")
    return module.DISCOVERY_SCHEMA, module.PLATFORM_SCHEMA_MODERN


def check(topic: str, document: dict) -> list[str]:
    prefix, rest = topic.split("/", 1)
    match = discovery.TOPIC_MATCHER.fullmatch(rest)
    if not prefix or not match or match["component"] != "device":
        return ["this is no topic for a device"]
    discovery._replace_all_abbreviations(document)
    try:
        schemas.DEVICE_DISCOVERY_SCHEMA(document)
    except vol.Invalid as error:
        return [str(error)]
    wrong = []
    seen = {}
    for key, component in document["components"].items():
        platform = component.pop("platform")
        if not component:
            continue
        if (other := seen.setdefault((platform, component["unique_id"]), key)) != key:
            wrong.append(f"{key}: has the unique id of {other}")
        component["device"] = document["device"]
        component["origin"] = document["origin"]
        discovery._merge_common_device_options(component, document)
        for rule in rules(platform):
            try:
                rule(dict(component))
            except vol.Invalid as error:
                wrong.append(f"{key} ({platform}): {error}")
    return wrong


async def main() -> int:
    hass = HomeAssistant("/nonexistent")
    frame.async_setup(hass)
    template.async_setup(hass)
    status = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            documents = json.load(file)
        for topic, document in documents.items():
            wrong = check(topic, document)
            for line in wrong:
                print(f"{path}: {topic}: {line}", file=sys.stderr)
            if wrong:
                status = 1
            else:
                print(f"{path}: {topic}")
    await hass.async_stop(force=True)
    return status


sys.exit(asyncio.run(main()))
