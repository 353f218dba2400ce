"""BTHome version 2 advertisements: any sensor of the open format. Source: BTHome, "BTHome V2 format" (bthome.io/format).

Measurements come as rows: the first holds the first reading of every kind (`instance` 0), a second reading of the same
kind stands in a row with `instance` 1, and so on, at most 8. Each binary sensor (door, motion, battery low ...) is a
row of its own with `sensor` and `state`, because a device may have any of 28. Object IDs have two or three resolutions
of one quantity (temperature: 02, 45, 57, 58): they share a field, the last of an instance stands. Reading ends at an
unknown object ID, as the format asks. Encrypted advertisements end with an error; other devices give no row.
"""
import kit

MAX_ROWS = 64
NEEDS = ("rows:64",)
INPUT = {"payload": "bytes"}
OUTPUT = {
    "instance": {"type": "u8"},
    "address": {"type": "i64", "optional": True},  # 48-bit hardware address, as a number
    "rssi": {"type": "i8", "unit": "dB{mW}", "optional": True},
    "trigger_based": {"type": "bool"},
    "packet_id": {"type": "u8", "optional": True},
    "time": {"type": "time_ns", "optional": True},
    "sensor": {
        "type": "enum",
        "names": (
            "generic", "power", "opening", "battery_low", "battery_charging", "carbon_monoxide", "cold", "connectivity",
            "door", "garage_door", "gas", "heat", "light", "lock", "moisture", "motion", "moving", "occupancy", "plug",
            "presence", "problem", "running", "safety", "smoke", "sound", "tamper", "vibration", "window",
        ),
        "optional": True,
    },
    "state": {"type": "bool", "optional": True},
    "battery": {"type": "u8", "unit": "%", "range": (0, 100), "optional": True},
    "temperature": {"type": "i32", "exp10": -2, "unit": "Cel", "optional": True},
    "humidity": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "optional": True},
    "pressure": {"type": "u32", "exp10": -2, "unit": "hPa", "optional": True},
    "illuminance": {"type": "u32", "exp10": -2, "unit": "lx", "optional": True, "quantity": "illuminance"},
    "mass": {"type": "i64", "exp10": -10, "unit": "kg", "optional": True, "quantity": "mass"},  # pounds come out exact
    "dewpoint": {"type": "i16", "exp10": -2, "unit": "Cel", "optional": True, "quantity": "dew_point_temperature"},
    "count": {"type": "i64", "unit": "{#}", "optional": True},
    "energy": {"type": "i64", "exp10": -3, "unit": "kW.h", "optional": True},
    "power": {"type": "i64", "exp10": -2, "unit": "W", "optional": True},
    "voltage": {"type": "i32", "exp10": -3, "unit": "V", "optional": True},
    "current": {"type": "i32", "exp10": -3, "unit": "A", "optional": True},
    "pm2_5": {"type": "u16", "unit": "ug/m3", "optional": True},
    "pm10": {"type": "u16", "unit": "ug/m3", "optional": True},
    "co2": {"type": "u16", "unit": "[ppm]", "optional": True},
    "tvoc": {"type": "u16", "unit": "ug/m3", "optional": True},
    "moisture": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "optional": True},
    "button": {
        "type": "enum",
        "names": ("none", "press", "double_press", "triple_press", "long_press", "long_double_press", "long_triple_press", "hold_press"),
        "optional": True,
    },
    "dimmer": {"type": "enum", "names": ("none", "rotate_left", "rotate_right"), "optional": True},
    "steps": {"type": "u8", "unit": "{#}", "optional": True},
    "rotation": {"type": "i32", "exp10": -1, "unit": "deg", "optional": True},
    "distance": {"type": "i32", "unit": "mm", "optional": True},
    "duration": {"type": "u32", "exp10": -3, "unit": "s", "optional": True},
    "speed": {"type": "i64", "exp10": -6, "unit": "m/s", "optional": True},
    "uv_index": {"type": "u8", "exp10": -1, "unit": "1", "optional": True},
    "volume": {"type": "i64", "exp10": -3, "unit": "L", "optional": True},
    "volume_storage": {"type": "i64", "exp10": -3, "unit": "L", "optional": True},
    "volume_flow_rate": {"type": "u16", "exp10": -3, "unit": "m3/h", "optional": True},
    "gas_volume": {"type": "i64", "exp10": -3, "unit": "m3", "optional": True},
    "water_volume": {"type": "i64", "exp10": -3, "unit": "L", "optional": True},
    "acceleration": {"type": "i64", "exp10": -6, "unit": "m/s2", "optional": True},
    "gyroscope": {"type": "u16", "exp10": -3, "unit": "deg/s", "optional": True},
    "conductivity": {"type": "u16", "unit": "uS/cm", "optional": True},
    "direction": {"type": "u16", "exp10": -2, "unit": "deg", "optional": True},
    "precipitation": {"type": "u16", "exp10": -1, "unit": "mm", "optional": True},
    "rotational_speed": {"type": "u16", "unit": "/min", "optional": True},
    "channel": {"type": "u8", "optional": True},
    "text": {"type": "bytes", "max": 255, "optional": True},  # UTF-8
    "raw": {"type": "bytes", "max": 255, "optional": True},
    "device_type": {"type": "u16", "optional": True},
    "firmware": {"type": "u32", "optional": True},  # one byte a part, the major number highest
}
EXAMPLES = (
    {  # the format's own example: service data d2fc 40 02 c409 03 bf13
        "in": {"payload": "0a16d2fc4002c40903bf13"},
        "out": ({"instance": 0, "trigger_based": False, "temperature": 2500, "humidity": 5055},),
    },
    {  # ble_monitor's unit tests (MIT): an HCI event with a count, one with a window sensor, one with two temperatures
        "in": {"payload": "043e1902010000a5808fe648540d0201060916d2fc403e33ae3221cc"},
        "out": ({"instance": 0, "address": 0x5448E68F80A5, "rssi": -52, "trigger_based": False, "count": 556969523},),
    },
    {
        "in": {"payload": "043e1602010000a5808fe648540a0201060616d2fc402d01cc"},
        "out": ({"instance": 0, "address": 0x5448E68F80A5, "rssi": -52, "trigger_based": False, "sensor": 27, "state": True},),
    },
    {
        "in": {"payload": "043e1a02010000a5808fe648540e0201060a16d2fc40450101450301cc"},
        "out": (
            {"instance": 0, "address": 0x5448E68F80A5, "rssi": -52, "trigger_based": False, "temperature": 2570},
            {"instance": 1, "address": 0x5448E68F80A5, "rssi": -52, "trigger_based": False, "temperature": 2590},
        ),
    },
)

