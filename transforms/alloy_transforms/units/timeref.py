"""Time units with a reference: "seconds since 2000-01-01T12:00:00 0:00" -> TimeRef, in integers.

Only what is an instant of UTC gets `epoch_ns`. Model calendars (360_day, noleap …), months and years since, dates
before the Gregorian reform in the mixed calendar, and dates outside int64 ns keep number, unit and calendar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from ..record import TimeRef
from .civil import NS, date_time
from .leapseconds import scale_to_utc, utc_to_scale

MAX_CHARACTERS = 256
UTC_CALENDARS = frozenset(("", "standard", "gregorian", "proleptic_gregorian"))
_I64 = range(-(1 << 63), 1 << 63)
_REFORM_NS = -12_219_292_800 * NS  # 1582-10-15, the first Gregorian day of the mixed calendar

_DAY = 86_400 * NS
_YEAR = 31_556_925_974_700_000  # UDUNITS year: 3.15569259747e7 s

_UNITS: Mapping[str, tuple[str, int]] = {
    **dict.fromkeys(("nanosecond", "nanosec", "ns"), ("ns", 1)),
    **dict.fromkeys(("microsecond", "microsec", "us", "\u00b5s", "\u03bcs"), ("us", 1_000)),
    **dict.fromkeys(("millisecond", "millisec", "msec", "ms"), ("ms", 1_000_000)),
    **dict.fromkeys(("second", "sec", "s"), ("s", NS)),
    **dict.fromkeys(("minute", "min"), ("min", 60 * NS)),
    **dict.fromkeys(("hour", "hr", "h"), ("h", 3_600 * NS)),
    **dict.fromkeys(("day", "d"), ("d", _DAY)),
    **dict.fromkeys(("week",), ("wk", 7 * _DAY)),
    **dict.fromkeys(("month",), ("", _YEAR // 12)),
    **dict.fromkeys(("year", "yr"), ("", _YEAR)),
    **dict.fromkeys(("common_year",), ("", 365 * _DAY)),
}
"""Unit word -> (UCUM, length [ns]); no UCUM where the length of one is no fixed number of seconds."""

_SINCE = re.compile(
    r"\s*([A-Za-z\u00b5\u03bc_]+)\s+(?:since|after|from|ref|@)\s+(.+?)\s*", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class TimeUnits:
    """What a time unit with a reference says.

    Attributes:
        unit: UCUM of one tick; None for months and years.
        ref: the reference; its `epoch_ns` is None where numbers are no UTC instants.
    """

    unit: str | None
    ref: TimeRef


def parse_time_units(text: str, calendar: str = "standard") -> TimeUnits | None:
    """Understand a CF time unit; None when it is none, or has a unit word nobody defines.

    Args:
        text: the `units` attribute.
        calendar: the `calendar` attribute, compared without case.

    Source: CF Conventions 1.12, section 4.4; UDUNITS-2 for zones ("0:00", "+2", "UTC").
    """
    found = _SINCE.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
    if found is None:
        return None
    word = found[1]
    entry = _UNITS.get(word) or (_UNITS.get(word.lower().removesuffix("s")) if len(word) > 2 else None)
    if entry is None:
        return None
    unit, tick = entry
    kind = calendar.strip().lower()
    scale = "TAI" if kind == "tai" else "UTC"
    epoch = _epoch(found[2], kind, scale) if unit else None
    return TimeUnits(unit or None, TimeRef(epoch, float(tick), kind or "standard", scale))


def _epoch(text: str, calendar: str, scale: str) -> int | None:
    if calendar not in UTC_CALENDARS and calendar != "tai":
        return None
    ns = date_time(text)
    if ns is None or (calendar != "proleptic_gregorian" and ns < _REFORM_NS):
        return None
    utc = scale_to_utc(scale, ns)
    return utc if utc is not None and utc in _I64 else None


def to_utc_ns(value: int | float, ref: TimeRef) -> int | None:
    """The UTC instant of one number of a time variable, computed in exact fractions, rounded to even once.

    Returns:
        ns since 1970-01-01 UTC; None where there is none: no epoch, not finite, outside int64, or a scale
        without a fixed relation to UTC.
    """
    if ref.epoch_ns is None or value != value or value in (float("inf"), float("-inf")):
        return None
    elapsed = round(Fraction(value) * Fraction(ref.tick_ns))
    if ref.scale == "UTC":
        utc: int | None = ref.epoch_ns + elapsed
    else:
        start = utc_to_scale(ref.scale, ref.epoch_ns)
        utc = None if start is None else scale_to_utc(ref.scale, start + elapsed)
    return utc if utc is not None and utc in _I64 else None
