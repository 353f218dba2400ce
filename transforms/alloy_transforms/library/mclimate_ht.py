"""MClimate HT sensor: temperature, humidity, battery, external thermistor. Source: MClimate, "HT Sensor LoRaWAN Device Communication Protocol".

A LoRaWAN codec. The last 7 bytes are the keepalive; before them may stand answers to commands, given as
`answers`. Humidity is rounded to 0.01 % as the maker shows it (the device counts in 1/256).
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "temperature": {"type": "i32", "exp10": -1, "unit": "Cel", "range": (-40, 100), "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -2, "unit": "%", "range": (0, 100), "quantity": "relative_humidity"},
    "battery": {"type": "u8", "exp10": -1, "unit": "V"},
    "thermistor_connected": {"type": "bool"},
    "external_temperature": {"type": "u16", "exp10": -1, "unit": "Cel", "optional": True},
    "answers": {"type": "bytes", "max": 255, "optional": True},
}
EXAMPLES = (
    {  # chirpstack-device-profiles (MIT), ht-sensor
        "in": {"payload": "01027473f10400", "port": 2},
        "out": ({"temperature": 228, "humidity": 4492, "battery": 35, "thermistor_connected": False},),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    i = len(payload) - 7
    if i < 0 or (i == 0 and payload[0] != 1) or i > 255:
        raise ValueError("no keepalive")
    out = {}
    out["temperature"] = kit.u16be(payload, i + 1) - 400
    out["humidity"] = (payload[i + 3] * 10000 + 128) // 256
    out["battery"] = 20 + (payload[i + 4] >> 4)
    connected = payload[i + 5] & 4 == 0
    out["thermistor_connected"] = connected
    if connected:
        out["external_temperature"] = ((payload[i + 5] & 3) << 8) | payload[i + 6]
    if i > 0:
        out["answers"] = payload[0:i]
    return out
