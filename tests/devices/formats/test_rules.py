"""The written rules, one by one: packing, limits, times, spellings, cutting of arrays."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_devices.formats.cf_time import time_ref
from alloy_devices.formats.fits_time import dial_ns, to_utc_ns
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
    ("units", "epoch_s"),
    [
        ("seconds since 1970-1-1 0:00:00 0:00", 0),
        ("seconds since 2000-01-01T12:00:00", 946_728_000),
        ("days since 1970-01-02", 86_400),
        ("hours since 1970-01-01 00:00:00 +02:00", -7_200),
        ("seconds since 1970-01-01 00:00:00 -0130", 5_400),
        ("days since 1970-01-01 00:00:00Z", 0),
    ],
)
def test_epoch_is_utc_when_units_name_an_instant(units: str, epoch_s: int) -> None:
    time, _ = time_ref(units, "standard")

    assert time is not None
    assert time.epoch_ns == epoch_s * 10**9


@pytest.mark.parametrize(
    ("units", "calendar"),
    [
        ("months since 2000-01-31", "standard"),
        ("days since 0000-00-00", "standard"),
        ("days since 1500-01-01", "standard"),
        ("seconds since 2019-13-45 25:61:61", "standard"),
        ("days since 2000-01-01", "martian"),
    ],
)
def test_no_reference_when_no_instant_is_defined(units: str, calendar: str) -> None:
    assert time_ref(units, calendar)[0] is None


@pytest.mark.parametrize("calendar", ["360_day", "noleap", "julian"])
def test_fields_stay_fields_when_the_calendar_is_not_utc(calendar: str) -> None:
    time, _ = time_ref("days since 1900-01-01", calendar)

    assert time is not None
    assert (time.epoch_ns, time.calendar) == (None, calendar)


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("2011-06-06T23:59:55", True),
        ("12/06/99", True),
        ("2009-05-13T00:00:00Z", True),
        ("98/02/26", False),
        ("12/06/2012", False),
    ],
)
def test_date_forms_are_read_when_they_are_unambiguous(text: str, known: bool) -> None:
    assert (dial_ns(text) is not None) is known


def test_utc_lies_66_s_before_tt_when_34_leap_seconds_had_passed() -> None:
    dial = dial_ns("2011-06-06T23:59:55")

    assert dial is not None
    assert dial - (to_utc_ns("TT", dial) or 0) == 66_184_000_000
    assert to_utc_ns("TDB", dial) is None
