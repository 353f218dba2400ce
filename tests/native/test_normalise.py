"""One pass from stored bytes to L1 and L2, against the same rules in numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_native.errors import KernelError
from alloy_native.kernels import Normalised, Normaliser, physical

from . import oracle
from .oracle import Rules

DTYPES = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8")
LENGTHS = (0, 1, 7, 8, 255, 256, 257, 513, 1000)


def sample(dtype: str, n: int, seed: int = 1) -> np.ndarray:
    """Values of the whole range of the type, with many repeats, infinities and NaN among them."""
    rng = np.random.default_rng(seed)
    if dtype.startswith("f"):
        values = (rng.normal(size=n) * 10.0 ** rng.integers(-3, 6, n)).astype(dtype)
        for i, special in enumerate((np.nan, np.inf, -np.inf, 9.96921e36, -0.0, -999.0)):
            values[i::11] = special
        return values
    info = np.iinfo(dtype)
    values = rng.integers(info.min, info.max, n, dtype=dtype, endpoint=True)
    for i, special in enumerate((info.min, info.max, 0, 5, 6)):
        values[i::9] = special
    return values


def check(rules: Rules, stored: bytes, quality: int = 1, reasons: int = 0) -> Normalised:
    expected = oracle.normalise(rules, stored, quality, reasons)
    n = len(expected.values)
    normaliser = Normaliser(rules.dtype, **rules.keywords())

    got = normaliser.normalise(stored, quality=quality, reasons=reasons)

    assert got.n == n
    assert got.dtype == normaliser.dtype == expected.values.dtype.str[1:]
    assert got.values == expected.values.astype("<" + got.dtype).tobytes()
    assert np.array_equal(oracle.flags(got.validity, n), expected.there)
    assert (got.validity is None) == bool(expected.there.all())
    assert np.array_equal(oracle.each(got.quality, n, "u1"), expected.quality)
    assert np.array_equal(oracle.each(got.reasons, n, "u2"), expected.reasons)
    if n:
        assert isinstance(got.quality, int) == (len(set(expected.quality.tolist())) == 1)
        assert isinstance(got.reasons, int) == (len(set(expected.reasons.tolist())) == 1)
    codes, counts = np.unique(expected.quality, return_counts=True)
    assert got.counts == dict(zip(codes.tolist(), counts.tolist(), strict=True))
    if got.validity is not None and n % 8:
        assert got.validity[-1] >> (n % 8) == 0
    check_statistics(rules, got, expected)
    check_physical(rules, normaliser, stored, got, expected)
    return got


def check_statistics(rules: Rules, got: Normalised, expected: oracle.Expected) -> None:
    good = expected.quality <= 3
    assert got.n_valid == int(good.sum())
    if not good.any():
        assert (got.minimum, got.maximum, got.mean) == (None, None, None)
        return
    assert got.minimum is not None
    assert got.maximum is not None
    assert got.mean is not None
    if rules.scale == 1 and rules.offset == 0 and expected.values.dtype.kind != "f":
        assert isinstance(got.minimum, int)
        assert got.minimum == int(expected.values[good].min())
        assert got.maximum == int(expected.values[good].max())
    else:
        with np.errstate(over="ignore"):
            rounded = expected.physical[good].astype(rules.out)
        assert got.minimum == rounded.min()
        assert got.maximum == rounded.max()
    exact = math.fsum(expected.physical[good]) / int(good.sum())
    largest = float(np.abs(expected.physical[good]).max()) + abs(rules.offset)
    assert abs(got.mean - exact) <= 1e-12 * largest


def check_physical(
    rules: Rules, normaliser: Normaliser, stored: bytes, got: Normalised, expected: oracle.Expected
) -> None:
    with np.errstate(over="ignore"):
        wanted = np.where(expected.there, expected.physical, np.nan).astype(rules.out)
    straight = np.frombuffer(normaliser.physical(stored), "<" + rules.out)
    from_l1 = np.frombuffer(
        physical(
            got.values,
            got.dtype,
            scale=rules.scale,
            offset=rules.offset,
            out=rules.out,
            validity=got.validity,
        ),
        "<" + rules.out,
    )
    assert np.array_equal(straight, wanted, equal_nan=True)
    assert np.array_equal(from_l1, wanted, equal_nan=True)


@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_rule_agrees_with_numpy_when_types_and_lengths_vary(dtype: str, big_endian: bool) -> None:
    order = ">" if big_endian else "<"
    for n in LENGTHS:
        stored = sample(dtype, n).astype(order + dtype).tobytes()
        check(Rules(dtype, big_endian), stored)
        check(Rules(dtype, big_endian, fills=(5,), missing_values=(6, -999.0)), stored)
        check(Rules(dtype, big_endian, fills=(5,), valid=(-50, 60.5), scale=0.1, offset=-3.0), stored)
        check(Rules(dtype, big_endian, implicit=0, valid=(0, None), out="f4", scale=-2.5), stored, 3, 64)


@pytest.mark.parametrize("mode", ["reinterpret", "offset"])
@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8"])
def test_signed_bits_mean_unsigned_numbers_when_asked(dtype: str, mode: str) -> None:
    stored = sample(dtype, 600).astype(">" + dtype).tobytes()

    check(Rules(dtype, True, mode, fills=(-1,), missing_values=(5,), valid=(0, 100)), stored)


def test_fits_unsigned_blank_is_compared_before_the_offset() -> None:
    stored = np.array([-32768, 0, 32767], ">i2").tobytes()

    got = Normaliser("i2", big_endian=True, unsigned="offset", fills=[-32768]).normalise(stored)

    assert np.frombuffer(got.values, "<u2").tolist() == [0, 32768, 65535]
    assert got.validity == bytes([0b110])


def test_64_bit_integers_compare_as_integers_when_floats_cannot_tell_them_apart() -> None:
    values = np.array([2**63 - 2, 2**63 - 1, 2**53, 2**53 + 1], "<i8")

    got = Normaliser("i8", fills=[2**63 - 1], valid=(None, 2**53)).normalise(values.tobytes())

    assert oracle.flags(got.validity, 4).tolist() == [True, False, True, True]
    assert oracle.each(got.reasons, 4, "u2").tolist() == [8, 1, 0, 8]
    assert (got.minimum, got.maximum) == (2**53, 2**53)


@given(
    dtype=st.sampled_from(("i1", "i2", "i4", "u2", "f4", "f8")),
    scale=st.sampled_from((0.01, -0.1, 1.0, 1e-3, 250.0, 3.7e5)),
    offset=st.sampled_from((0.0, 273.15, -1e4)),
    low=st.none() | st.floats(-1e6, 1e6),
    high=st.none() | st.floats(-1e6, 1e6),
    seed=st.integers(0, 1000),
)
def test_limits_in_physical_units_act_as_if_each_value_was_scaled_first(
    dtype: str, scale: float, offset: float, low: float | None, high: float | None, seed: int
) -> None:
    rules = Rules(dtype, valid=(low, high), valid_physical=True, scale=scale, offset=offset)

    check(rules, sample(dtype, 300, seed).tobytes())


@given(st.lists(st.floats(width=32), max_size=600), st.floats(width=32), st.floats(width=32))
def test_floats_of_any_kind_agree_with_numpy(values: list[float], fill: float, low: float) -> None:
    limits = None if math.isnan(low) else (low, None)

    check(Rules("f4", True, fills=(fill,), valid=limits), np.array(values, ">f4").tobytes())


@given(st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300), st.integers(-(2**63), 2**63 - 1))
def test_wide_integers_of_any_kind_agree_with_numpy(values: list[int], low: int) -> None:
    check(Rules("i8", True, fills=tuple(values[:2]), valid=(low, None)), np.array(values, ">i8").tobytes())


def test_a_nan_fill_names_its_reason() -> None:
    got = Normaliser("f8", fills=[math.nan]).normalise(np.array([1.0, np.nan]).tobytes())

    assert oracle.each(got.reasons, 2, "u2").tolist() == [0, oracle.FILL]


def test_mean_is_finite_when_the_sum_overflows() -> None:
    got = Normaliser("f8").normalise(np.full(300, 1.5e308).tobytes())

    assert got.mean == pytest.approx(1.5e308, rel=1e-12)


def test_mean_keeps_what_a_plain_sum_loses() -> None:
    values = np.full(1_000_000, 0.1)
    values[0] = 1e10

    got = Normaliser("f8").normalise(values.tobytes())

    assert got.mean == pytest.approx(math.fsum(values) / len(values), rel=1e-12)


def test_no_value_is_counted_when_the_floor_of_quality_is_fail() -> None:
    got = Normaliser("i2", fills=[0]).normalise(np.array([0, 1, 2], "<i2").tobytes(), quality=4, reasons=64)

    assert got.counts == {9: 1, 4: 2}
    assert (got.n_valid, got.mean) == (0, None)
    assert oracle.each(got.reasons, 3, "u2").tolist() == [65, 64, 64]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_any_buffer_is_accepted(kind: Any) -> None:
    stored = np.arange(10, dtype="<i4").tobytes()

    assert Normaliser("i4").normalise(kind(stored)).values == stored


@pytest.mark.parametrize(
    ("arguments", "keywords", "code"),
    [
        (("i3",), {}, "format.dtype"),
        (("i2",), {"unsigned": "yes"}, "format.dtype"),
        (("f4",), {"unsigned": "reinterpret"}, "format.dtype"),
        (("i2",), {"out": "f2"}, "format.dtype"),
        (("i2",), {"scale": math.nan}, "format.bad_scaling"),
        (("i2",), {"scale": 0.0}, "format.bad_scaling"),
        (("i2",), {"offset": math.inf}, "format.bad_scaling"),
    ],
)
def test_unusable_rules_are_refused(arguments: tuple[str], keywords: dict[str, Any], code: str) -> None:
    with pytest.raises(KernelError) as caught:
        Normaliser(*arguments, **keywords)

    assert caught.value.code == code


def test_a_cut_value_is_refused() -> None:
    with pytest.raises(KernelError) as caught:
        Normaliser("i4").normalise(bytes(7))

    assert caught.value.code == "format.length"
