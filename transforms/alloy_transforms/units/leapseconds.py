"""TAI - UTC since 1972, and conversions between UTC, TAI, TT and GPS in integer nanoseconds.

Built in: nothing is fetched. Source: the leap second list of the IERS (as in astropy-iers-data 0.2026.11.2), which
holds until `EXPIRES_NS`; after that the last offset goes on to apply and `known` says that it is an assumption.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime

NS = 1_000_000_000
TT_MINUS_TAI_NS = 32_184_000_000
TAI_MINUS_GPS_NS = 19 * NS

_STEPS = (
    (1972, 1), (1972, 7), (1973, 1), (1974, 1), (1975, 1), (1976, 1), (1977, 1), (1978, 1), (1979, 1), (1980, 1),
    (1981, 7), (1982, 7), (1983, 7), (1985, 7), (1988, 1), (1990, 1), (1991, 1), (1992, 7), (1993, 7), (1994, 7),
    (1996, 1), (1997, 7), (1999, 1), (2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1),
)  # fmt: skip
"""First days on which TAI - UTC is 10 s, 11 s, ... 37 s."""


def _ns(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) * NS


_UTC_STARTS = tuple(_ns(year, month) for year, month in _STEPS)
_TAI_STARTS = tuple(start + (10 + index) * NS for index, start in enumerate(_UTC_STARTS))
EXPIRES_NS = _ns(2027, 6, 28)
"""The table is known to hold up to here [UTC ns]."""


def known(utc_ns: int) -> bool:
    """True where the table is not extrapolated: from 1972 to its expiry."""
    return _UTC_STARTS[0] <= utc_ns < EXPIRES_NS


def utc_to_tai(utc_ns: int) -> int | None:
    """TAI as ns since 1970-01-01 TAI; None before 1972, when UTC ran at another rate."""
    index = bisect_right(_UTC_STARTS, utc_ns) - 1
    return None if index < 0 else utc_ns + (10 + index) * NS


def tai_to_utc(tai_ns: int) -> int | None:
    """UTC as POSIX ns; None before 1972. The instants of a leap second share the second after it."""
    index = bisect_right(_TAI_STARTS, tai_ns) - 1
    return None if index < 0 else tai_ns - (10 + index) * NS


def scale_to_utc(scale: str, ns: int) -> int | None:
    """UTC ns of an instant given as ns since 1970-01-01T00:00:00 of a time scale.

    None: the scale has no exact relation to UTC here (TDB, TCB, TCG, UT1, LOCAL, unknown), or it is before 1972.
    """
    if scale == "UTC":
        return ns
    if scale == "TAI":
        return tai_to_utc(ns)
    if scale == "TT":
        return tai_to_utc(ns - TT_MINUS_TAI_NS)
    if scale == "GPS":
        return tai_to_utc(ns + TAI_MINUS_GPS_NS)
    return None


def utc_to_scale(scale: str, utc_ns: int) -> int | None:
    """The inverse of `scale_to_utc`."""
    if scale == "UTC":
        return utc_ns
    tai = utc_to_tai(utc_ns)
    offset = {"TAI": 0, "TT": TT_MINUS_TAI_NS, "GPS": -TAI_MINUS_GPS_NS}.get(scale)
    return None if tai is None or offset is None else tai + offset
