"""Limits on sensor columns, and decimal physical values, against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_native.errors import KernelError
from alloy_native.kernels import pack_bits, physical, range_quality

from . import oracle


def exact(mantissa: int, exp10: int) -> float:
    """The f64 nearest to mantissa * 10**exp10."""
    return float(Fraction(mantissa) * Fraction(10) ** exp10)


@given(
    mantissas=st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=50),
    exp10=st.integers(-18, 18),
)
def test_physical_is_correctly_rounded_when_the_mantissa_has_64_bits(
    mantissas: list[int], exp10: int
) -> None:
    got = np.frombuffer(physical(np.array(mantissas, "<i8").tobytes(), "i8", exp10=exp10), "<f8")

    assert got.tolist() == [exact(m, exp10) for m in mantissas]


@given(mantissas=st.lists(st.integers(-(2**31), 2**31 - 1), max_size=50), exp10=st.integers(-18, 18))
def test_physical_is_correctly_rounded_when_the_mantissa_has_32_bits(
    mantissas: list[int], exp10: int
) -> None:
    got = np.frombuffer(physical(np.array(mantissas, "<i4").tobytes(), "i4", exp10=exp10), "<f8")

    assert got.tolist() == [exact(m, exp10) for m in mantissas]


@given(
    rows=st.lists(
        st.tuples(st.integers(-1000, 1000), st.booleans(), st.sampled_from((1, 3, 4, 9))), max_size=40
    ),
    exp10=st.integers(-3, 3),
    low=st.none() | st.floats(-200, 200),
    high=st.none() | st.floats(-200, 200),
    fail=st.sampled_from((3, 4)),
)
def test_rows_outside_get_the_worse_quality_and_the_reason(
    rows: list[tuple[int, bool, int]], exp10: int, low: float | None, high: float | None, fail: int
) -> None:
    n = len(rows)
    values = np.array([r[0] for r in rows], "<i2").tobytes()
    validity = pack_bits(bytes(r[1] for r in rows))
    bad = [
        there
        and ((low is not None and exact(m, exp10) < low) or (high is not None and exact(m, exp10) > high))
        for m, there, _ in rows
    ]

    quality, reasons = range_quality(
        values, "i2", n, exp10, validity, low, high, 8, fail, bytes(r[2] for r in rows), 64
    )

    wanted = [max(q, fail) if b else q for (_, _, q), b in zip(rows, bad, strict=True)]
    assert oracle.each(quality, n, "u1").tolist() == wanted
    assert oracle.each(reasons, n, "u2").tolist() == [72 if b else 64 for b in bad]
    if n:
        assert isinstance(quality, int) == (len(set(wanted)) == 1)


def test_limits_hold_at_the_very_number_when_division_rounds() -> None:
    values = np.array([2929, 2930, 2931], "<i2").tobytes()

    quality, reasons = range_quality(values, "i2", 3, -1, None, 293.0, 293.0, 8, 4, 1, 0)

    assert quality == bytes([4, 1, 4])
    assert reasons == np.array([8, 0, 8], "<u2").tobytes()


def test_nan_is_outside_and_infinity_is_not_when_the_limit_is_open() -> None:
    values = np.array([np.nan, np.inf, 1.0, -np.inf]).tobytes()

    quality, _ = range_quality(values, "f8", 4, 0, None, 0.0, None, 8, 4, 1, 0)

    assert quality == bytes([4, 1, 1, 4])


def test_constants_come_back_when_all_rows_are_equal() -> None:
    ones = np.ones(5, "<i2").tobytes()

    assert range_quality(ones, "i2", 5, 0, None, 0, 2, 8, 4, bytes([1] * 5), bytes(10)) == (1, 0)
    assert range_quality(ones, "i2", 5, 0, None, 2, 3, 8, 4, 1, 0) == (4, 8)
    assert range_quality(b"", "i2", 0, 0, None, 2, 3, 8, 4, 1, 0) == (1, 0)


@pytest.mark.parametrize(
    ("n", "exp10", "quality", "code"),
    [(3, 0, 1, "format.length"), (2, 19, 1, "format.exp10"), (2, 0, b"\x01", "format.length")],
)
def test_what_does_not_fit_is_refused(n: int, exp10: int, quality: int | bytes, code: str) -> None:
    with pytest.raises(KernelError) as caught:
        range_quality(bytes(4), "i2", n, exp10, None, 0, 1, 8, 4, quality, 0)

    assert caught.value.code == code
