"""CF time units ("days since 1950-01-01") -> what a time variable counts. Never a guess.

Only calendars that agree with UTC after the Gregorian reform give an instant; 360_day, noleap and the like
stay number, unit and calendar. Months and years are no fixed lengths and give nothing.
Source: CF Conventions 1.11, section 4.4; UDUNITS-2 grammar for the reference instant.
"""

from __future__ import annotations

import re
from datetime import date

from alloy_transforms.record import TimeRef

NS = 1_000_000_000
_TICKS = {
    1: ("nanosecond", "nanoseconds", "nsec", "nsecs", "ns"),
    1_000: ("microsecond", "microseconds", "microsec", "microsecs", "us", "µs"),
    1_000_000: ("millisecond", "milliseconds", "millisec", "millisecs", "msec", "msecs", "ms"),
    NS: ("second", "seconds", "sec", "secs", "s"),
    60 * NS: ("minute", "minutes", "min", "mins"),
    3_600 * NS: ("hour", "hours", "hr", "hrs", "h"),
    86_400 * NS: ("day", "days", "d"),
    604_800 * NS: ("week", "weeks"),
}
_TICK_OF = {name: tick for tick, names in _TICKS.items() for name in names}
_UCUM = {
    1: "ns",
    1_000: "us",
    1_000_000: "ms",
    NS: "s",
    60 * NS: "min",
    3_600 * NS: "h",
    86_400 * NS: "d",
    604_800 * NS: "wk",
}
_CALENDARS = frozenset({"standard", "gregorian", "proleptic_gregorian"})
_FIELDS = frozenset({"360_day", "noleap", "365_day", "all_leap", "366_day", "julian", "none", "tai", "utc"})
_GREGORIAN = date(1582, 10, 15).toordinal()
_EPOCH = date(1970, 1, 1).toordinal()
_FORM = re.compile(
    r"(?P<unit>\S+)\s+since\s+(?P<year>[+-]?\d{1,4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"
    r"(?:[T\s]\s*(?P<hour>\d{1,2}):(?P<minute>\d{1,2})(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d{0,18}))?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]?\d{1,2}:\d{2}|[+-]\d{1,4})?",
    re.IGNORECASE,
)


def time_ref(units: str, calendar: str) -> tuple[TimeRef | None, str | None]:
    """What numbers of these units count.

    Args:
        units: attribute text, untrusted.
        calendar: lower case.

    Returns:
        (reference or None where the unit or the instant is not defined, UCUM code of one tick). A calendar of
        fields gives a reference without `epoch_ns`.
    """
    found = _FORM.fullmatch(" ".join(units.split()))
    if found is None or len(units) > 200:
        return None, None
    tick = _TICK_OF.get(found["unit"]) or _TICK_OF.get(found["unit"].lower())
    if tick is None:
        return None, None
    if calendar in _FIELDS:
        return TimeRef(None, float(tick), calendar), _UCUM[tick]
    if calendar not in _CALENDARS:
        return None, _UCUM[tick]
    try:
        ordinal = date(int(found["year"]), int(found["month"]), int(found["day"])).toordinal()
    except ValueError:
        return None, _UCUM[tick]
    if calendar != "proleptic_gregorian" and ordinal < _GREGORIAN:
        return None, _UCUM[tick]  # the Julian half of the mixed calendar
    clock = _clock_ns(found)
    zone = _zone_ns(found["zone"])
    if clock is None or zone is None:
        return None, _UCUM[tick]
    epoch = (ordinal - _EPOCH) * 86_400 * NS + clock - zone
    return TimeRef(epoch, float(tick), calendar), _UCUM[tick]


def _clock_ns(found: re.Match[str]) -> int | None:
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    if hour > 23 or minute > 59 or second > 59:
        return None
    fraction = int((found["fraction"] or "0").ljust(9, "0")[:9])
    return (hour * 3_600 + minute * 60 + second) * NS + fraction


def _zone_ns(text: str | None) -> int | None:
    """UDUNITS: an offset east of Greenwich, as hours, hours and minutes, or hh:mm."""
    if text is None or text.upper() in ("Z", "UTC", "GMT"):
        return 0
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-")
    if ":" in body:
        hours, minutes = (int(part) for part in body.split(":"))
    elif len(body) <= 2:
        hours, minutes = int(body), 0
    else:
        hours, minutes = int(body[:-2]), int(body[-2:])
    if hours > 14 or minutes > 59:
        return None
    return sign * (hours * 3_600 + minutes * 60) * NS
