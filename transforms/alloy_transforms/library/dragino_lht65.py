"""Dragino LHT65 and LHT65N: built-in climate and the external sensor. Source: Dragino, "LHT65N LoRaWAN Temperature & Humidity Sensor Manual", section 2.4.

A LoRaWAN codec: port 2, 11 bytes (7 without an external sensor). Readings of 7fff are absent: nothing is connected.
The external kinds with a layout of their own are the temperature probe (1), its logged form with a time (9),
illumination (5), voltage (6) and counting (7, 8); of any other the four bytes are given.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "battery_status": {"type": "enum", "names": ("ultra_low", "low", "ok", "good")},
    "battery": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "temperature": {"type": "i16", "exp10": -2, "unit": "Cel", "range": (-40, 125), "optional": True, "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -1, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "external_kind": {"type": "u8"},
    "external_fault": {"type": "bool"},
    "external_temperature": {"type": "i16", "exp10": -2, "unit": "Cel", "range": (-55, 125), "optional": True},
    "illumination": {"type": "u16", "unit": "lx", "optional": True},
    "external_voltage": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "pulses": {"type": "u32", "unit": "{#}", "optional": True},
    "time": {"type": "time_ns", "optional": True},
    "external": {"type": "bytes", "max": 4, "optional": True},
}
EXAMPLES = (
    {  # the manual's examples, section 2.4: 2.98 V, 27.47 Cel, 88.6 %, probe at 27.81 and at -27.37 Cel
        "in": {"payload": "cba40abb0376010add7fff", "port": 2},
        "out": ({"battery_status": 3, "battery": 2980, "temperature": 2747, "humidity": 886, "external_kind": 1, "external_fault": False, "external_temperature": 2781},),
    },
    {
        "in": {"payload": "cba40abb037601f54f7fff", "port": 2},
        "out": ({"battery_status": 3, "battery": 2980, "temperature": 2747, "humidity": 886, "external_kind": 1, "external_fault": False, "external_temperature": -2737},),
    },
    {  # chirpstack-device-profiles (MIT), lht65n: no probe connected
        "in": {"payload": "cbc6008200f2017fff7fff", "port": 2},
        "out": ({"battery_status": 3, "battery": 3014, "temperature": 130, "humidity": 242, "external_kind": 1, "external_fault": False},),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if port != 2:
        raise ValueError("not a port with readings")
    kind = kit.u8(payload, 6) & 127
    out = {}
    out["external_kind"] = kind
    out["external_fault"] = payload[6] > 127
    if kind == 9:
        out["battery_status"] = payload[4] >> 6
        external = kit.i16be(payload, 0)
        if external != 0x7FFF:
            out["external_temperature"] = external
        out["time"] = kit.u32be(payload, 7) * 1000000000
    else:
        out["battery_status"] = payload[0] >> 6
        out["battery"] = kit.u16be(payload, 0) & 0x3FFF
    inside = kit.i16be(payload, 2)
    if inside != 0x7FFF:
        out["temperature"] = inside
        out["humidity"] = kit.u16be(payload, 4) & 0x0FFF
    if kind == 1:
        external = kit.i16be(payload, 7)
        if external != 0x7FFF:
            out["external_temperature"] = external
    elif kind == 5:
        out["illumination"] = kit.u16be(payload, 7)
    elif kind == 6:
        out["external_voltage"] = kit.u16be(payload, 7)
    elif kind == 7:
        out["pulses"] = kit.u16be(payload, 7)
    elif kind == 8:
        out["pulses"] = kit.u32be(payload, 7)
    elif kind != 0 and kind != 9:
        size = kit.span(payload, 7, 11)
        out["external"] = payload[7 : 7 + size]
    return out
