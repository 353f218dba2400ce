"""DATE-OBS and its relatives: the date forms FITS files really have, and the scale TIMESYS names.

Forms: CCYY-MM-DD[Thh:mm:ss[.s…]] with or without a trailing Z, DD/MM/YY (19YY), DD/MM/YYYY, and YY/MM/DD where the
first number can be no day. No instant is invented: an unknown TIMESYS, or a scale without an exact relation to UTC,
gives None and the text stays an attribute.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from .civil import date_time, day_start, of_day
from .leapseconds import scale_to_utc

MAX_CHARACTERS = 40

SCALES: Mapping[str, str] = {
    "UTC": "UTC",
    "UT": "UTC",  # FITS 4.0 table 30: synonym of UTC since 1972
    "GMT": "UTC",
    "TAI": "TAI",
    "IAT": "TAI",
    "TT": "TT",
    "TDT": "TT",
    "ET": "TT",
    "GPS": "GPS",
    "TDB": "TDB",
    "TCB": "TCB",
    "TCG": "TCG",
    "UT1": "UT1",
    "LOCAL": "LOCAL",
}
"""TIMESYS -> scale of the record model (FITS 4.0 table 30)."""

_SLASHES = re.compile(
    r"([0-9]{1,4})/([0-9]{1,2})/([0-9]{1,4})(?:[T ]+([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{0,12}))?)?"
)


@dataclass(frozen=True, slots=True)
class FitsDate:
    """A date as the file says it.

    Attributes:
        ns: since 1970-01-01T00:00:00 of its own scale.
        has_time: False where only a day is given: midnight is then an assumption.
        zulu: a trailing Z; it names UTC and beats TIMESYS only where that is absent.
    """

    ns: int
    has_time: bool
    zulu: bool


def scale_of(timesys: str | None) -> str:
    """The scale of TIMESYS; "UTC" where the card is absent, "" where its value is not one of the standard's.

    Source: FITS Standard 4.0, section 9.2.1; a realisation in parentheses ("TT(TAI)") is dropped.
    """
    if timesys is None or not timesys.strip():
        return "UTC"
    return SCALES.get(timesys.strip().upper().partition("(")[0], "")


def parse_date(text: str) -> FitsDate | None:
    """A FITS date of any of the forms above; None where it is none of them."""
    trimmed = text.strip()
    if not 0 < len(trimmed) <= MAX_CHARACTERS:
        return None
    if "/" in trimmed:
        return _slashed(trimmed)
    zulu = trimmed.endswith("Z")
    plain = trimmed.removesuffix("Z")
    # DATE needs two digits everywhere and no zone but Z
    if not re.fullmatch(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]*)?)?)?", plain
    ):
        return None
    ns = date_time(plain)
    return None if ns is None else FitsDate(ns, len(plain) > 10, zulu)


def instant(text: str, timesys: str | None = None) -> int | None:
    """UTC ns of a FITS date; None where none follows from what the file says.

    Args:
        text: value of DATE-OBS, DATE-BEG, DATEREF …
        timesys: value of TIMESYS; None where the card is absent.
    """
    date = parse_date(text)
    return None if date is None else scale_to_utc(scale_of(timesys), date.ns)


def _slashed(text: str) -> FitsDate | None:
    found = _SLASHES.fullmatch(text)
    if found is None:
        return None
    first, month, last = int(found[1]), int(found[2]), int(found[3])
    if len(found[3]) == 4:
        year, day = last, first
    elif len(found[1]) == 4:
        year, day = first, last
    elif first > 31:
        year, day = 1900 + first, last
    else:
        year, day = 1900 + last, first
    start = day_start(year, month, day)
    clock = of_day(int(found[4]), int(found[5]), int(found[6]), found[7] or "") if found[4] else 0
    return None if start is None or clock is None else FitsDate(start + clock, found[4] is not None, False)
