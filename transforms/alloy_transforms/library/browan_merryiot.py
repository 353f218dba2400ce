"""Browan MerryIoT sensors: CD10 carbon dioxide and DW10 open/close. Source: Browan, MerryIoT CO2 and Open/Close sensor reference manuals, "Payload".

A LoRaWAN codec: port 127 carbon dioxide, 120 open/close. Newer firmware sends the temperature in tenths with two
bytes; the length tells which.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "battery": {"type": "u16", "exp10": -1, "unit": "V"},
    "temperature": {"type": "i32", "exp10": -1, "unit": "Cel", "range": (-20, 60), "quantity": "air_temperature"},
    "humidity": {"type": "u8", "unit": "%", "range": (0, 100), "quantity": "relative_humidity"},
    "button": {"type": "bool"},
    "triggered": {"type": "bool", "optional": True},
    "co2_over_threshold": {"type": "bool", "optional": True},
    "co2_calibration": {"type": "bool", "optional": True},
    "co2": {"type": "u16", "unit": "[ppm]", "range": (0, 40000), "optional": True},
    "open": {"type": "bool", "optional": True},
    "tamper": {"type": "bool", "optional": True},
    "tilt": {"type": "bool", "optional": True},
    "since_event": {"type": "u16", "unit": "min", "optional": True},
    "events": {"type": "u32", "unit": "{#}", "optional": True},
}
EXAMPLES = (
    {  # chirpstack-device-profiles (MIT), merryiot-cd10 and merryiot-dw10
        "in": {"payload": "000f19200c02", "port": 127},
        "out": (
            {
                "battery": 36,
                "temperature": 250,
                "humidity": 32,
                "button": False,
                "triggered": False,
                "co2_over_threshold": False,
                "co2_calibration": False,
                "co2": 524,
            },
        ),
    },
    {
        "in": {"payload": "000f151c0000d22500", "port": 120},
        "out": (
            {
                "battery": 36,
                "temperature": 210,
                "humidity": 28,
                "button": False,
                "open": False,
                "tamper": False,
                "tilt": False,
                "since_event": 0,
                "events": 9682,
            },
        ),
    },
)


def transform(payload: bytes, port: int) -> dict:
    size = len(payload)
    out = {}
    i = 3
    if (port == 127 and size == 7) or (port == 120 and size == 10):
        out["temperature"] = kit.i16le(payload, 2)
        i = 4
    elif (port == 127 and size == 6) or (port == 120 and size == 9):
        out["temperature"] = kit.i8(payload, 2) * 10
    else:
        raise ValueError("not a report of these devices")
    status = payload[0]
    out["battery"] = payload[1] + 21
    out["humidity"] = payload[i]
    out["button"] = status & 2 != 0
    if port == 127:
        out["triggered"] = status & 1 != 0
        out["co2_over_threshold"] = status & 16 != 0
        out["co2_calibration"] = status & 32 != 0
        out["co2"] = kit.u16le(payload, i + 1)
    else:
        out["open"] = status & 1 != 0
        out["tamper"] = status & 4 != 0
        out["tilt"] = status & 8 != 0
        out["since_event"] = kit.u16le(payload, i + 1)
        out["events"] = kit.u24le(payload, i + 3)
    return out
