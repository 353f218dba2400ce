"""Counts of a CCD to electrons: bias off, gain on. Source: FITS convention of GAIN [electron/adu] and BIASLVL [adu]."""

OUTPUT = {"electrons": {"type": "f64", "unit": "{electron}", "range": (0, 200000)}}
PARAMS = {"bias": 312.5, "saturated": 65535.0}
EXAMPLES = (
    {"in": {"counts": 1312.5, "gain": 1.5}, "out": ({"electrons": 1500.0},)},
    {"in": {"counts": 65535.0, "gain": 1.5}, "error": "data.value"},
    {"in": {"counts": 1312.5}, "out": ({},)},
)


def f(counts: float, gain: float) -> float:
    if counts >= PARAMS["saturated"]:
        raise ValueError("the well is full")
    return (counts - PARAMS["bias"]) * gain
