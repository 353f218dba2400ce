"""Digital Matter Oyster3 and Yabby3 trackers: positions, statistics and answers. Source: Digital Matter, "Oyster3 LoRaWAN Integration".

A LoRaWAN codec: port 1 full position, 2 answer to a downlink, 3 statistics, 4 short position. `battery` is rounded to
0.01 V as the maker's document shows it; the device counts in steps of 0.025 V, so nothing is lost.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "report": {"type": "enum", "names": ("position", "downlink_ack", "stats")},
    "battery": {"type": "u16", "exp10": -2, "unit": "V", "optional": True},
    "in_trip": {"type": "bool", "optional": True},
    "fix_failed": {"type": "bool", "optional": True},
    "man_down": {"type": "bool", "optional": True},
    "latitude": {"type": "i32", "exp10": -7, "unit": "deg", "range": (-90, 90), "optional": True, "quantity": "latitude"},
    "longitude": {"type": "i32", "exp10": -7, "unit": "deg", "range": (-180, 180), "optional": True, "quantity": "longitude"},
    "heading": {"type": "i32", "exp10": -3, "unit": "deg", "range": (0, 360), "optional": True, "quantity": "platform_course"},
    "speed": {"type": "u8", "unit": "km/h", "optional": True, "quantity": "platform_speed_wrt_ground"},
    "sequence": {"type": "u8", "optional": True},
    "accepted": {"type": "bool", "optional": True},
    "firmware_major": {"type": "u8", "optional": True},
    "firmware_minor": {"type": "u8", "optional": True},
    "initial_battery": {"type": "u8", "exp10": -1, "unit": "V", "optional": True},
    "transmissions": {"type": "u32", "unit": "{#}", "optional": True},
    "trips": {"type": "u32", "unit": "{#}", "optional": True},
    "gps_successes": {"type": "u32", "unit": "{#}", "optional": True},
    "gps_fails": {"type": "u32", "unit": "{#}", "optional": True},
    "gps_fix_time": {"type": "u16", "unit": "s", "optional": True},
    "gps_fail_time": {"type": "u16", "unit": "s", "optional": True},
    "gps_freshen_time": {"type": "u16", "unit": "s", "optional": True},
    "wakeups_per_trip": {"type": "u8", "unit": "{#}", "optional": True},
    "uptime": {"type": "u16", "unit": "wk", "optional": True},
}
EXAMPLES = (
    {  # chirpstack-device-profiles (MIT), digital-matter-oyster3-yabby3
        "in": {"payload": "53ab783c0421f98e940ab3", "port": 1},
        "out": (
            {
                "report": 0,
                "in_trip": False,
                "fix_failed": False,
                "battery": 448,
                "latitude": 1014541139,
                "longitude": -1896275708,
                "heading": 208125,
                "speed": 10,
            },
        ),
    },
    {
        "in": {"payload": "53ab783c0421f98e940ab3", "port": 2},
        "out": ({"report": 1, "sequence": 83, "accepted": False, "firmware_major": 171, "firmware_minor": 120},),
    },
)


def hundredths(steps: int) -> int:
    """Steps of 0.025 V as 0.01 V, halves up."""
    return (steps * 5 + 1) // 2


def transform(payload: bytes, port: int) -> dict:
    out = {}
    if port == 1:
        if len(payload) < 11:
            raise ValueError("input too short")
        out["report"] = 0
        out["latitude"] = kit.i32le(payload, 0)
        out["longitude"] = kit.i32le(payload, 4)
        out["in_trip"] = payload[8] & 1 != 0
        out["fix_failed"] = payload[8] & 2 != 0
        out["heading"] = (payload[8] >> 2) * 5625
        out["speed"] = payload[9]
        out["battery"] = hundredths(payload[10])
        if len(payload) > 11:
            out["man_down"] = payload[11] & 1 != 0
    elif port == 2:
        out["report"] = 1
        out["sequence"] = kit.u8(payload, 0) & 127
        out["accepted"] = payload[0] > 127
        out["firmware_major"] = kit.u8(payload, 1)
        out["firmware_minor"] = kit.u8(payload, 2)
    elif port == 3:
        if len(payload) < 11:
            raise ValueError("input too short")
        out["report"] = 2
        out["initial_battery"] = 40 + (payload[0] & 15)
        out["transmissions"] = 32 * ((payload[0] >> 4) + (payload[1] & 127) * 16)
        out["trips"] = 32 * ((payload[1] >> 7) + payload[2] * 2 + (payload[3] & 15) * 512)
        out["gps_successes"] = 32 * ((payload[3] >> 4) + (payload[4] & 63) * 16)
        out["gps_fails"] = 32 * ((payload[4] >> 6) + (payload[5] & 63) * 4)
        out["gps_fix_time"] = (payload[5] >> 6) + (payload[6] & 127) * 4
        out["gps_fail_time"] = (payload[6] >> 7) + payload[7] * 2
        out["gps_freshen_time"] = payload[8]
        out["wakeups_per_trip"] = payload[9] & 127
        out["uptime"] = (payload[9] >> 7) + payload[10] * 2
    elif port == 4:
        if len(payload) < 9:
            raise ValueError("input too short")
        out["report"] = 0
        out["latitude"] = kit.i24le(payload, 0) * 256
        out["longitude"] = kit.i24le(payload, 3) * 256
        out["heading"] = (payload[6] & 7) * 45000
        out["speed"] = (payload[6] >> 3) * 5
        out["battery"] = hundredths(payload[7])
        out["in_trip"] = payload[8] & 1 != 0
        out["fix_failed"] = payload[8] & 2 != 0
        out["man_down"] = payload[8] & 4 != 0
    else:
        raise ValueError("not a port of these devices")
    return out
