"""Every operation on numbers that the portable language has, at its edges. Source: none, made for tests."""

import math

INPUT = {"a": "int", "b": "int", "x": "float", "y": "float", "which": "int"}
OUTPUT = {
    "n": {"type": "i64", "optional": True},
    "m": {"type": "i32", "optional": True},
    "r": {"type": "f64", "optional": True},
    "ok": {"type": "bool", "optional": True},
}
EXAMPLES = (
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 0}, "out": ({"n": 5, "m": 5},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 1}, "out": ({"n": 9, "r": 5.5},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 2}, "out": ({"n": -14, "r": -15.0},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 3}, "out": ({"n": -4, "r": -4.0},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 4}, "out": ({"n": -1, "r": -0.5},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 5}, "out": ({"n": 6, "r": -3.75},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 6}, "out": ({"n": -1, "ok": True},)},
    {"in": {"a": 7, "b": -2, "x": 7.5, "y": -2.0, "which": 7}, "out": ({"n": -7, "ok": True},)},
    {"in": {"a": 7, "b": 3, "x": 7.5, "y": -2.0, "which": 8}, "out": ({"n": 56, "m": -8},)},
    {"in": {"a": 7, "b": 9, "x": 7.5, "y": -2.0, "which": 9}, "out": ({"n": 3, "m": 7},)},
    {"in": {"a": 7, "b": 3, "x": 7.5, "y": -2.0, "which": 10}, "out": ({"n": 8, "m": 7},)},
    {"in": {"a": 7, "b": 3, "x": 7.5, "y": -2.0, "which": 11}, "out": ({"n": 8, "m": 7},)},
    {"in": {"a": 7, "b": 3, "x": 7.5, "y": -2.0, "which": 12}, "out": ({"r": 1.5},)},
    {"in": {"a": 7, "b": 3, "x": 2.25, "y": -2.0, "which": 13}, "out": ({"r": 1.5},)},
    {"in": {"a": 7, "b": 3, "x": 2.25, "y": -2.0, "which": 14}, "out": ({"r": 0.5625, "n": 2},)},
    {"in": {"a": 7, "b": 3, "x": 2.25, "y": -2.0, "which": 15}, "out": ({"r": 0.25, "n": 2},)},
    {"in": {"a": 7, "b": 3, "x": 2.25, "y": -2.0, "which": 16}, "out": ({"r": -2.0, "ok": True},)},
    {"in": {"a": 7, "b": 3, "x": 2.25, "y": -2.0, "which": 17}, "out": ({"n": 7, "m": 7},)},
)


def transform(a: int, b: int, x: float, y: float, which: int) -> dict:
    out = {}
    if which == 0:
        out["n"] = a + b
        out["m"] = a + b
    elif which == 1:
        out["n"] = a - b
        out["r"] = x + y
    elif which == 2:
        out["n"] = a * b
        out["r"] = x * y
    elif which == 3:
        out["n"] = a // b
        out["r"] = x // y
    elif which == 4:
        out["n"] = a % b
        out["r"] = x % y
    elif which == 5:
        out["n"] = a & ~(b ^ (a | 1)) | 6
        out["r"] = x / y
    elif which == 6:
        out["n"] = a | b
        out["ok"] = x < y or ((a > b) == (x >= y) and not x <= y)
    elif which == 7:
        out["n"] = -a
        out["ok"] = x != y and a != b
    elif which == 8:
        out["n"] = a << (b & 63)
        out["m"] = ~(a & 0xFFFF)
    elif which == 9:
        out["n"] = a >> (b & 127) - 8
        out["m"] = abs(a)
    elif which == 10:
        out["n"] = round(x)
        out["m"] = int(x)
    elif which == 11:
        out["n"] = math.ceil(x)
        out["m"] = math.floor(x)
    elif which == 12:
        out["r"] = math.fmod(x, y)
    elif which == 13:
        out["r"] = math.sqrt(x)
    elif which == 14:
        m, k = math.frexp(x)
        out["r"] = m
        out["n"] = k
    elif which == 15:
        f, w = math.modf(x)
        out["r"] = f
        if math.isfinite(w):
            out["n"] = math.trunc(w)
    elif which == 16:
        out["r"] = min(x, math.copysign(y, max(x, y) - 3.0))
        out["ok"] = math.isfinite(x) or math.isnan(y) or math.isinf(x)
    else:
        out["n"] = min(a, 1 << 62) if b > 0 else max(a, b)
        out["m"] = a if abs(a) < 1 << 31 else int(x < y)
    return out
