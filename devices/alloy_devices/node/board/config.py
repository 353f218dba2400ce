"""The settings of a node, `node.json`: checked as a whole, every fault named."""

import json

MAX_BYTES = 4096
SETTINGS = {  # section -> key -> (type, default); without a default the key must be there
    "node": {"name": (str, ""), "topic": (str, "alloy-node/1")},
    "wifi": {"ssid": (str,), "key": (str, "")},
    "mqtt": {
        "host": (str,),
        "port": (int, 1883),
        "user": (str, ""),
        "password": (str, ""),
        "version": (int, 4),
    },
    "uart": {"id": (int, 1), "tx": (int, -1), "rx": (int, -1)},
}


def read(path: str) -> dict:
    """The settings by section; raises ValueError, which names every fault."""
    with open(path) as file:
        text = file.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError(f"{path}: more than {MAX_BYTES} characters")
    try:
        given = json.loads(text)
    except ValueError:
        raise ValueError(path + ": not JSON")
    faults = []
    settings = check(given, faults)
    if faults:
        raise ValueError(path + ": " + "; ".join(faults))
    return settings


def check(given, faults: list) -> dict:
    """Every section with its defaults; adds to `faults`."""
    if not isinstance(given, dict):
        faults.append("the file holds an object")
        return {}
    settings = {}
    for section in given:
        if section not in SETTINGS:
            faults.append(f"unknown section `{section}`")
    for section, keys in SETTINGS.items():
        values = given.get(section, {})
        if not isinstance(values, dict):
            faults.append(f"`{section}` is an object")
            continue
        for key in values:
            if key not in keys:
                faults.append(f"unknown key `{section}.{key}`")
        settings[section] = {}
        for key, spec in keys.items():
            value = values.get(key, spec[-1])
            if key not in values and len(spec) == 1:
                faults.append(f"`{section}.{key}` is missing")
            elif type(value) is not spec[0]:
                faults.append(f"`{section}.{key}` has the wrong type")
            settings[section][key] = value
    if not faults:
        check_values(settings, faults)
    return settings


def check_values(settings: dict, faults: list) -> None:
    """What the types cannot say."""
    if not 0 < settings["mqtt"]["port"] < 65536:
        faults.append("`mqtt.port` is 1 to 65535")
    if settings["mqtt"]["version"] not in (4, 5):
        faults.append("`mqtt.version` is 4 (MQTT 3.1.1) or 5")
    for key in ("name", "topic"):
        text = settings["node"][key]
        if len(text) > 64 or any(mark in text for mark in ("+", "#", "\0")):
            faults.append(f"`node.{key}` is at most 64 characters without + and #")
