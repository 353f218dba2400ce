"""Cayenne Low Power Payload: one row per reading. Source: myDevices, "Cayenne Low Power Payload", with the IPSO types of LPP 2.0.

A payload is a list of channel, type and data; the meaning of a channel is the sender's own. An unknown type ends with
an error, because its length is not known. Behind an LNS envelope it takes the envelope's `payload`.
"""
import kit

MAX_ROWS = 64
NEEDS = ("rows:64",)
INPUT = {"payload": "bytes"}
OUTPUT = {
    "channel": {"type": "u8"},
    "digital_input": {"type": "u8", "optional": True},
    "digital_output": {"type": "u8", "optional": True},
    "analog_input": {"type": "i16", "exp10": -2, "optional": True},
    "analog_output": {"type": "i16", "exp10": -2, "optional": True},
    "generic": {"type": "u32", "optional": True},
    "illuminance": {"type": "u16", "unit": "lx", "optional": True},
    "presence": {"type": "u8", "optional": True},
    "temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "optional": True},
    "humidity": {"type": "u16", "exp10": -1, "unit": "%", "range": (0, 100), "optional": True},
    "acceleration_x": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_y": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "acceleration_z": {"type": "i16", "exp10": -3, "unit": "[g]", "optional": True},
    "pressure": {"type": "u16", "exp10": -1, "unit": "hPa", "optional": True},
    "voltage": {"type": "u16", "exp10": -2, "unit": "V", "optional": True},
    "current": {"type": "u16", "exp10": -3, "unit": "A", "optional": True},
    "frequency": {"type": "u32", "unit": "Hz", "optional": True},
    "percentage": {"type": "u8", "unit": "%", "optional": True},
    "altitude": {"type": "i32", "exp10": -2, "unit": "m", "optional": True},
    "concentration": {"type": "u16", "unit": "[ppm]", "optional": True},
    "power": {"type": "u16", "unit": "W", "optional": True},
    "distance": {"type": "u32", "exp10": -3, "unit": "m", "optional": True},
    "energy": {"type": "u32", "exp10": -3, "unit": "kW.h", "optional": True},
    "direction": {"type": "u16", "unit": "deg", "optional": True},
    "time": {"type": "time_ns", "optional": True},
    "gyroscope_x": {"type": "i16", "exp10": -2, "unit": "deg/s", "optional": True},
    "gyroscope_y": {"type": "i16", "exp10": -2, "unit": "deg/s", "optional": True},
    "gyroscope_z": {"type": "i16", "exp10": -2, "unit": "deg/s", "optional": True},
    "latitude": {"type": "i32", "exp10": -4, "unit": "deg", "range": (-90, 90), "optional": True, "quantity": "latitude"},
    "longitude": {"type": "i32", "exp10": -4, "unit": "deg", "range": (-180, 180), "optional": True, "quantity": "longitude"},
    "red": {"type": "u8", "optional": True},
    "green": {"type": "u8", "optional": True},
    "blue": {"type": "u8", "optional": True},
    "switch": {"type": "u8", "optional": True},
}
EXAMPLES = (
    {  # the document's examples: two temperatures, one below zero with an accelerometer, a position
        "in": {"payload": "03670110056700ff"},
        "out": ({"channel": 3, "temperature": 272}, {"channel": 5, "temperature": 255}),
    },
    {
        "in": {"payload": "0167ffd7067104d2fb2e0000"},
        "out": (
            {"channel": 1, "temperature": -41},
            {"channel": 6, "acceleration_x": 1234, "acceleration_y": -1234, "acceleration_z": 0},
        ),
    },
    {
        "in": {"payload": "018806765ff2960a0003e8"},
        "out": ({"channel": 1, "latitude": 423519, "longitude": -879094, "altitude": 1000},),
    },
)


def transform(payload: bytes) -> dict:
    i = 0
    rows = 0
    while i < len(payload):
        if rows == 64:
            raise ValueError("too many readings")
        out = {}
        out["channel"] = payload[i]
        kind = kit.u8(payload, i + 1)
        i = i + 2
        if kind == 0x00:
            out["digital_input"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x01:
            out["digital_output"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x02:
            out["analog_input"] = kit.i16be(payload, i)
            i = i + 2
        elif kind == 0x03:
            out["analog_output"] = kit.i16be(payload, i)
            i = i + 2
        elif kind == 0x64:
            out["generic"] = kit.u32be(payload, i)
            i = i + 4
        elif kind == 0x65:
            out["illuminance"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x66:
            out["presence"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x67:
            out["temperature"] = kit.i16be(payload, i)
            i = i + 2
        elif kind == 0x68:
            out["humidity"] = kit.u8(payload, i) * 5
            i = i + 1
        elif kind == 0x71:
            out["acceleration_x"] = kit.i16be(payload, i)
            out["acceleration_y"] = kit.i16be(payload, i + 2)
            out["acceleration_z"] = kit.i16be(payload, i + 4)
            i = i + 6
        elif kind == 0x73:
            out["pressure"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x74:
            out["voltage"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x75:
            out["current"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x76:
            out["frequency"] = kit.u32be(payload, i)
            i = i + 4
        elif kind == 0x78:
            out["percentage"] = kit.u8(payload, i)
            i = i + 1
        elif kind == 0x79:
            out["altitude"] = kit.i16be(payload, i) * 100
            i = i + 2
        elif kind == 0x7D:
            out["concentration"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x80:
            out["power"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x82:
            out["distance"] = kit.u32be(payload, i)
            i = i + 4
        elif kind == 0x83:
            out["energy"] = kit.u32be(payload, i)
            i = i + 4
        elif kind == 0x84:
            out["direction"] = kit.u16be(payload, i)
            i = i + 2
        elif kind == 0x85:
            out["time"] = kit.u32be(payload, i) * 1000000000
            i = i + 4
        elif kind == 0x86:
            out["gyroscope_x"] = kit.i16be(payload, i)
            out["gyroscope_y"] = kit.i16be(payload, i + 2)
            out["gyroscope_z"] = kit.i16be(payload, i + 4)
            i = i + 6
        elif kind == 0x87:
            out["red"] = kit.u8(payload, i)
            out["green"] = kit.u8(payload, i + 1)
            out["blue"] = kit.u8(payload, i + 2)
            i = i + 3
        elif kind == 0x88:
            out["latitude"] = kit.i24be(payload, i)
            out["longitude"] = kit.i24be(payload, i + 3)
            out["altitude"] = kit.i24be(payload, i + 6)
            i = i + 9
        elif kind == 0x8E:
            out["switch"] = kit.u8(payload, i)
            i = i + 1
        else:
            raise ValueError("unknown data type")
        rows = rows + 1
        yield out
