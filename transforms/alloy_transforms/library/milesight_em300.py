"""Milesight EM300, EM400 and AM100 sensors: climate, leak, magnet, counter, distance. Source: Milesight, EM300 Series User Guide, section 5; EM400-MUD User Guide, section 6.1; AM100 Series User Guide, section 5.

A LoRaWAN codec: channel, type and data, least significant byte first. What channel 5 means is the model's: leak,
magnet, digital input or tilted, 1 for yes. An unknown pair ends with an error, because its length is not known.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "battery": {"type": "u8", "unit": "%", "range": (0, 100), "optional": True},
    "temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "temperature_alarm": {"type": "bool", "optional": True},
    "humidity": {"type": "u16", "exp10": -1, "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "detected": {"type": "bool", "optional": True},
    "pulses": {"type": "u32", "unit": "{#}", "optional": True},
    "distance": {"type": "u16", "unit": "mm", "optional": True},
    "distance_alarm": {"type": "bool", "optional": True},
    "activity": {"type": "u16", "unit": "{#}", "optional": True},
    "light": {"type": "u16", "unit": "lx", "optional": True},
    "light_visible": {"type": "u16", "optional": True},
    "light_infrared": {"type": "u16", "optional": True},
    "co2": {"type": "u16", "unit": "[ppm]", "range": (400, 5000), "optional": True},
    "tvoc": {"type": "u16", "unit": "[ppb]", "optional": True},
    "pressure": {"type": "u16", "exp10": -1, "unit": "hPa", "range": (300, 1100), "optional": True, "quantity": "air_pressure"},
    "protocol_version": {"type": "u8", "optional": True},
    "hardware_version": {"type": "u16", "optional": True},  # 0x0140 is 1.4
    "software_version": {"type": "u16", "optional": True},  # 0x0114 is 1.14
    "powered_on": {"type": "bool", "optional": True},
    "device_class": {"type": "enum", "names": ("a", "b", "c"), "optional": True},
    "serial_number": {"type": "bytes", "max": 8, "optional": True},
}
EXAMPLES = (
    {  # the user guides' own examples: EM300-SLD, EM300 on joining, EM400-MUD on joining
        "in": {"payload": "01756403671001046871050001", "port": 85},
        "out": ({"battery": 100, "temperature": 272, "humidity": 565, "detected": True},),
    },
    {
        "in": {"payload": "ff090100ff0a0102ff0f00", "port": 85},
        "out": ({"hardware_version": 256, "software_version": 258, "device_class": 0},),
    },
    {
        "in": {"payload": "ff0bffff0101ff166329c42503920003ff090100ff0a0101ff0f00", "port": 85},
        "out": (
            {
                "powered_on": True,
                "protocol_version": 1,
                "serial_number": "6329c42503920003",
                "hardware_version": 256,
                "software_version": 257,
                "device_class": 0,
            },
        ),
    },
)


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    out = {}
    i = 0
    while i < len(payload):
        pair = kit.u16be(payload, i)
        i = i + 2
        if pair == 0x0175:
            out["battery"] = kit.u8(payload, i)
            i = i + 1
        elif pair == 0x0367:
            out["temperature"] = kit.i16le(payload, i)
            i = i + 2
        elif pair == 0x8367:
            out["temperature"] = kit.i16le(payload, i)
            out["temperature_alarm"] = kit.u8(payload, i + 2) != 0
            i = i + 3
        elif pair == 0x0468:
            out["humidity"] = kit.u8(payload, i) * 5
            i = i + 1
        elif pair == 0x0500 or pair == 0x0600:
            out["detected"] = kit.u8(payload, i) != 0
            i = i + 1
        elif pair == 0x05C8:
            out["pulses"] = kit.u32le(payload, i)
            i = i + 4
        elif pair == 0x0482:
            out["distance"] = kit.u16le(payload, i)
            i = i + 2
        elif pair == 0x8482:
            out["distance"] = kit.u16le(payload, i)
            out["distance_alarm"] = kit.u8(payload, i + 2) != 0
            i = i + 3
        elif pair == 0x056A:
            out["activity"] = kit.u16le(payload, i)
            i = i + 2
        elif pair == 0x0665:
            out["light"] = kit.u16le(payload, i)
            out["light_visible"] = kit.u16le(payload, i + 2)
            out["light_infrared"] = kit.u16le(payload, i + 4)
            i = i + 6
        elif pair == 0x077D:
            out["co2"] = kit.u16le(payload, i)
            i = i + 2
        elif pair == 0x087D:
            out["tvoc"] = kit.u16le(payload, i)
            i = i + 2
        elif pair == 0x0973:
            out["pressure"] = kit.u16le(payload, i)
            i = i + 2
        elif pair == 0xFF01:
            out["protocol_version"] = kit.u8(payload, i)
            i = i + 1
        elif pair == 0xFF09:
            out["hardware_version"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0xFF0A:
            out["software_version"] = kit.u16be(payload, i)
            i = i + 2
        elif pair == 0xFF0B:
            out["powered_on"] = kit.u8(payload, i) == 0xFF
            i = i + 1
        elif pair == 0xFF0F:
            if kit.u8(payload, i) > 2:
                raise ValueError("unknown class of device")
            out["device_class"] = payload[i]
            i = i + 1
        elif pair == 0xFF16:
            size = kit.span(payload, i, i + 8)
            out["serial_number"] = payload[i : i + 8]
            i = i + size
        else:
            raise ValueError("unknown channel and type")
    return out
