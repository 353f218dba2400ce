"""Every function of fmath, and floats out of bytes by struct. Source: none, made for tests."""

import struct

import fmath
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "which": {"type": "u8"},
    "r": {"type": "f64"},
    "x": {"type": "f64", "optional": True},
}
EXAMPLES = (
    {"in": {"payload": "003ff00000000000003ff0000000000000"}, "out": ({"which": 0, "r": 2.718281828459045},)},
    {
        "in": {"payload": "01400000000000000040e0000000000000"},
        "out": ({"which": 1, "r": 0.6931471805599453},),
    },
    {
        "in": {"payload": "02400800000000000040e0000000000000"},
        "out": ({"which": 2, "r": 0.1411200080598672},),
    },
    {
        "in": {"payload": "03400800000000000040e0000000000000"},
        "out": ({"which": 3, "r": -0.9899924966004454},),
    },
    {"in": {"payload": "0440080000000000004010000000000000"}, "out": ({"which": 4, "r": 81.0},)},
    {
        "in": {"payload": "054008000000000000c010000000000000"},
        "out": ({"which": 5, "r": 2.498091544796509, "x": 6.008767815024816e-42},),
    },
)


def transform(payload: bytes) -> dict:
    which = kit.u8(payload, 0)
    x, y = struct.unpack(">dd", payload[1:17])
    out = {}
    out["which"] = which
    if which == 0:
        out["r"] = fmath.exp(x)
    elif which == 1:
        out["r"] = fmath.log(x)
    elif which == 2:
        out["r"] = fmath.sin(x)
    elif which == 3:
        out["r"] = fmath.cos(x)
    elif which == 4:
        out["r"] = fmath.pow(x, y)
    else:
        out["r"] = fmath.atan2(x, y)
        out["x"] = struct.unpack("<f", payload[9:13])[0]
    return out
