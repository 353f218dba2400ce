"""UCUM units: parse, convert, and map the spellings of CF, FITS and SenML; time units and FITS dates."""

from .fitstime import instant
from .spellings import from_any, from_cf, from_fits, from_senml
from .timeref import TimeUnits, parse_time_units, to_utc_ns
from .ucum import Unit, convert, is_ucum, parse, same_dimension

__all__ = [
    "TimeUnits",
    "Unit",
    "convert",
    "from_any",
    "from_cf",
    "from_fits",
    "from_senml",
    "instant",
    "is_ucum",
    "parse",
    "parse_time_units",
    "same_dimension",
    "to_utc_ns",
]
