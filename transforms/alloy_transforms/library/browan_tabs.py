"""Browan Tabs sensors: TBHH100 climate and TBMS100 motion. Source: Browan, TBHH100 and TBMS100 reference manuals, "Payload".

A LoRaWAN codec: port 103 climate, 102 motion. Both start with status, battery and temperature. `motions` is the
counter's lower half, as the maker's decoder shows it; `motions_total` has all 24 bits.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "status": {"type": "u8"},
    "battery": {"type": "u8", "exp10": -1, "unit": "V"},
    "temperature": {"type": "i8", "unit": "Cel", "range": (-32, 95), "quantity": "air_temperature"},
    "humidity": {"type": "u8", "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "triggered": {"type": "bool", "optional": True},
    "occupied": {"type": "bool", "optional": True},
    "since_motion": {"type": "u16", "unit": "min", "optional": True},
    "motions": {"type": "u16", "unit": "{#}", "optional": True},
    "motions_total": {"type": "u32", "unit": "{#}", "optional": True},
}
EXAMPLES = (
    {  # chirpstack-device-profiles (MIT), tabs-tbhh100 and tabs-tbms100
        "in": {"payload": "080a0d3affffffff", "port": 103},
        "out": ({"status": 8, "battery": 35, "temperature": -19, "humidity": 58, "triggered": False},),
    },
    {
        "in": {"payload": "080b232fffffffff", "port": 102},
        "out": ({"status": 8, "battery": 36, "temperature": 3, "occupied": False, "since_motion": 65327, "motions": 65535, "motions_total": 16777215},),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if len(payload) != 8:
        raise ValueError("a report has 8 bytes")
    out = {}
    out["status"] = payload[0]
    out["battery"] = (payload[1] & 15) + 25
    out["temperature"] = (payload[2] & 127) - 32
    if port == 103:
        out["humidity"] = payload[3] & 127
        out["triggered"] = payload[0] & 16 != 0
    elif port == 102:
        out["occupied"] = payload[0] & 1 != 0
        out["since_motion"] = kit.u16le(payload, 3)
        out["motions"] = kit.u16le(payload, 5)
        out["motions_total"] = kit.u24le(payload, 5)
    else:
        raise ValueError("not a port of these devices")
    return out
