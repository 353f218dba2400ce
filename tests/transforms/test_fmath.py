"""`fmath` against arithmetic that is far more exact: decimal for exp and log, 260-bit integers for angles.

The oracles are series in big integers, written for this test; the measured maxima are in the docstrings. The size
follows `ALLOY_SIZES`: the quick one here, 200,000 samples of each with `ALLOY_SIZES=soak`.
"""

from __future__ import annotations

import math
import os
import random
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest

from alloy_transforms.portable import fmath

SAMPLES = {"quick": 1_000, "ci": 3_000, "soak": 200_000}[os.environ.get("ALLOY_SIZES", "ci")]
BITS = 260
ONE = 1 << BITS
LIMITS_ULP = {"exp": 1, "log": 1, "sin": 1, "cos": 1, "pow": 2, "atan2": 2}


def fixed(number: float) -> int:
    """A float as an integer over 2**BITS."""
    above, below = number.as_integer_ratio()
    return (above << BITS) // below


def arctangent_of_inverse(n: int) -> int:
    """atan(1 / n) by its own series."""
    term = total = (ONE << 40) // n
    k = 1
    while term:
        term //= n * n
        k += 2
        total += term // k if k % 4 == 1 else -(term // k)
    return total


PI = 4 * (4 * arctangent_of_inverse(5) - arctangent_of_inverse(239)) >> 40  # Machin


