"""FITS times: keywords and time columns -> UTC, where the file defines an instant; never a guess.

DATE-OBS is in TIMESYS, and TT is 66 s or more away from UTC. A scale without a fixed relation to UTC here
(TDB, UT1, LOCAL, 'MJD') gives no instant; the text stays as it is.
Source: FITS Standard 4.0, section 9; IERS Bulletin C for the leap seconds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

from alloy_transforms.record import Attr, TimeRef

from .model import Problem

if TYPE_CHECKING:
    from ..native import FitsColumn, FitsHdu

NS = 1_000_000_000
DAY_NS = 86_400 * NS
MJD_UNIX = 40_587
_TT_MINUS_TAI_NS = 32_184_000_000
_GPS_MINUS_TAI_NS = -19 * NS
_EPOCH = date(1970, 1, 1).toordinal()
_LEAPS = (  # first UTC day with this TAI-UTC [s]
    ("1972-01-01", 10), ("1972-07-01", 11), ("1973-01-01", 12), ("1974-01-01", 13), ("1975-01-01", 14),
    ("1976-01-01", 15), ("1977-01-01", 16), ("1978-01-01", 17), ("1979-01-01", 18), ("1980-01-01", 19),
    ("1981-07-01", 20), ("1982-07-01", 21), ("1983-07-01", 22), ("1985-07-01", 23), ("1988-01-01", 24),
    ("1990-01-01", 25), ("1991-01-01", 26), ("1992-07-01", 27), ("1993-07-01", 28), ("1994-07-01", 29),
    ("1996-01-01", 30), ("1997-07-01", 31), ("1999-01-01", 32), ("2006-01-01", 33), ("2009-01-01", 34),
    ("2012-07-01", 35), ("2015-07-01", 36), ("2017-01-01", 37),
)  # fmt: skip
_LEAP_NS = tuple(((date.fromisoformat(day).toordinal() - _EPOCH) * DAY_NS, n * NS) for day, n in _LEAPS)
_DATES = ("DATE-OBS", "DATE-BEG", "DATE-END", "DATE-AVG")
_MJDS = ("MJD-OBS", "MJD-BEG", "MJD-END")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,18}))?)?")
_OLD = re.compile(r"(\d\d)/(\d\d)/(\d\d)")
_UNITS = {"s": NS, "sec": NS, "min": 60 * NS, "h": 3600 * NS, "d": DAY_NS, "day": DAY_NS, "ms": NS // 1000}
_TIME_COLUMNS = frozenset({"TIME", "ENDTIME", "START", "STOP", "TSTART", "TSTOP"})


def to_utc_ns(scale: str, count_ns: int) -> int | None:
    """A reading of a clock of this scale, as ns since 1970-01-01 on its own dial -> UTC ns; None: not defined.

    Args:
        scale: UTC, TAI, TT or GPS.
    """
    if scale == "UTC":
        return count_ns
    offset = {"TAI": 0, "TT": _TT_MINUS_TAI_NS, "GPS": _GPS_MINUS_TAI_NS}.get(scale)
    if offset is None:
        return None
    tai = count_ns - offset
    for start, leap in reversed(_LEAP_NS):
        if tai - leap >= start:
            return tai - leap
    return None  # before 1972 UTC had no whole-second offset


def scale_of(cards: Mapping[str, object]) -> str | None:
    """The time scale of a header; None where its TIMESYS is not one that is converted."""
    said = str(cards.get("TIMESYS") or "UTC").strip().upper() or "UTC"
    known = {
        "UTC": "UTC",
        "GMT": "UTC",
        "TAI": "TAI",
        "IAT": "TAI",
        "TT": "TT",
        "TDT": "TT",
        "ET": "TT",
        "GPS": "GPS",
    }
    return known.get(said)


def dial_ns(text: str) -> int | None:
    """A date text as ns on the dial of its own scale; None where the form is not defined."""
    body = text.strip()
    body = body[:-1] if body.endswith("Z") else body  # missions write it; the standard has none
    found = _ISO.fullmatch(body)
    if found:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        fraction = int((found[7] or "0").ljust(9, "0")[:9])
    else:
        old = _OLD.fullmatch(body)  # FITS 4.0 section 9.1.1: DD/MM/YY is 19YY
        if not old:
            return None
        day, month, year = int(old[1]), int(old[2]), 1900 + int(old[3])
        hour = minute = second = fraction = 0
    try:
        days = date(year, month, day).toordinal() - _EPOCH
    except ValueError:
        return None
    if hour > 23 or minute > 59 or second > 60:
        return None
    return days * DAY_NS + (hour * 3600 + minute * 60 + second) * NS + fraction


def mjd_ns(days: float, extra_days: float = 0.0) -> int:
    """A modified Julian date as ns on the dial of its own scale; whole days and fraction apart."""
    whole = int(days // 1)
    rest = (days - whole) + extra_days
    return (whole - MJD_UNIX) * DAY_NS + round(rest * DAY_NS)


def instants(cards: Mapping[str, Attr], path: str) -> tuple[dict[str, Attr], list[Problem]]:
    """UTC of every date keyword that defines one, as `KEY@utc_ns`, and a note for each that does not."""
    scale = scale_of(cards)
    out: dict[str, Attr] = {}
    notes: list[Problem] = []
    for key in (*_DATES, *_MJDS):
        value = cards.get(key)
        dial = None
        if key in _DATES and isinstance(value, str) and value.strip():
            dial = dial_ns(value)
        elif key in _MJDS and _is_number(value) and abs(float(value)) < 1e7:  # type: ignore[arg-type]
            dial = mjd_ns(float(value))  # type: ignore[arg-type]
        else:
            continue
        utc = to_utc_ns(scale, dial) if scale is not None and dial is not None else None
        if utc is None:
            message = (
                f"{key} = {value!s:.40} in TIMESYS {cards.get('TIMESYS', 'UTC')!s:.20} is no UTC instant"
            )
            notes.append(Problem("format.unknown_time", message, path))
        else:
            out[f"{key}@utc_ns"] = utc
    return out, notes


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def column_time(hdu: FitsHdu, column: FitsColumn, name: str) -> TimeRef | None:
    """What a time column counts: units since MJDREF + TIMEZERO, in TIMESYS (OGIP/93-003, FITS 4.0 section 9.2)."""
    if name.upper() not in _TIME_COLUMNS or column["code"] not in ("D", "E", "J", "K", "I", "F"):
        return None
    cards = {key: value for key, value, _ in hdu["cards"]}
    scale = scale_of(cards)
    whole, part = cards.get("MJDREFI"), cards.get("MJDREFF", 0.0)
    if whole is None:
        whole, part = cards.get("MJDREF"), 0.0
    unit = str(column["unit"] or cards.get("TIMEUNIT") or "s").strip().lower()
    tick = _UNITS.get(unit)
    if scale is None or tick is None or not (_is_number(whole) and _is_number(part)):
        return None
    reference = float(whole)  # type: ignore[arg-type]
    if not abs(reference) < 1e7:
        return None
    dial = mjd_ns(reference, float(part))  # type: ignore[arg-type]
    zero = cards.get("TIMEZERO", 0.0)
    if _is_number(zero) and abs(float(zero)) < 1e12:  # type: ignore[arg-type]
        dial += round(float(zero) * _UNITS.get(str(cards.get("TIMEUNIT") or "s").strip().lower(), tick))  # type: ignore[arg-type]
    utc = to_utc_ns(scale, dial)
    return None if utc is None else TimeRef(utc, float(tick), "standard", scale)
