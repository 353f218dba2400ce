"""Bosch Parking Lot Sensor: parking state, heartbeats and start-ups. Source: Bosch, "Parking Lot Sensor Communication Interface Technical Description".

A LoRaWAN codec: port 1 a change of the state, 2 a heartbeat with temperature, 3 a start-up with firmware and reason.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "report": {"type": "enum", "names": ("parking_status", "heartbeat", "startup")},
    "occupied": {"type": "bool"},
    "temperature": {"type": "i8", "unit": "Cel", "range": (-40, 85), "optional": True},
    "reset_cause": {"type": "enum", "names": ("watchdog_reset", "power_on_reset", "system_request_reset", "other"), "optional": True},
    "firmware_major": {"type": "u8", "optional": True},
    "firmware_minor": {"type": "u8", "optional": True},
    "firmware_patch": {"type": "u8", "optional": True},
    "debug": {"type": "bytes", "max": 12, "optional": True},
}
EXAMPLES = (
    {  # thingsboard/data-converters (Apache-2.0), Parking_Lot_Sensor
        "in": {"payload": "0112", "port": 2},
        "out": ({"report": 1, "occupied": True, "temperature": 18},),
    },
    {
        "in": {"payload": "00000000990200d100050000001d020200", "port": 3},
        "out": (
            {
                "report": 2,
                "occupied": False,
                "reset_cause": 1,
                "firmware_major": 2,
                "firmware_minor": 29,
                "firmware_patch": 0,
                "debug": "00000000990200d100050000",
            },
        ),
    },
)


def transform(payload: bytes, port: int) -> dict:
    out = {}
    if port == 1:
        out["report"] = 0
        out["occupied"] = kit.u8(payload, 0) & 1 != 0
    elif port == 2:
        out["report"] = 1
        out["occupied"] = kit.u8(payload, 0) & 1 != 0
        if len(payload) > 1:  # the first firmware sent none
            out["temperature"] = kit.i8(payload, 1)
    elif port == 3:
        if len(payload) < 17:
            raise ValueError("input too short")
        out["report"] = 2
        out["occupied"] = payload[16] & 1 != 0
        cause = payload[15] - 1
        if cause < 0 or cause > 3:
            cause = 3
        out["reset_cause"] = cause
        out["firmware_major"] = payload[14]
        out["firmware_minor"] = payload[13]
        out["firmware_patch"] = payload[12]
        out["debug"] = payload[0:12]
    else:
        raise ValueError("not a port of this device")
    return out
