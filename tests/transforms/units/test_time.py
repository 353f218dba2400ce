"""Time units with a reference, leap seconds and FITS dates, against hand-computed instants, cftime and astropy."""

from __future__ import annotations

import json
import warnings
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_transforms.record import TimeRef
from alloy_transforms.units import instant, parse_time_units, to_utc_ns
from alloy_transforms.units.fitstime import parse_date, scale_of
from alloy_transforms.units.leapseconds import EXPIRES_NS, known, scale_to_utc, utc_to_scale

NS = 1_000_000_000


def ns(*fields: int) -> int:
    return int(datetime(*fields, tzinfo=UTC).timestamp()) * NS


@pytest.mark.parametrize(
    ("text", "unit", "epoch", "tick"),
    [
        ("seconds since 2000-01-01T12:00:00", "s", ns(2000, 1, 1, 12), NS),
        ("seconds since 1970-1-1 0:00:00 0:00", "s", 0, NS),
        ("seconds since 1970-01-01 00:00:00.0 UTC", "s", 0, NS),
        ("seconds since 2006-01-19 16:33:00 0:00", "s", ns(2006, 1, 19, 16, 33), NS),
        ("seconds since 1904-01-01", "s", ns(1904, 1, 1), NS),
        ("days since 1800-01-01 00:00:0.0", "d", ns(1800, 1, 1), 86400 * NS),
        ("days since 1950-01-01 00:00:00 UTC", "d", ns(1950, 1, 1), 86400 * NS),
        ("days since 1900-1-1", "d", ns(1900, 1, 1), 86400 * NS),
        ("Hours since 1970-01-01 00:00:00", "h", 0, 3600 * NS),
        ("hours since 2000-01-01 00:00:00 +02:00", "h", ns(1999, 12, 31, 22), 3600 * NS),
        ("hours since 2000-01-01 00:00 -0530", "h", ns(2000, 1, 1, 5, 30), 3600 * NS),
        ("minutes since 2000-01-01 12", "min", ns(2000, 1, 1, 12), 60 * NS),
        ("ms since 2000-01-01T00:00:00.5Z", "ms", ns(2000, 1, 1) + NS // 2, 10**6),
        ("µs since 2000-01-01", "us", ns(2000, 1, 1), 1000),
        ("nanoseconds since 1970-01-01T00:00:00.000000001", "ns", 1, 1),
        ("weeks since 2000-01-01", "wk", ns(2000, 1, 1), 7 * 86400 * NS),
    ],
)
def test_a_time_unit_gives_its_epoch_and_tick(text: str, unit: str, epoch: int, tick: int) -> None:
    found = parse_time_units(text)

    assert found is not None
    assert (found.unit, found.ref.epoch_ns, found.ref.tick_ns) == (unit, epoch, float(tick))


@pytest.mark.parametrize(
    ("text", "calendar"),
    [
        ("months since 2000-01-01", "standard"),
        ("years since 2000-01-01", "standard"),
        ("common_years since 2000-01-01", "standard"),
        ("days since 0000-01-01", "standard"),
        (
            "days since 0001-01-01",
            "standard",
        ),  # before the reform of the mixed calendar, and outside int64 ns
        ("days since 2000-13-01", "standard"),
        ("days since 2000-02-30", "standard"),
        ("days since yesterday", "standard"),
        ("seconds since 2000-01-01 24:00:00", "standard"),
        ("seconds since 2016-12-31 23:59:60", "standard"),
        ("seconds since 2000-01-01 00:00:00.0000000001", "standard"),
        ("seconds since 2000-01-01 00:00:00 +99", "standard"),
        ("days since 2000-01-01", "360_day"),
        ("days since 2000-01-01", "NOLEAP"),
        ("days since 2000-01-01", "julian"),
        ("days since 2000-01-01", "utc"),
        ("days since 2000-01-01", "martian"),
    ],
)
def test_what_is_no_utc_instant_keeps_number_unit_and_calendar(text: str, calendar: str) -> None:
    found = parse_time_units(text, calendar)

    assert found is not None
    assert found.ref.epoch_ns is None
    assert found.ref.calendar == calendar.lower()
    assert to_utc_ns(1.0, found.ref) is None


@pytest.mark.parametrize(
    "text",
    [
        "fortnights since 2000-01-01",
        "days",
        "since 2000-01-01",
        "",
        "m/s",
        "x" * 300,
        "wibbles since 2000-01-01",
    ],
)
def test_what_is_no_time_unit_is_none(text: str) -> None:
    assert parse_time_units(text) is None


def test_numbers_become_instants_with_one_rounding() -> None:
    days = TimeRef(0, 86400e9)

    assert to_utc_ns(18000, days) == 18000 * 86400 * NS
    assert to_utc_ns(0.1, days) == 8_640_000_000_000
    assert to_utc_ns(2**62, TimeRef(0, 1.0)) == 2**62
    assert to_utc_ns(2**63, TimeRef(0, 1.0)) is None
    assert to_utc_ns(float("nan"), days) is None
    assert to_utc_ns(float("-inf"), days) is None


def test_a_tai_calendar_counts_leap_seconds() -> None:
    found = parse_time_units("seconds since 2016-12-31 23:59:50", "tai")

    assert found is not None
    assert found.ref.scale == "TAI"
    assert found.ref.epoch_ns == ns(2016, 12, 31, 23, 59, 14)
    assert to_utc_ns(100, found.ref) == ns(2017, 1, 1, 0, 0, 53)


@given(st.integers(ns(1972, 1, 2), ns(2100, 1, 1)), st.sampled_from(("UTC", "TAI", "TT", "GPS")))
def test_scales_and_utc_are_inverses(utc: int, scale: str) -> None:
    there = utc_to_scale(scale, utc)

    assert there is not None
    assert scale_to_utc(scale, there) == utc


def test_leap_seconds_are_those_of_the_iers() -> None:
    iers = pytest.importorskip("astropy.utils.iers")
    table = iers.LeapSeconds.from_iers_leap_seconds(iers.IERS_LEAP_SECOND_FILE)

    for row in table:
        start = ns(int(row["year"]), int(row["month"]), 1)
        assert utc_to_scale("TAI", start) == start + int(row["tai_utc"]) * NS
        if start > ns(1972, 1, 1):
            assert utc_to_scale("TAI", start - 1) == start - 1 + (int(row["tai_utc"]) - 1) * NS
    assert known(ns(2026, 1, 1))
    assert not known(EXPIRES_NS)
    assert utc_to_scale("TAI", ns(1971, 1, 1)) is None


def test_gps_time_of_a_gravitational_wave_is_right() -> None:
    # GPS 1126259446 is 2015-09-14T09:50:29 UTC
    assert scale_to_utc("GPS", ns(1980, 1, 6) + 1_126_259_446 * NS) == ns(2015, 9, 14, 9, 50, 29)


@pytest.mark.parametrize("scale", ["TDB", "TCB", "TCG", "UT1", "LOCAL", ""])
def test_scales_without_an_exact_relation_give_no_instant(scale: str) -> None:
    assert scale_to_utc(scale, 0) is None
    assert utc_to_scale(scale, NS * 10**9) is None


@pytest.mark.parametrize(
    ("text", "timesys", "expected"),
    [
        ("2008-09-16T00:13:05", "UTC", ns(2008, 9, 16, 0, 13, 5)),
        ("2008-09-16T00:13:05", None, ns(2008, 9, 16, 0, 13, 5)),
        ("2008-09-16T00:14:10.184", "TT", ns(2008, 9, 16, 0, 13, 5)),  # 33 + 32.184 s
        ("2008-09-16T00:13:38", "TAI", ns(2008, 9, 16, 0, 13, 5)),
        ("2008-09-16T00:13:19", "GPS", ns(2008, 9, 16, 0, 13, 5)),
        ("2008-09-16T00:14:10.184", "TT(TAI)", ns(2008, 9, 16, 0, 13, 5)),
        ("2009-05-13T00:01:07Z", None, ns(2009, 5, 13, 0, 1, 7)),
        ("2000-02-29", None, ns(2000, 2, 29)),
        ("31/12/99", None, ns(1999, 12, 31)),
        ("05/06/2004", None, ns(2004, 6, 5)),
        ("98/02/26", None, ns(1998, 2, 26)),
        ("1999/01/15", None, ns(1999, 1, 15)),
        ("01/02/2003 04:05:06.5", None, ns(2003, 2, 1, 4, 5, 6) + NS // 2),
        ("2008-09-16T00:13:05", "TDB", None),
        ("2008-09-16T00:13:05", "MJD", None),
        ("2001-02-29", None, None),
        ("2000-1-1", None, None),
        ("99/99/99", None, None),
        ("yesterday", None, None),
        ("", None, None),
        ("2000-01-01T00:00:00+02:00", None, None),
    ],
)
def test_a_fits_date_gives_its_instant_or_none(text: str, timesys: str | None, expected: int | None) -> None:
    assert instant(text, timesys) == expected


def test_a_date_without_time_says_so() -> None:
    assert parse_date("2000-01-01").has_time is False
    assert parse_date("2000-01-01T00:00:00Z").zulu is True
    assert scale_of(" utc ") == "UTC"
    assert scale_of("MJD") == ""


@given(st.datetimes(datetime(1973, 1, 1), datetime(2026, 1, 1)), st.sampled_from(("TT", "TAI", "UTC")))
def test_instants_are_those_of_astropy(when: datetime, scale: str) -> None:
    time = pytest.importorskip("astropy.time")
    text = when.isoformat(timespec="microseconds")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle = time.Time(text, scale=scale.lower()).utc.to_value("datetime").replace(tzinfo=UTC)

    found = instant(text, scale)
    assert found is not None
    assert abs(found - round(oracle.timestamp() * 1e6) * 1000) <= 1000


def test_every_time_unit_of_the_science_files_is_understood(shared_data: Path) -> None:
    manifest = json.loads((shared_data / "science" / "manifest.json").read_text(encoding="utf-8"))
    checked = 0
    for file in manifest["files"]:
        for variable in file.get("facts", {}).get("variables", ()):
            facts, stats = variable.get("time"), variable.get("stats", {})
            text = variable.get("units")
            if (
                not facts
                or not isinstance(text, str)
                or facts.get("first") is None
                or not facts.get("monotonic")
            ):
                continue
            found = parse_time_units(text, facts.get("calendar", "standard"))
            assert found is not None, text
            if found.ref.epoch_ns is None or stats.get("min") is None:
                continue
            first = to_utc_ns(stats["min"], found.ref)
            expected = datetime.fromisoformat(facts["earliest"])
            assert first is not None
            assert abs(first - round(expected.timestamp() * 1e6) * 1000) <= 1_000_000, (file["file"], text)
            checked += 1
    assert checked >= 10
