"""Tektelic Kiwi and Clover soil sensors: moisture, soil temperature, light and climate. Source: Tektelic, "Agriculture Sensor (KIWI & CLOVER)" technical reference manual, port 10.

A LoRaWAN codec: pairs of channel and type, each with its data. The maker's formulas are applied: input 2 is a
thermistor under a logarithm, input 1 a frequency with steps of gravimetric water content. The raw values stand beside.
Other ports (settings) and unknown pairs end with an error.
"""
import fmath
import kit
import math

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "battery_low": {"type": "bool", "optional": True},
    "battery_voltage": {"type": "u16", "exp10": -2, "unit": "V", "optional": True},
    "battery_capacity": {"type": "u8", "unit": "%", "range": (0, 100), "optional": True},
    "battery_days": {"type": "u16", "unit": "d", "optional": True},
    "soil_frequency": {"type": "u16", "unit": "Hz", "optional": True},
    "soil_state": {"type": "enum", "names": ("dry", "moist", "wet"), "optional": True},
    "soil_water": {"type": "u8", "exp10": -1, "unit": "1", "optional": True},  # gravimetric
    "soil_voltage": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "soil_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "soil_temperature"},
    "input3_voltage": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "input3_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "input4_voltage": {"type": "u16", "exp10": -3, "unit": "V", "optional": True},
    "input4_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "watermark1_frequency": {"type": "u16", "unit": "Hz", "optional": True},
    "watermark2_frequency": {"type": "u16", "unit": "Hz", "optional": True},
    "light": {"type": "u16", "unit": "lx", "optional": True},
    "light_detected": {"type": "bool", "optional": True},
    "acceleration_x": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_y": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_z": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "orientation_alarm": {"type": "bool", "optional": True},
    "temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "humidity": {"type": "u16", "exp10": -1, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "mcu_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
}
EXAMPLES = (
    {  # thingsboard/data-converters (Apache-2.0), Clover and Kiwi
        "in": {"payload": "00d35a00bd0a0a", "port": 10},
        "out": ({"battery_capacity": 90, "battery_days": 2570},),
    },
    {
        "in": {"payload": "01040579020202d5", "port": 10},
        "out": ({"soil_frequency": 1401, "soil_state": 0, "soil_voltage": 725, "soil_temperature": 226},),
    },
)


def water(frequency: int) -> int:
    """Gravimetric water content in tenths by the maker's table; 0 dry, 13 wet (beyond the table)."""
    tenths = 0
    if frequency <= 1341:
        tenths = 13
    elif frequency <= 1396:
        tenths = (1396 - frequency) // 5 + 2
    elif frequency <= 1399:
        tenths = 1
    return tenths


def thermistor(millivolts: int) -> int:
    """Soil temperature in tenths of a degree, rounded to nearest."""
    t = 236.36 - 32.46 * fmath.log(float(millivolts))
    return int(math.floor(t * 10.0 + 0.5))


def transform(payload: bytes, port: int) -> dict:
    if port != 10:
        raise ValueError("not a port with readings")
    out = {}
    i = 0
    while i < len(payload):
        pair = kit.u16be(payload, i)
        i = i + 2
        if pair == 0x00BA:
            out["battery_low"] = kit.u8(payload, i) > 127
            out["battery_voltage"] = (payload[i] & 127) + 250
            i = i + 1
        elif pair == 0x00D3:
            out["battery_capacity"] = kit.u8(payload, i)
            i = i + 1
        elif pair == 0x00BD:
            out["battery_days"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0104:
            frequency = kit.u16be(payload, i)
            tenths = water(frequency)
            out["soil_frequency"] = frequency
            if tenths == 0:
                out["soil_state"] = 0
            elif tenths == 13:
                out["soil_state"] = 2
            else:
                out["soil_state"] = 1
                out["soil_water"] = tenths
            i = i + 2
        elif pair == 0x0202:
            millivolts = kit.u16be(payload, i)
            out["soil_voltage"] = millivolts
            if millivolts > 0:
                out["soil_temperature"] = thermistor(millivolts)
            i = i + 2
        elif pair == 0x0302:
            out["input3_voltage"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0367:
            out["input3_temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif pair == 0x0402:
            out["input4_voltage"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0467:
            out["input4_temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif pair == 0x0504:
            out["watermark1_frequency"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0604:
            out["watermark2_frequency"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0965:
            out["light"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0x0900:
            out["light_detected"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x0A71:
            out["acceleration_x"] = kit.i16be(payload, i)
            out["acceleration_y"] = kit.i16be(payload, i + 2)
            out["acceleration_z"] = kit.i16be(payload, i + 4)
            i = i + 6
        elif pair == 0x0A00:
            out["orientation_alarm"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x0B67:
            out["temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif pair == 0x0B68:
            out["humidity"] = kit.u8(payload, i) * 5
            i = i + 1
        elif pair == 0x0C67:
            out["mcu_temperature"] = kit.i16be(payload, i)
            i = i + 2
        else:
            raise ValueError("unknown reading")
    return out
