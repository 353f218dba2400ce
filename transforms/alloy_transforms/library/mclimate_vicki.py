"""MClimate Vicki radiator thermostat: temperatures, valve and its faults. Source: MClimate, "Vicki LoRaWAN Device Communication Protocol".

A LoRaWAN codec. The last 9 bytes are the keepalive; before them may stand answers to commands, given as `answers`.
Reason 1 is the sensor of firmware before 4.2, 81 (hexadecimal) the one after. Rounded to 0.01 as the maker shows it.
"""
INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "reason": {"type": "u8"},  # two hexadecimal digits read as decimal, as in the protocol: 1, 81
    "target_temperature": {"type": "u8", "unit": "Cel", "range": (5, 30)},
    "temperature": {"type": "i32", "exp10": -2, "unit": "Cel", "range": (-40, 125), "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "quantity": "relative_humidity"},
    "motor_range": {"type": "u16", "unit": "{steps}"},
    "motor_position": {"type": "u16", "unit": "{steps}"},
    "valve_openness": {"type": "i32", "unit": "%", "range": (0, 100)},
    "battery": {"type": "u8", "exp10": -1, "unit": "V"},
    "open_window": {"type": "bool"},
    "high_motor_consumption": {"type": "bool"},
    "low_motor_consumption": {"type": "bool"},
    "broken_sensor": {"type": "bool"},
    "child_lock": {"type": "bool"},
    "calibration_failed": {"type": "bool"},
    "attached_backplate": {"type": "bool"},
    "perceived_online": {"type": "bool"},
    "anti_freeze": {"type": "bool"},
    "answers": {"type": "bytes", "max": 255, "optional": True},
}
EXAMPLES = (
    {  # chirpstack-device-profiles (MIT), vicki
        "in": {"payload": "011d5a78fa2c01f080", "port": 2},
        "out": (
            {
                "reason": 1,
                "target_temperature": 29,
                "temperature": 1801,
                "humidity": 4688,
                "motor_range": 300,
                "motor_position": 250,
                "valve_openness": 17,
                "battery": 35,
                "open_window": False,
                "high_motor_consumption": False,
                "low_motor_consumption": False,
                "broken_sensor": False,
                "child_lock": True,
                "calibration_failed": False,
                "attached_backplate": False,
                "perceived_online": False,
                "anti_freeze": False,
            },
        ),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    i = len(payload) - 9
    if i < 0 or i > 255:
        raise ValueError("no keepalive")
    out = {}
    raw = payload[i + 2]
    if payload[i] == 0x01:
        out["reason"] = 1
        out["temperature"] = (raw * 16500 + 128) // 256 - 4000
    elif payload[i] == 0x81:
        out["reason"] = 81
        out["temperature"] = ((raw * 100000 - 2833333) * 200 + 566666) // 1133332  # (raw - 28.33333) / 5.66666
    else:
        raise ValueError("unknown reason of a keepalive")
    out["target_temperature"] = payload[i + 1]
    out["humidity"] = (payload[i + 3] * 10000 + 128) // 256
    low = payload[i + 6] & 15
    motor_range = (low << 8) | payload[i + 5]
    position = ((payload[i + 6] >> 4) << 8) | payload[i + 4]
    out["motor_range"] = motor_range
    out["motor_position"] = position
    out["valve_openness"] = 0
    if motor_range > 0:
        out["valve_openness"] = (200 * (motor_range - position) + motor_range) // (2 * motor_range)
    out["battery"] = 20 + (payload[i + 7] >> 4)
    out["open_window"] = payload[i + 7] & 8 != 0
    out["high_motor_consumption"] = payload[i + 7] & 4 != 0
    out["low_motor_consumption"] = payload[i + 7] & 2 != 0
    out["broken_sensor"] = payload[i + 7] & 1 != 0
    out["child_lock"] = payload[i + 8] & 128 != 0
    out["calibration_failed"] = payload[i + 8] & 64 != 0
    out["attached_backplate"] = payload[i + 8] & 32 != 0
    out["perceived_online"] = payload[i + 8] & 16 != 0
    out["anti_freeze"] = payload[i + 8] & 8 != 0
    if i > 0:
        out["answers"] = payload[0:i]
    return out
