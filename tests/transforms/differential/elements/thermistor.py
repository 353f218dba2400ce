"""Resistance of a thermistor to temperature. Source: Steinhart and Hart, Deep-Sea Research 15 (1968), 497-503."""

import fmath

OUTPUT = {"temperature": {"type": "f64", "unit": "Cel", "range": (-80, 150), "quantity": "temperature"}}
PARAMS = {"a": 0.001125308852122, "b": 0.000234711863267, "c": 8.5663516e-08}
EXAMPLES = (
    {"in": {"resistance": 10000.0}, "out": ({"temperature": 25.000098425029364},)},
    {"in": {"resistance": 0.0}, "error": "data.value"},
)


def f(resistance: float) -> float:
    if not resistance > 0.0:
        raise ValueError("a resistance is positive")
    x = fmath.log(resistance)
    return 1.0 / (PARAMS["a"] + PARAMS["b"] * x + PARAMS["c"] * x * x * x) - 273.15
