"""Floor division, remainder, rounding and products that leave 64 bits. Source: none, made for tests."""

import math

OUTPUT = {"y": {"type": "f64"}}
EXAMPLES = (
    {"in": {"x": 7.5, "y": -2.0, "z": 0.5}, "out": ({"y": 0.0},)},
    {"in": {"x": 7.5, "y": 0.0, "z": 0.5}, "error": "data.div"},
)


def f(x: float, y: float, z: float) -> float:
    whole = math.floor(z)
    cube = whole * whole * whole
    return x // y - x % y * 0.0 + float(cube % 1000) + math.sqrt(z) * 0.0 + 4.0