def sine_and_cosine(x: float) -> tuple[int, int]:
    """Both by Taylor series around the nearest quarter turn."""
    value = fixed(x)
    turn = (2 * value + PI // 2) // PI
    rest = value - turn * PI // 2
    square = (rest * rest) >> BITS

    def series(term: int, n: int) -> int:
        total = term
        while term:
            term = -((term * square) >> BITS) // ((n + 1) * (n + 2))
            n += 2
            total += term
        return total

    sine, cosine = series(rest, 1), series(ONE, 0)
    return [(sine, cosine), (cosine, -sine), (-sine, -cosine), (-cosine, sine)][turn % 4]


def arctangent(y: float, x: float) -> int:
    """atan(y / x) for 0 < y <= x: four halvings of the angle, then the series."""
    ratio = Fraction(y) / Fraction(x)
    value = (ratio.numerator << BITS) // ratio.denominator
    for _ in range(4):
        value = (value << BITS) // (ONE + math.isqrt((ONE << BITS) + value * value))
    square = (value * value) >> BITS
    term = total = value
    k = 1
    while term:
        term = (term * square) >> BITS
        k += 2
        total += term // k if k % 4 == 1 else -(term // k)
    return total << 4


def error(got: float, exact: int) -> float:
    return float(abs(Fraction(got) - Fraction(exact, ONE)) / Fraction(math.ulp(got)))


def decimal_error(got: float, exact: Decimal) -> float:
    return float(abs(Decimal(got) - exact) / Decimal(math.ulp(got)))


def sized(rng: random.Random, low: int, high: int) -> float:
    """A positive float of a random power of two."""
    return math.ldexp(rng.uniform(0.5, 1.0), rng.randint(low, high))


def worst(name: str, found: list[float]) -> None:
    assert len(found) >= SAMPLES
    print(f"{name}: {max(found):.4f} ulp in {len(found)} samples")
    assert max(found) <= LIMITS_ULP[name]


@pytest.mark.slow
def test_exp_and_log_are_within_an_ulp_when_compared_with_decimal() -> None:
    rng = random.Random(1)
    exp, log = [], []
    with localcontext() as context:
        context.prec = 50
        for _ in range(SAMPLES):
            x = rng.choice(
                [rng.uniform(-700, 709.7), rng.uniform(-1, 1), rng.choice([-1, 1]) * sized(rng, -60, 9)]
            )
            exp.append(decimal_error(fmath.exp(x), Decimal(x).exp()))
            x = rng.choice(
                [sized(rng, -1073, 1024), rng.uniform(0.5, 2), 1 + rng.gauss(0, 1e-4), sized(rng, -8, 9)]
            )
            log.append(decimal_error(fmath.log(x), Decimal(x).ln()) if x != 1 else 0.0)

    worst("exp", exp)
    worst("log", log)


@pytest.mark.slow
def test_sine_and_cosine_are_within_an_ulp_when_compared_with_big_integers() -> None:
    rng = random.Random(2)
    sine, cosine = [], []
    for _ in range(SAMPLES):
        x = rng.choice([rng.uniform(-(2**20), 2**20), rng.uniform(-10, 10), rng.choice([-1, 1]) * sized(rng, -40, 20),
                        rng.randint(1, 667543) * math.pi / 2])  # fmt: skip
        s, c = sine_and_cosine(x)
        sine.append(error(fmath.sin(x), s))
        cosine.append(error(fmath.cos(x), c))

    worst("sin", sine)
    worst("cos", cosine)


@pytest.mark.slow
def test_atan2_is_within_two_ulp_when_compared_with_big_integers() -> None:
    rng = random.Random(3)
    found = []
    for _ in range(SAMPLES // 2):
        small, large = sorted((sized(rng, -40, 30), sized(rng, 0, rng.choice([0, 30]))))
        angle = arctangent(small, large)
        found.append(error(fmath.atan2(small, large), angle))
        found.append(error(fmath.atan2(large, small), PI // 2 - angle))
        found.append(error(fmath.atan2(small, -large), PI - angle))
        found.append(error(fmath.atan2(-large, -small), -(PI // 2 + angle)))

    worst("atan2", found)


@pytest.mark.slow
@pytest.mark.timeout(900)  # the oracle takes most of it
def test_pow_is_within_two_ulp_when_compared_with_decimal() -> None:
    rng = random.Random(4)
    found = []
    with localcontext() as context:
        context.prec = 40
        for _ in range(SAMPLES):
            x = rng.choice([sized(rng, -1, 2), sized(rng, -1000, 1000), 1 + rng.uniform(-1e-3, 1e-3)])
            span = 700 / max(abs(math.log(x)), 1e-3)
            y = rng.uniform(-span, span) * rng.choice([1, 0.1, 0.01])
            found.append(decimal_error(fmath.pow(x, y), Decimal(x) ** Decimal(y)))

    worst("pow", found)


INFINITY = math.inf


@pytest.mark.parametrize(
    ("function", "arguments", "value"),
    [
        ("exp", (0.0,), 1.0), ("exp", (-INFINITY,), 0.0), ("exp", (INFINITY,), INFINITY), ("exp", (-800.0,), 0.0),
        ("exp", (-745.0,), 5e-324), ("exp", (709.782712893384,), 1.7976931348622732e308), ("exp", (1.0,), math.e),
        ("log", (1.0,), 0.0), ("log", (INFINITY,), INFINITY), ("log", (5e-324,), -744.4400719213812),
        ("sin", (0.0,), 0.0), ("cos", (0.0,), 1.0), ("sin", (5e-324,), 5e-324), ("cos", (5e-324,), 1.0),
        ("sin", (1048576.0,), 0.3304931400217347), ("pow", (2.0, 10.0), 1024.0), ("pow", (0.0, 0.0), 1.0),
        ("pow", (0.0, 2.0), 0.0), ("pow", (2.0, -1074.0), 5e-324), ("pow", (2.0, 1023.0), 2.0**1023),
        ("pow", (2.0, INFINITY), INFINITY), ("pow", (0.5, INFINITY), 0.0), ("pow", (INFINITY, -1.0), 0.0),
        ("pow", (1.0, math.nan), 1.0), ("pow", (9.0, 0.5), 3.0), ("pow", (0.5, 1e300), 0.0),
        ("atan2", (0.0, 1.0), 0.0), ("atan2", (0.0, -1.0), math.pi), ("atan2", (-0.0, -1.0), -math.pi),
        ("atan2", (1.0, 0.0), math.pi / 2), ("atan2", (-1.0, 0.0), -math.pi / 2), ("atan2", (1.0, 1.0), math.pi / 4),
        ("atan2", (INFINITY, -INFINITY), 3 * math.pi / 4), ("atan2", (1.0, INFINITY), 0.0),
        ("atan2", (INFINITY, 1.0), math.pi / 2), ("atan2", (5e-324, 1e308), 0.0),
        ("atan2", (1e308, 5e-324), math.pi / 2),
        ("atan2", (5e-324, 5e-324), math.pi / 4), ("atan2", (0.0, 0.0), 0.0),
    ],
)  # fmt: skip
def test_edges_are_exact_when_the_value_is_known(
    function: str, arguments: tuple[float, ...], value: float
) -> None:
    got = getattr(fmath, function)(*arguments)

    assert got == value
    assert math.copysign(1.0, got) == math.copysign(1.0, value)


@pytest.mark.parametrize("function", ["exp", "log", "sin", "cos"])
def test_nan_stays_when_it_is_given(function: str) -> None:
    assert math.isnan(getattr(fmath, function)(math.nan))


def test_nan_stays_when_one_of_two_is_given() -> None:
    for function in (fmath.atan2, fmath.pow):
        assert math.isnan(function(math.nan, 1.0))
        assert math.isnan(function(2.0, math.nan))
    assert math.copysign(1.0, fmath.sin(-0.0)) == -1.0


@pytest.mark.parametrize(
    ("function", "arguments", "kind"),
    [
        ("exp", (709.8,), OverflowError), ("log", (0.0,), ValueError), ("log", (-1.0,), ValueError),
        ("sin", (1048577.0,), ValueError), ("cos", (-1048577.0,), ValueError), ("sin", (INFINITY,), ValueError),
        ("cos", (-INFINITY,), ValueError), ("pow", (-1.0, 2.0), ValueError), ("pow", (0.0, -1.0), ValueError),
        ("pow", (10.0, 309.0), OverflowError), ("pow", (0.5, -1e300), OverflowError),
    ],
)  # fmt: skip
def test_an_argument_is_refused_when_there_is_no_finite_answer(
    function: str, arguments: tuple[float, ...], kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        getattr(fmath, function)(*arguments)
