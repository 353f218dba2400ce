"""Dates and times as texts -> integer nanoseconds since 1970 of their own scale; no float, no locale."""

from __future__ import annotations

import re
from datetime import date

NS = 1_000_000_000
_EPOCH = date(1970, 1, 1).toordinal()
_ISO = re.compile(
    r"(?P<y>[0-9]{1,4})-(?P<mo>[0-9]{1,2})-(?P<d>[0-9]{1,2})"
    r"(?:(?:[T ]|[ ]+T?)[ ]*(?P<h>[0-9]{1,2})(?::(?P<mi>[0-9]{1,2})(?::(?P<s>[0-9]{1,2})(?:\.(?P<f>[0-9]{0,12}))?)?)?)?"
    r"[ ]*(?P<zone>Z|UTC|GMT|(?P<sign>[+-]?)(?P<zh>[0-9]{1,2})(?::?(?P<zm>[0-9]{2}))?)?[ ]*"
)


def date_time(text: str) -> int | None:
    """ISO 8601 as files write it, with an optional zone: "2000-1-1 12:00:00.5 +2:00".

    Returns:
        ns since 1970-01-01T00:00:00, the zone taken off; None where the text is no such date. A leap second (second
        60) and digits beyond the ninth that are not 0 have no place in ns and give None.
    """
    found = _ISO.fullmatch(text.strip())
    if found is None:
        return None
    zone = 0
    if found["zh"]:
        hours, minutes = int(found["zh"]), int(found["zm"] or 0)
        if hours > 14 or minutes > 59:
            return None
        zone = (hours * 60 + minutes) * (-1 if found["sign"] == "-" else 1)
    clock = of_day(int(found["h"] or 0), int(found["mi"] or 0), int(found["s"] or 0), found["f"] or "")
    day = day_start(int(found["y"]), int(found["mo"]), int(found["d"]))
    return None if clock is None or day is None else day + clock - zone * 60 * NS


def day_start(year: int, month: int, day: int) -> int | None:
    """ns from 1970 to the start of a Gregorian day; None where there is no such day (year 0 included)."""
    try:
        return (date(year, month, day).toordinal() - _EPOCH) * 86_400 * NS
    except ValueError:
        return None


def of_day(hour: int, minute: int, second: int, fraction: str) -> int | None:
    """ns since midnight; None where a field is out of range."""
    if hour > 23 or minute > 59 or second > 59 or fraction[9:].strip("0"):
        return None
    return ((hour * 60 + minute) * 60 + second) * NS + int(fraction[:9].ljust(9, "0"))
