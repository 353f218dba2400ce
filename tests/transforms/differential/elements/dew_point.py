"""Dew point of temperature and relative humidity. Source: Alduchov and Eskridge, J. Appl. Meteorol. 35 (1996), 601."""

import fmath

OUTPUT = {"dew_point": {"type": "f64", "unit": "Cel"}}
EXAMPLES = ({"in": {"temperature": 20.0, "humidity": 100.0}, "out": ({"dew_point": 20.000000000000004},)},)


def f(temperature: float, humidity: float) -> float:
    gamma = fmath.log(humidity / 100.0) + 17.625 * temperature / (243.04 + temperature)
    return 243.04 * gamma / (17.625 - gamma)
