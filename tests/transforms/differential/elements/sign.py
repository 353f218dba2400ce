"""The sign of one number for another, in which a NaN has none to rely on. Source: none, made for tests."""

import math

OUTPUT = {"y": {"type": "f64"}}
EXAMPLES = ({"in": {"x": 3.0, "y": -0.0}, "out": ({"y": -3.0},)},)


def f(x: float, y: float) -> float:
    if x < 5e-324:
        return x / 3.0
    return math.copysign(x, y)
