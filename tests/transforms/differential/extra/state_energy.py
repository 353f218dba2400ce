"""Energy from power readings: float STATE, infinities and NaN, several rows. Source: none, made for tests."""

import math

MAX_ROWS = 3
NEEDS = ("rows:3", "state")
INPUT = {"watts": "float", "step": "int", "reset": "bool"}
OUTPUT = {
    "joules": {"type": "f64"},
    "mean": {"type": "f64", "optional": True},
    "peak": {"type": "f64", "optional": True},
    "steps": {"type": "i32"},
}
STATE = {"joules": 0.0, "peak": -0.0, "steps": 0, "sum": 0}
EXAMPLES = (
    {
        "in": {"watts": 1.5, "step": 2, "reset": False},
        "out": ({"joules": 3.0, "mean": 3.0, "peak": 1.5, "steps": 1},),
    },
    {
        "in": {"watts": -0.25, "step": 7, "reset": False},
        "out": ({"joules": -1.75, "mean": -1.75, "steps": 1}, {"joules": 1.75, "steps": -1}),
    },
    {"in": {"watts": 1e300, "step": 1, "reset": True}, "out": ({"joules": 0.0, "steps": 0},)},
)


def transform(watts: float, step: int, reset: bool, s: dict) -> dict:
    if reset:
        s["joules"] = 0.0
        s["steps"] = 0
        yield {"joules": s["joules"], "steps": s["steps"]}
    if not reset or step > 3:
        s["sum"] = s["sum"] + step  # may leave 64 bits: data.range in every tier
        s["steps"] = s["steps"] + 1
        s["joules"] = s["joules"] + watts * float(step & 0xFFFF)
        out = {}
        if not math.isnan(watts):
            s["peak"] = max(s["peak"], watts)
        out["joules"] = s["joules"]
        out["steps"] = s["steps"]
        out["mean"] = s["joules"] / float(s["steps"] & 0xFFFFFFFF)
        if s["peak"] > 0.0:
            out["peak"] = s["peak"]
        yield out
        if step % 5 == 0 and s["joules"] < 0.0:
            raise ValueError("no row of this input, and the state of before")
        if step % 7 == 0:
            yield {"joules": -s["joules"], "steps": -1}