# Bytes behind each object ID 0x00 to 0x63; 0: not assigned.
SIZES = (
    1, 1, 2, 2, 3, 3, 2, 2, 2, 1, 3, 3, 2, 2, 2, 1,
    1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 4, 2,
    2, 2, 3, 2, 2, 2, 1, 2, 2, 2, 2, 3, 4, 4, 4, 4,
    4, 2, 2, 0, 0, 4, 2, 1, 1, 1, 2, 4, 4, 2, 2, 2,
    1, 2, 4, 4,
)
INSTANCES = 8


def whole_size(b: bytes, i: int, end: int) -> int:
    """Bytes of the object at i with its ID; 0 where the ID is not known. Raises where it does not fit."""
    kind = b[i]
    size = 0
    if kind == 0x53 or kind == 0x54:
        size = 2 + kit.u8(b, i + 1)
    elif kind < 100:
        if SIZES[kind] > 0:
            size = 1 + SIZES[kind]
    elif kind == 0xF0:
        size = 3
    elif kind == 0xF1:
        size = 5
    elif kind == 0xF2:
        size = 4
    if i + size > end:
        raise ValueError("input too short")
    return size


def is_binary(kind: int) -> bool:
    """Whether an object ID is a binary sensor."""
    return kind == 0x0F or kind == 0x10 or kind == 0x11 or (kind >= 0x15 and kind <= 0x2D)


