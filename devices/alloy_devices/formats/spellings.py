"""Spellings of units in files -> UCUM codes. A table of exact spellings: what is not in it is never guessed.

Source: UDUNITS-2 names, FITS Standard 4.0 section 4.3, and what instrument files were found to write.
"""

from __future__ import annotations

from typing import Final

_COMMON: Final = {
    "1": "1", "": "1", "unitless": "1", "none": "1", "dimensionless": "1", "%": "%", "percent": "%",
    "K": "K", "kelvin": "K", "degK": "K", "C": "Cel", "degC": "Cel", "Celsius": "Cel", "celsius": "Cel",
    "deg Celsius": "Cel", "degree_Celsius": "Cel", "degrees_Celsius": "Cel", "degree_C": "Cel", "°C": "Cel",
    "m": "m", "meter": "m", "meters": "m", "metre": "m", "metres": "m", "km": "km", "cm": "cm", "mm": "mm",
    "um": "um", "nm": "nm", "s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "min", "h": "h",
    "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d", "ms": "ms", "us": "us", "ns": "ns",
    "m/s": "m/s", "m s-1": "m/s", "meters/second": "m/s", "m s^-1": "m/s", "km/s": "km/s", "m/s**2": "m/s2",
    "degree": "deg", "degrees": "deg", "deg": "deg", "degree_north": "deg", "degrees_north": "deg",
    "degree_N": "deg", "degrees_N": "deg", "degree_east": "deg", "degrees_east": "deg", "degree_E": "deg",
    "degrees_E": "deg", "degrees_west": "-deg", "rad": "rad", "radian": "rad", "arcsec": "''", "arcmin": "'",
    "Pa": "Pa", "hPa": "hPa", "kPa": "kPa", "mbar": "mbar", "bar": "bar", "decibar": "dbar", "dbar": "dbar",
    "W/m^2": "W/m2", "W m-2": "W/m2", "W/m2": "W/m2", "Hz": "Hz", "kHz": "kHz", "MHz": "MHz", "GHz": "GHz",
    "V": "V", "mV": "mV", "A": "A", "mA": "mA", "W": "W", "J": "J", "N": "N", "kg": "kg", "g": "g", "T": "T",
    "keV": "keV", "eV": "eV", "MeV": "MeV", "Jy": "Jy", "count": "{count}", "counts": "{count}",
    "ct": "{count}", "photon": "{photon}", "pixel": "{pixel}", "pix": "{pixel}", "adu": "{adu}", "ADU": "{adu}",
    "dB": "dB", "dBZ": "dB[Z]", "mm/h": "mm/h", "g/kg": "g/kg", "kg m-2": "kg/m2", "kg/m2": "kg/m2",
    "m**2": "m2", "m^2": "m2", "erg/s": "erg/s", "volt": "V", "V/m": "V/m", "psu": "{psu}", "uatm": "uatm",
}  # fmt: skip


def ucum(text: str) -> str | None:
    """UCUM code of a CF or UDUNITS spelling; None where it is not known."""
    code = _COMMON.get(text.strip())
    return None if code is not None and code.startswith("-") else code


def fits_unit(text: str) -> str | None:
    """UCUM code of a FITS unit string; None where it is not known."""
    return ucum(text.strip().strip("'\""))
