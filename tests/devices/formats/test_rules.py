"""The written rules, one by one: packing, limits, times, spellings, cutting of arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_devices.formats.conventions_cf import meaning_of
from alloy_devices.formats.fits_time import column_time
from alloy_devices.formats.model import Element, TypedAttr, rectangles
from alloy_devices.formats.packing import as_stored, packing_of
from alloy_transforms.record import Reason

SHORT = Element("i", 2, True)


def attrs(**found: tuple[str, float]) -> dict[str, TypedAttr]:
    return {name: TypedAttr(dtype, (value,)) for name, (dtype, value) in found.items()}


@given(st.lists(st.integers(1, 7), max_size=4), st.integers(1, 200))
def test_rectangles_cover_every_element_in_order_when_an_array_is_cut(sizes: list[int], limit: int) -> None:
    shape = tuple(sizes)
    whole = np.arange(math.prod(shape)).reshape(shape)

    parts = []
    for origin, part, first, count in rectangles(shape, 4, limit):
        block = whole[tuple(slice(s, s + n) for s, n in zip(origin, part, strict=True))]
        assert block.size == count
        assert count * 4 <= max(limit, 4)
        assert block.ravel()[0] == first
        parts.append(block.ravel())

    assert np.concatenate(parts).tolist() == whole.ravel().tolist()


def test_default_fill_applies_when_nothing_is_declared() -> None:
    assert packing_of("/v", SHORT, {}, default_fills=True).missing.implicit == -32767  # type: ignore[union-attr]


def test_no_default_fill_when_the_type_has_one_byte() -> None:
    assert packing_of("/v", Element("i", 1), {}, default_fills=True).missing is None


def test_no_default_fill_when_a_fill_is_declared() -> None:
    rule = packing_of("/v", SHORT, attrs(_FillValue=("i2", -1)), default_fills=True).missing

    assert rule is not None
    assert (rule.fills, rule.implicit) == ((-1,), None)


def test_fill_is_unsigned_when_the_variable_is() -> None:
    found = attrs(_FillValue=("i1", -1)) | {"_Unsigned": TypedAttr("text", "true")}

    packed = packing_of("/v", Element("i", 1), found, default_fills=True)

    assert packed.unsigned
    assert packed.missing is not None
    assert packed.missing.fills == (255,)


@pytest.mark.parametrize(("limit_type", "physical"), [("f4", True), ("i2", False), ("f8", False)])
def test_limits_are_physical_when_they_have_the_type_of_the_scale(limit_type: str, physical: bool) -> None:
    found = attrs(scale_factor=("f4", 0.5), valid_max=(limit_type, 340))

    packed = packing_of("/v", SHORT, found, default_fills=False)

    assert (packed.physical_limits == (None, 340)) is physical
    assert (packed.missing is None) is physical


@pytest.mark.parametrize(
    ("stored", "scale", "out"), [(2, "f4", "f4"), (2, "f8", "f8"), (4, "f4", "f8"), (1, "f4", "f4")]
)
def test_physical_type_follows_the_rule_when_values_are_packed(stored: int, scale: str, out: str) -> None:
    pack = packing_of("/v", Element("i", stored), attrs(scale_factor=(scale, 0.1)), default_fills=False).pack

    assert pack is not None
    assert pack.out == out


def test_values_are_suspect_when_the_scale_is_text() -> None:
    packed = packing_of("/v", SHORT, {"scale_factor": TypedAttr("text", "0.1")}, default_fills=False)

    assert packed.pack is not None
    assert packed.pack.scale == 0.1
    assert packed.suspect == Reason.SCALING


@pytest.mark.parametrize(
    ("number", "dtype", "stored"),
    [
        (-9999, "i2", -9999),
        (1e30, "i4", None),
        (0.5, "i2", None),
        (math.nan, "i2", None),
        (70000, "i2", None),
    ],
)
def test_fill_never_matches_when_its_type_cannot_hold_it(
    number: float, dtype: str, stored: int | None
) -> None:
    assert as_stored(number, dtype) == stored


@pytest.mark.parametrize(
    ("units", "calendar"), [("months since 2000-01-31", "standard"), ("days since 2000-01-01", "360_day")]
)
def test_numbers_stay_numbers_when_no_instant_is_defined(units: str, calendar: str) -> None:
    found = {"units": TypedAttr("text", units), "calendar": TypedAttr("text", calendar)}

    meaning = meaning_of("/t", SHORT, found, conventions=True, default_fills=True)

    assert meaning.time is not None
    assert (meaning.time.epoch_ns, meaning.time.calendar) == (None, calendar)
    assert [note.code for note in meaning.notes] == ["format.unknown_time"]


def test_reference_is_utc_with_timezero_when_a_fits_column_counts_in_tt() -> None:
    cards = [
        ("TIMESYS", "TT", ""),
        ("MJDREFI", 51910, ""),
        ("MJDREFF", 7.428703703703703e-4, ""),
        ("TIMEZERO", 3.0, ""),
    ]
    column = {"name": "TIME", "code": "D", "unit": "s"}

    time = column_time({"cards": cards}, column, "TIME")  # type: ignore[typeddict-item]

    assert time is not None
    assert time.scale == "TT"
    assert time.epoch_ns is not None
    assert abs(time.epoch_ns - (978_307_200 + 3) * 10**9) < 1_000_000  # 2001-01-01T00:00:03Z


@pytest.mark.parametrize("reference", [("MJDREFI", math.inf), ("MJDREFF", math.inf), ("MJDREFF", math.nan)])
def test_fits_column_has_no_time_when_its_reference_is_not_finite(reference: tuple[str, float]) -> None:
    cards = [
        (key, value, "") for key, value in ({"MJDREFI": 51910, "MJDREFF": 0.0} | dict([reference])).items()
    ]

    column = {"name": "TIME", "code": "D", "unit": "s"}

    assert column_time({"cards": cards}, column, "TIME") is None  # type: ignore[typeddict-item]
