"""Elsys sensors (ERS, ERS2, ELT, EMS ...): readings from the type-value payload. Source: Elsys, "Sensor payload" document.

A LoRaWAN codec: behind `lns_chirpstack` or `lns_thethingsstack` it takes their `payload` and `port`. A type
that comes twice keeps its last value. An unknown type ends with an error, because its length is not known.
"""
import kit

INPUT = {"payload": "bytes", "port": "int"}
OUTPUT = {
    "temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85), "optional": True, "quantity": "air_temperature"},
    "humidity": {"type": "u8", "unit": "%", "range": (0, 100), "optional": True, "quantity": "relative_humidity"},
    "acceleration_x": {"type": "i8", "unit": "{count}", "optional": True},  # 63 counts are 1 g
    "acceleration_y": {"type": "i8", "unit": "{count}", "optional": True},
    "acceleration_z": {"type": "i8", "unit": "{count}", "optional": True},
    "light": {"type": "u16", "unit": "lx", "optional": True},
    "motion": {"type": "u8", "unit": "{#}", "optional": True},
    "co2": {"type": "u16", "unit": "[ppm]", "range": (0, 10000), "optional": True},
    "battery": {"type": "u16", "unit": "mV", "optional": True},
    "analog1": {"type": "u16", "unit": "mV", "optional": True},
    "latitude": {"type": "i32", "exp10": -4, "unit": "deg", "range": (-90, 90), "optional": True},
    "longitude": {"type": "i32", "exp10": -4, "unit": "deg", "range": (-180, 180), "optional": True},
    "pulse1": {"type": "u16", "unit": "{#}", "optional": True},
    "pulse1_total": {"type": "u32", "unit": "{#}", "optional": True},
    "external_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "digital": {"type": "u8", "optional": True},
    "distance": {"type": "u16", "unit": "mm", "optional": True},
    "acceleration_motion": {"type": "u8", "unit": "{#}", "optional": True},
    "ir_internal_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "ir_external_temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "occupancy": {"type": "u8", "optional": True},  # 0 unoccupied, 1 pending, 2 occupied
    "water_leak": {"type": "u8", "optional": True},
    "grid_reference": {"type": "i8", "unit": "Cel", "optional": True},
    "grid": {"type": "bytes", "max": 64, "optional": True},  # 8 x 8 pixels: reference + byte / 10 Cel
    "pressure": {"type": "i32", "exp10": -3, "unit": "hPa", "range": (300, 1100), "optional": True, "quantity": "air_pressure"},
    "sound_peak": {"type": "u8", "unit": "dB", "optional": True},
    "sound_average": {"type": "u8", "unit": "dB", "optional": True},
    "pulse2": {"type": "u16", "unit": "{#}", "optional": True},
    "pulse2_total": {"type": "u32", "unit": "{#}", "optional": True},
    "analog2": {"type": "u16", "unit": "mV", "optional": True},
    "external_temperature2": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "digital2": {"type": "u8", "optional": True},
    "analog": {"type": "i32", "unit": "uV", "optional": True},
    "tvoc": {"type": "u16", "unit": "[ppb]", "optional": True},
    "settings": {"type": "bytes", "max": 255, "optional": True},
}
EXAMPLES = (
    {
        "in": {"payload": "0100e202290400270506060308070d62", "port": 5},
        "out": ({"temperature": 226, "humidity": 41, "light": 39, "motion": 6, "co2": 776, "battery": 3426},),
    },
    {"in": {"payload": "01ffce0250", "port": 5}, "out": ({"temperature": -50, "humidity": 80},)},
    {"in": {"payload": "14000f5ca8", "port": 5}, "out": ({"pressure": 1006760},)},
)


def transform(payload: bytes, port: int) -> dict:
    if port < 1 or port > 223:
        raise ValueError("not an application port")  # LoRaWAN 1.0.4 section 4.3.2
    out = {}
    i = 0
    while i < len(payload):
        kind = payload[i]
        i = i + 1
        if kind == 0x01:
            out["temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif kind == 0x02:
            out["humidity"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x03:
            out["acceleration_x"] = kit.i8(payload, i)
            out["acceleration_y"] = kit.i8(payload, i + 1)
            out["acceleration_z"] = kit.i8(payload, i + 2)
            i = i + 3
        elif kind == 0x04:
            out["light"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x05:
            out["motion"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x06:
            out["co2"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x07:
            out["battery"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x08:
            out["analog1"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x09:
            out["latitude"] = kit.i24le(payload, i)
            out["longitude"] = kit.i24le(payload, i + 3)
            i = i + 6
        elif kind == 0x0A:
            out["pulse1"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x0B:
            out["pulse1_total"] = kit.u32be(payload, i)
            i = i + 4
        elif kind == 0x0C:
            out["external_temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif kind == 0x0D:
            out["digital"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x0E:
            out["distance"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x0F:
            out["acceleration_motion"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x10:
            out["ir_internal_temperature"] = kit.i16be(payload, i)
            out["ir_external_temperature"] = kit.i16be(payload, i + 2)
            i = i + 4
        elif kind == 0x11:
            out["occupancy"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x12:
            out["water_leak"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x13:
            out["grid_reference"] = kit.i8(payload, i)
            size = kit.span(payload, i, i + 65)
            out["grid"] = payload[i + 1 : i + 65]
            i = i + size
        elif kind == 0x14:
            out["pressure"] = kit.i32be(payload, i)
            i = i + 4
        elif kind == 0x15:
            out["sound_peak"] = kit.u8(payload, i)
            out["sound_average"] = kit.u8(payload, i + 1)
            i = i + 2
        elif kind == 0x16:
            out["pulse2"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x17:
            out["pulse2_total"] = kit.u32be(payload, i)
            i = i + 4
        elif kind == 0x18:
            out["analog2"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x19:
            out["external_temperature2"] = kit.i16be(payload, i)
            i = i + 2
        elif kind == 0x1A:
            out["digital2"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x1B:
            out["analog"] = kit.i32be(payload, i)
            i = i + 4
        elif kind == 0x1C:
            out["tvoc"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x3D:
            i = i + kit.span(payload, i, i + 4)  # debug word of the maker
        elif kind == 0x3E:
            out["settings"] = payload[i : len(payload)]  # the rest describes the device
            i = len(payload)
        else:
            raise ValueError("unknown field type")
    return out