def rank(b: bytes, start: int, i: int) -> int:
    """How many objects before i have the same ID as the one there."""
    n = 0
    k = start
    while k < i:
        if b[k] == b[i]:
            n = n + 1
        k = k + whole_size(b, k, i)
    if n >= INSTANCES:
        raise ValueError("too many readings of a kind")
    return n


def transform(payload: bytes) -> dict:
    at = kit.adv_find(payload, 0x16, 0xFCD2)
    if at >= 0 and kit.adv_size(payload, at) > 0:
        info = payload[at]
        if info >> 5 != 2:
            raise ValueError("not version 2 of the format")
        if info & 1 == 1:
            raise ValueError("encrypted advertisement")
        trigger = info & 4 == 4
        start = at + 1
        end = at + kit.adv_size(payload, at)
        address = kit.adv_address(payload)
        rssi = kit.adv_rssi(payload)
        packet = -1
        rows = 0
        for instance in range(INSTANCES):
            out = {}
            found = False
            i = start
            while i < end:
                kind = payload[i]
                size = whole_size(payload, i, end)
                if size == 0:
                    break
                v = i + 1
                i = i + size
                if not is_binary(kind) and rank(payload, start, v - 1) == instance:
                    if kind == 0x00:
                        packet = payload[v]
                    else:
                        found = True
                    if kind == 0x01:
                        out["battery"] = payload[v]
                    elif kind == 0x02:
                        out["temperature"] = kit.i16le(payload, v)
                    elif kind == 0x03:
                        out["humidity"] = kit.u16le(payload, v)
                    elif kind == 0x04:
                        out["pressure"] = kit.u24le(payload, v)
                    elif kind == 0x05:
                        out["illuminance"] = kit.u24le(payload, v)
                    elif kind == 0x06:
                        out["mass"] = kit.u16le(payload, v) * 100000000
                    elif kind == 0x07:
                        out["mass"] = kit.u16le(payload, v) * 45359237  # 0.01 lb
                    elif kind == 0x08:
                        out["dewpoint"] = kit.i16le(payload, v)
                    elif kind == 0x09:
                        out["count"] = payload[v]
                    elif kind == 0x0A:
                        out["energy"] = kit.u24le(payload, v)
                    elif kind == 0x0B:
                        out["power"] = kit.u24le(payload, v)
                    elif kind == 0x0C:
                        out["voltage"] = kit.u16le(payload, v)
                    elif kind == 0x0D:
                        out["pm2_5"] = kit.u16le(payload, v)
                    elif kind == 0x0E:
                        out["pm10"] = kit.u16le(payload, v)
                    elif kind == 0x12:
                        out["co2"] = kit.u16le(payload, v)
                    elif kind == 0x13:
                        out["tvoc"] = kit.u16le(payload, v)
                    elif kind == 0x14:
                        out["moisture"] = kit.u16le(payload, v)
                    elif kind == 0x2E:
                        out["humidity"] = payload[v] * 100
                    elif kind == 0x2F:
                        out["moisture"] = payload[v] * 100
                    elif kind == 0x3A:
                        if payload[v] == 0x80:
                            out["button"] = 7
                        elif payload[v] <= 6:
                            out["button"] = payload[v]
                        else:
                            raise ValueError("unknown event of a button")
                    elif kind == 0x3C:
                        if payload[v] > 2:
                            raise ValueError("unknown event of a dimmer")
                        out["dimmer"] = payload[v]
                        out["steps"] = payload[v + 1]
                    elif kind == 0x3D:
                        out["count"] = kit.u16le(payload, v)
                    elif kind == 0x3E:
                        out["count"] = kit.u32le(payload, v)
                    elif kind == 0x3F:
                        out["rotation"] = kit.i16le(payload, v)
                    elif kind == 0x40:
                        out["distance"] = kit.u16le(payload, v)
                    elif kind == 0x41:
                        out["distance"] = kit.u16le(payload, v) * 100
                    elif kind == 0x42:
                        out["duration"] = kit.u24le(payload, v)
                    elif kind == 0x43:
                        out["current"] = kit.u16le(payload, v)
                    elif kind == 0x44:
                        out["speed"] = kit.u16le(payload, v) * 10000
                    elif kind == 0x45:
                        out["temperature"] = kit.i16le(payload, v) * 10
                    elif kind == 0x46:
                        out["uv_index"] = payload[v]
                    elif kind == 0x47:
                        out["volume"] = kit.u16le(payload, v) * 100
                    elif kind == 0x48:
                        out["volume"] = kit.u16le(payload, v)
                    elif kind == 0x49:
                        out["volume_flow_rate"] = kit.u16le(payload, v)
                    elif kind == 0x4A:
                        out["voltage"] = kit.u16le(payload, v) * 100
                    elif kind == 0x4B:
                        out["gas_volume"] = kit.u24le(payload, v)
                    elif kind == 0x4C:
                        out["gas_volume"] = kit.u32le(payload, v)
                    elif kind == 0x4D:
                        out["energy"] = kit.u32le(payload, v)
                    elif kind == 0x4E:
                        out["volume"] = kit.u32le(payload, v)
                    elif kind == 0x4F:
                        out["water_volume"] = kit.u32le(payload, v)
                    elif kind == 0x50:
                        out["time"] = kit.u32le(payload, v) * 1000000000
                    elif kind == 0x51:
                        out["acceleration"] = kit.u16le(payload, v) * 1000
                    elif kind == 0x52:
                        out["gyroscope"] = kit.u16le(payload, v)
                    elif kind == 0x53:
                        out["text"] = payload[v + 1 : i]
                    elif kind == 0x54:
                        out["raw"] = payload[v + 1 : i]
                    elif kind == 0x55:
                        out["volume_storage"] = kit.u32le(payload, v)
                    elif kind == 0x56:
                        out["conductivity"] = kit.u16le(payload, v)
                    elif kind == 0x57:
                        out["temperature"] = kit.i8(payload, v) * 100
                    elif kind == 0x58:
                        out["temperature"] = kit.i8(payload, v) * 35
                    elif kind == 0x59:
                        out["count"] = kit.i8(payload, v)
                    elif kind == 0x5A:
                        out["count"] = kit.i16le(payload, v)
                    elif kind == 0x5B:
                        out["count"] = kit.i32le(payload, v)
                    elif kind == 0x5C:
                        out["power"] = kit.i32le(payload, v)
                    elif kind == 0x5D:
                        out["current"] = kit.i16le(payload, v)
                    elif kind == 0x5E:
                        out["direction"] = kit.u16le(payload, v)
                    elif kind == 0x5F:
                        out["precipitation"] = kit.u16le(payload, v)
                    elif kind == 0x60:
                        out["channel"] = payload[v]
                    elif kind == 0x61:
                        out["rotational_speed"] = kit.u16le(payload, v)
                    elif kind == 0x62:
                        out["speed"] = kit.i32le(payload, v)
                    elif kind == 0x63:
                        out["acceleration"] = kit.i32le(payload, v)
                    elif kind == 0xF0:
                        out["device_type"] = kit.u16le(payload, v)
                    elif kind == 0xF1:
                        out["firmware"] = kit.u32le(payload, v)
                    elif kind == 0xF2:
                        out["firmware"] = kit.u24le(payload, v)
            if found:
                out["instance"] = instance
                out["trigger_based"] = trigger
                if address >= 0:
                    out["address"] = address
                if rssi != 127:
                    out["rssi"] = rssi
                if packet >= 0:
                    out["packet_id"] = packet
                rows = rows + 1
                yield out
        i = start
        while i < end:
            kind = payload[i]
            size = whole_size(payload, i, end)
            if size == 0:
                break
            if is_binary(kind):
                rows = rows + 1
                if rows > 64:
                    raise ValueError("too many readings")
                event = {}
                event["instance"] = rank(payload, start, i)
                event["trigger_based"] = trigger
                if address >= 0:
                    event["address"] = address
                if rssi != 127:
                    event["rssi"] = rssi
                if packet >= 0:
                    event["packet_id"] = packet
                if kind <= 0x11:
                    event["sensor"] = kind - 0x0F
                else:
                    event["sensor"] = kind - 0x15 + 3
                event["state"] = payload[i + 1] != 0
                yield event
            i = i + size
