"""Tektelic Comfort, Vivid, Aura and Flux sensors: climate, motion, magnet and energy readings. Source: Tektelic, "Smart Room Sensor" and "Flux/Aura" technical reference manuals, port 10.

A LoRaWAN codec: pairs of channel and type, each with its data. Other ports (settings) and unknown pairs end with an
error. `consumed` is the meter's own count since the period began, `elapsed` long.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "battery": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "magnet": {"type": "enum", "names": ("present", "absent"), "optional": True},
    "magnet_events": {"type": "u16", "unit": "{#}", "optional": True},
    "impact_alarm": {"type": "bool", "optional": True},
    "impact": {"type": "u16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_x": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_y": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_z": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "external_open": {"type": "bool", "optional": True},
    "external_events": {"type": "u16", "unit": "{#}", "optional": True},
    "external_total": {"type": "u32", "unit": "{#}", "optional": True},
    "external_voltage": {"type": "i16", "exp10": -3, "unit": "V", "optional": True},
    "mcu_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -1, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "bright": {"type": "bool", "optional": True},
    "light": {"type": "u8", "optional": True},  # 0 to 64, no unit in the manual
    "motion": {"type": "bool", "optional": True},
    "motion_events": {"type": "u16", "unit": "{#}", "optional": True},
    "elapsed": {"type": "u32", "unit": "s", "optional": True},
    "consumed": {"type": "u32", "optional": True},
    "meter_status": {"type": "bool", "optional": True},
    "relay": {"type": "bool", "optional": True},
}
EXAMPLES = (
    {  # thingsboard/data-converters (Apache-2.0), Comfort and Aura
        "in": {"payload": "036700e104684d00ba0b9e", "port": 10},
        "out": ({"temperature": 225, "humidity": 385, "battery": 2974},),
    },
    {
        "in": {"payload": "00fe0001518000006a50000000", "port": 10},
        "out": ({"elapsed": 86400, "consumed": 27216, "meter_status": False},),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if port != 10:
        raise ValueError("not a port with readings")
    out = {}
    i = 0
    while i < len(payload):
        pair = kit.u16be(payload, i)
        i = i + 2
        if pair == 0x00BA:
            out["battery"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0100:
            out["magnet"] = min(kit.u8(payload, i), 1)
            i = i + 1
        elif pair == 0x0804:
            out["magnet_events"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0C00:
            out["impact_alarm"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x0502:
            out["impact"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0771:
            out["acceleration_z"] = kit.i16be(payload, i)
            out["acceleration_y"] = kit.i16be(payload, i + 2)
            out["acceleration_x"] = kit.i16be(payload, i + 4)
            i = i + 6
        elif pair == 0x0E00:
            out["external_open"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x0F04:
            out["external_events"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x1204:
            out["external_total"] = kit.u32be(payload, i)
            i = i + 4
        elif pair == 0x1102:
            out["external_voltage"] = kit.i16be(payload, i)
            i = i + 2
        elif pair == 0x0B67:
            out["mcu_temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif pair == 0x0367:
            out["temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif pair == 0x0468:
            out["humidity"] = kit.u8(payload, i) * 5
            i = i + 1
        elif pair == 0x0200:
            out["bright"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x1002:
            out["light"] = kit.u8(payload, i)
            i = i + 1
        elif pair == 0x0A00:
            out["motion"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x0D04:
            out["motion_events"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x00FE:
            out["elapsed"] = kit.u32be(payload, i)
            out["consumed"] = kit.u32be(payload, i + 4)
            i = i + 8
        elif pair == 0x0000:
            out["meter_status"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x0001:
            out["relay"] = kit.u8(payload, i) != 0
            i = i + 1
        else:
            raise ValueError("unknown reading")
    return out
