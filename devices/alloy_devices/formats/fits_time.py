"""FITS times: keywords and time columns -> UTC, where the file defines an instant; never a guess.

DATE-OBS is in TIMESYS, and TT is 66 s or more away from UTC. A scale without a fixed relation to UTC here
(TDB, UT1, LOCAL, 'MJD') gives no instant; the text stays as it is.
Source: FITS Standard 4.0, section 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeGuard

from alloy_transforms.record import Attr, TimeRef
from alloy_transforms.units import instant
from alloy_transforms.units.fitstime import scale_of
from alloy_transforms.units.leapseconds import scale_to_utc

from .model import Problem

if TYPE_CHECKING:
    from ..native import FitsColumn, FitsHdu

NS = 1_000_000_000
DAY_NS = 86_400 * NS
MJD_UNIX = 40_587
_DATES = ("DATE-OBS", "DATE-BEG", "DATE-END", "DATE-AVG")
_MJDS = ("MJD-OBS", "MJD-BEG", "MJD-END")
_UNITS = {"s": NS, "sec": NS, "min": 60 * NS, "h": 3600 * NS, "d": DAY_NS, "day": DAY_NS, "ms": NS // 1000}
_TIME_COLUMNS = frozenset({"TIME", "ENDTIME", "START", "STOP", "TSTART", "TSTOP"})


def mjd_ns(days: float, extra_days: float = 0.0) -> int:
    """A modified Julian date as ns on the dial of its own scale; whole days and fraction apart."""
    whole = int(days // 1)
    rest = (days - whole) + extra_days
    return (whole - MJD_UNIX) * DAY_NS + round(rest * DAY_NS)


def instants(cards: Mapping[str, Attr], path: str) -> tuple[dict[str, Attr], list[Problem]]:
    """UTC of every date keyword that defines one, as `KEY@utc_ns`, and a note for each that does not."""
    timesys = _timesys(cards)
    out: dict[str, Attr] = {}
    notes: list[Problem] = []
    for key in (*_DATES, *_MJDS):
        value = cards.get(key)
        if key in _DATES and isinstance(value, str) and value.strip():
            utc = instant(value, timesys)
        elif key in _MJDS and _is_number(value) and abs(value) < 1e7:
            utc = scale_to_utc(scale_of(timesys), mjd_ns(float(value)))
        else:
            continue
        if utc is None:
            message = (
                f"{key} = {value!s:.40} in TIMESYS {cards.get('TIMESYS', 'UTC')!s:.20} is no UTC instant"
            )
            notes.append(Problem("format.unknown_time", message, path))
        else:
            out[f"{key}@utc_ns"] = utc
    return out, notes


def _timesys(cards: Mapping[str, object]) -> str | None:
    said = cards.get("TIMESYS")
    return None if said is None else str(said)


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def column_time(hdu: FitsHdu, column: FitsColumn, name: str) -> TimeRef | None:
    """What a time column counts: units since MJDREF + TIMEZERO, in TIMESYS (OGIP/93-003, FITS 4.0 section 9.2)."""
    if name.upper() not in _TIME_COLUMNS or column["code"] not in ("D", "E", "J", "K", "I", "F"):
        return None
    cards = {key: value for key, value, _ in hdu["cards"]}
    scale = scale_of(_timesys(cards))
    whole, part = cards.get("MJDREFI"), cards.get("MJDREFF", 0.0)
    if whole is None:
        whole, part = cards.get("MJDREF"), 0.0
    unit = str(column["unit"] or cards.get("TIMEUNIT") or "s").strip().lower()
    tick = _UNITS.get(unit)
    if tick is None or not (_is_number(whole) and _is_number(part)):
        return None
    if not (abs(whole) < 1e7 and abs(part) < 1e7):  # NaN and infinity are no dates either
        return None
    dial = mjd_ns(float(whole), float(part))
    zero = cards.get("TIMEZERO", 0.0)
    if _is_number(zero) and abs(zero) < 1e12:
        dial += round(float(zero) * _UNITS.get(str(cards.get("TIMEUNIT") or "s").strip().lower(), tick))
    utc = scale_to_utc(scale, dial)
    return None if utc is None else TimeRef(utc, float(tick), "standard", scale)
