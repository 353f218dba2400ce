"""Direction the wind comes from, of its components. Source: CF conventions, wind_from_direction."""

import fmath

OUTPUT = {"direction": {"type": "f64", "unit": "deg", "range": (0, 360)}}
EXAMPLES = (
    {"in": {"east": 0.0, "north": -3.0}, "out": ({"direction": 0.0},)},
    {"in": {"east": -1.0, "north": 0.0}, "out": ({"direction": 90.0},)},
)


def f(east: float, north: float) -> float:
    degrees = fmath.atan2(-east, -north) * 57.29577951308232
    return degrees % 360.0
