"""Spellings -> UCUM, one table per convention. Data only; the rules are in `spellings.py`.

`…_WHOLE` are whole texts, `…_SYMBOLS` stand alone inside an expression, `…_PREFIXED` also take SI prefixes.
"""

from __future__ import annotations

from collections.abc import Mapping

WORD = 4
"""Words of this many letters and more are compared without case."""

SYMBOL_PREFIXES: Mapping[str, str] = {
    "da": "da",
    **{p: p for p in "YZEPTGMkhdcmunpfazy"},
    "\u00b5": "u",
    "\u03bc": "u",
}
NAME_PREFIXES: Mapping[str, str] = {
    "yotta": "Y", "zetta": "Z", "exa": "E", "peta": "P", "tera": "T", "giga": "G", "mega": "M", "kilo": "k",
    "hecto": "h", "deka": "da", "deca": "da", "deci": "d", "centi": "c", "milli": "m", "micro": "u", "nano": "n",
    "pico": "p", "femto": "f", "atto": "a", "zepto": "z", "yocto": "y",
}  # fmt: skip

CF_WHOLE: Mapping[str, str] = {
    "1": "1", "unitless": "1", "dimensionless": "1", "nondim": "1", "non-dimensional": "1", "fraction": "1",
    "psu": "{psu}", "PSU": "{psu}", "pss-78": "{psu}", "PSS-78": "{psu}",
    "dB": "dB", "dBZ": "dB{Z}", "dBz": "dB{Z}", "dBm": "dB{mW}", "dBW": "dB[W]", "decibel": "dB", "decibels": "dB",
    "pH": "[pH]", "NTU": "[NTU]", "ntu": "[NTU]", "FTU": "[FTU]",
    "degree_c": "Cel", "deg_C": "Cel", "degrees_C": "Cel", "degree_C": "Cel", "degC": "Cel", "degreeC": "Cel",
    "degreesC": "Cel", "deg C": "Cel", "degree C": "Cel", "degrees C": "Cel", "deg Celsius": "Cel",
    "deg celsius": "Cel", "degree Celsius": "Cel", "degrees Celsius": "Cel", "degree_celsius": "Cel",
    "degrees_celsius": "Cel", "celsius": "Cel", "°C": "Cel", "ºC": "Cel", "° C": "Cel", "℃": "Cel",
    "degF": "[degF]", "deg_F": "[degF]", "degree_F": "[degF]", "degrees_F": "[degF]", "deg F": "[degF]",
    "degree F": "[degF]", "degrees F": "[degF]", "degree_fahrenheit": "[degF]", "degrees_fahrenheit": "[degF]",
    "fahrenheit": "[degF]", "degrees fahrenheit": "[degF]", "°F": "[degF]", "ºF": "[degF]",
    "degree fahrenheit": "[degF]",
    "degK": "K", "deg_K": "K", "deg K": "K", "degree_K": "K", "degrees_K": "K", "degree Kelvin": "K",
    "degrees Kelvin": "K", "degrees kelvin": "K", "degree_kelvin": "K", "degrees_kelvin": "K",
    "degR": "[degR]", "°": "deg", "º": "deg",
    "meters above mean sea level": "m", "meters above Mean Sea Level": "m",
    "mmHg": "mm[Hg]", "mm_Hg": "mm[Hg]", "mm Hg": "mm[Hg]", "inHg": "[in_i'Hg]", "in_Hg": "[in_i'Hg]",
    "cmH2O": "cm[H2O]", "mmH2O": "mm[H2O]", "inH2O": "[in_i'H2O]",
}  # fmt: skip

_LATITUDES = ("degree_north", "degree_N", "degrees_N", "degreeN", "degreesN", "degrees_north")
_LONGITUDES = ("degree_east", "degree_E", "degrees_E", "degreeE", "degreesE", "degrees_east")
_OTHERS = (
    "degree_south",
    "degrees_south",
    "degree_west",
    "degrees_west",
    "degree_true",
    "degrees_true",
    "degree_T",
)

CF_SYMBOLS: Mapping[str, str] = {
    "%": "%", "deg": "deg", "min": "min", "h": "h", "hr": "h", "hrs": "h", "d": "d", "ppm": "[ppm]", "ppmv": "[ppm]",
    "ppb": "[ppb]", "ppbv": "[ppb]", "atm": "atm", "psi": "[psi]", "kt": "[kn_i]", "kts": "[kn_i]", "kn": "[kn_i]",
    "ft": "[ft_i]", "in": "[in_i]", "yd": "[yd_i]", "nmile": "[nmi_i]", "mph": "[mi_i]/h", "lb": "[lb_av]",
    "oz": "[oz_av]", "gal": "[gal_us]", "rpm": "{rev}/min", "arcmin": "'", "arcsec": "''", "DU": "4462.10*-7.mol/m2",
    "dBZ": "dB{Z}", "degC": "K", "deg_C": "K", "degK": "K", "°C": "K", "ºC": "K", "℃": "K", "Celsius": "K",
    "celsius": "K", "degree_Celsius": "K", "degree_C": "K", "deg_K": "K", "ha": "har", "sv": "10*6.m3/s",
    **dict.fromkeys((*_LATITUDES, *_LONGITUDES, *_OTHERS), "deg"),
}  # fmt: skip
"""Inside a product a Celsius degree is a difference: a kelvin (UDUNITS does the same)."""

CF_PREFIXED: Mapping[str, str] = {
    "m": "m", "g": "g", "s": "s", "sec": "s", "K": "K", "A": "A", "mol": "mol", "cd": "cd", "rad": "rad", "sr": "sr",
    "Hz": "Hz", "N": "N", "Pa": "Pa", "J": "J", "W": "W", "V": "V", "\u03a9": "Ohm", "\u2126": "Ohm",
    "ohm": "Ohm", "Ohm": "Ohm",
    "S": "S", "Wb": "Wb", "T": "T", "H": "H", "lm": "lm", "lx": "lx", "Bq": "Bq", "Gy": "Gy", "Sv": "Sv", "kat": "kat",
    "l": "l", "L": "L", "t": "t", "bar": "bar", "atm": "atm", "eV": "eV", "erg": "erg", "Gal": "Gal",
    "dyn": "dyn", "cal": "cal", "bit": "bit", "P": "P", "Ci": "Ci", "pc": "pc", "Mx": "Mx", "siemens": "S",
}  # fmt: skip

CF_NAMES: Mapping[str, str] = {
    "percent": "%", "degree": "deg", "degrees": "deg", "minute": "min", "hour": "h", "day": "d", "week": "wk",
    "arc_degree": "deg", "arc_minute": "'", "arcminute": "'", "arc_second": "''", "arcsecond": "''",
    "count": "{count}", "atmosphere": "atm", "knot": "[kn_i]", "foot": "[ft_i]", "feet": "[ft_i]", "inch": "[in_i]",
    "yard": "[yd_i]", "mile": "[mi_i]", "nautical_mile": "[nmi_i]", "fathom": "[fth_i]", "pound": "[lb_av]",
    "ounce": "[oz_av]", "hectare": "har", "angstrom": "Ao", "ångström": "Ao", "micron": "um",
    "dobson": "4462.10*-7.mol/m2", "julian_year": "a_j", "common_year": "(365.d)", "gregorian_year": "a_g",
    "horsepower": "[HP]", "rankine": "[degR]", "astronomical_unit": "AU", "light_year": "[ly]", "gravity": "[g]",
    "sverdrup": "10*6.m3/s", "permil": "[ppth]", "permille": "[ppth]", "revolution": "{rev}", "pixel": "{pixel}",
}  # fmt: skip

CF_NAMES_PREFIXED: Mapping[str, str] = {
    "meter": "m", "metre": "m", "gram": "g", "gramme": "g", "second": "s", "kelvin": "K", "ampere": "A", "amp": "A",
    "mole": "mol", "candela": "cd", "radian": "rad", "steradian": "sr", "hertz": "Hz", "newton": "N", "pascal": "Pa",
    "joule": "J", "watt": "W", "volt": "V", "coulomb": "C", "farad": "F", "ohm": "Ohm", "siemen": "S", "siemens": "S",
    "weber": "Wb", "tesla": "T", "henry": "H", "lumen": "lm", "becquerel": "Bq", "gray": "Gy", "sievert": "Sv",
    "katal": "kat", "liter": "l", "litre": "l", "tonne": "t", "metric_ton": "t", "bar": "bar", "electronvolt": "eV",
    "electron_volt": "eV", "calorie": "cal", "dyne": "dyn", "gauss": "G", "poise": "P", "stoke": "St", "curie": "Ci",
    "maxwell": "Mx", "byte": "By", "parsec": "pc", "barn": "b", "are": "ar",
}  # fmt: skip

FITS_WHOLE: Mapping[str, str] = {
    "unitless": "1", "dimensionless": "1", "degree Celsius": "Cel", "deg C": "Cel", "dB": "dB",
    "celsius": "Cel", "degrees Celsius": "Cel",
}  # fmt: skip

FITS_SYMBOLS: Mapping[str, str] = {
    "deg": "deg", "arcmin": "'", "arcsec": "''", "mas": "10*-3.''", "uas": "10*-6.''", "min": "min", "h": "h", "d": "d",
    "erg": "erg", "Angstrom": "Ao", "angstrom": "Ao", "AU": "AU", "lyr": "[ly]", "ct": "{ct}", "count": "{ct}",
    "counts": "{ct}", "photon": "{photon}", "photons": "{photon}", "ph": "{photon}",
    "pixel": "{pixel}", "pix": "{pixel}",
    "chan": "{channel}", "channel": "{channel}", "bin": "{bin}", "voxel": "{voxel}", "adu": "{adu}", "ADU": "{adu}",
    "DN": "{DN}", "beam": "{beam}", "bit": "bit", "byte": "By", "solRad": "6957.10*5.m", "solLum": "3828.10*23.W",
    "Ry": "13605693122994.10*-12.eV", "G": "G", "barn": "b",
    "electron": "{electron}", "electrons": "{electron}", "e": "{electron}",
    "%": "%",
}  # fmt: skip

FITS_PREFIXED: Mapping[str, str] = {
    "m": "m", "g": "g", "s": "s", "sec": "s", "rad": "rad", "sr": "sr", "K": "K", "A": "A", "mol": "mol", "cd": "cd",
    "Hz": "Hz", "J": "J", "W": "W", "V": "V", "N": "N", "Pa": "Pa", "C": "C", "Ohm": "Ohm", "ohm": "Ohm", "S": "S",
    "F": "F", "Wb": "Wb", "T": "T", "H": "H", "lm": "lm", "lx": "lx", "a": "a", "yr": "a", "eV": "eV", "pc": "pc",
    "u": "u", "bar": "bar", "Bq": "Bq", "Jy": "10*-26.W/m2/Hz",
}  # fmt: skip

FITS_NAMES: Mapping[str, str] = {
    "second": "s", "meter": "m", "metre": "m", "kelvin": "K", "degree": "deg", "radian": "rad", "hour": "h",
    "minute": "min", "volt": "V", "watt": "W", "hertz": "Hz", "angstrom": "Ao", "count": "{ct}", "celsius": "K",
}  # fmt: skip

SENML: Mapping[str, str] = {
    "m": "m", "kg": "kg", "g": "g", "s": "s", "A": "A", "K": "K", "cd": "cd", "mol": "mol", "Hz": "Hz", "rad": "rad",
    "sr": "sr", "N": "N", "Pa": "Pa", "J": "J", "W": "W", "C": "C", "V": "V", "F": "F", "Ohm": "Ohm", "S": "S",
    "Wb": "Wb", "T": "T", "H": "H", "Cel": "Cel", "lm": "lm", "lx": "lx", "Bq": "Bq", "Gy": "Gy", "Sv": "Sv",
    "kat": "kat", "m2": "m2", "m3": "m3", "l": "l", "m/s": "m/s", "m/s2": "m/s2", "m3/s": "m3/s", "l/s": "l/s",
    "W/m2": "W/m2", "cd/m2": "cd/m2", "bit": "bit", "bit/s": "bit/s", "lat": "deg{lat}", "lon": "deg{lon}",
    "pH": "[pH]", "dB": "dB", "dBW": "dB[W]", "Bspl": "B[SPL]", "count": "{count}", "/": "1", "%": "%",
    "%RH": "%{RH}", "%EL": "%{EL}", "EL": "s{EL}", "1/s": "s-1", "1/min": "min-1", "beat/min": "{beat}/min",
    "beats": "{beat}", "S/m": "S/m",
    # RFC 8798, table 1
    "B": "By", "VA": "V.A", "VAs": "V.A.s", "var": "V.A{reactive}", "vars": "V.A{reactive}.s", "J/m": "J/m",
    "kg/m3": "kg/m3", "deg": "deg", "NTU": "[NTU]",
    # RFC 8798, table 2: secondary units
    "ms": "ms", "min": "min", "h": "h", "MHz": "MHz", "kW": "kW", "kVA": "kV.A", "kvar": "kV.A{reactive}", "Ah": "A.h",
    "Wh": "W.h", "kWh": "kW.h", "varh": "V.A{reactive}.h", "kvarh": "kV.A{reactive}.h", "kVAh": "kV.A.h",
    "Wh/km": "W.h/km", "KiB": "KiBy", "GB": "GBy", "Mbit/s": "Mbit/s", "B/s": "By/s", "MB/s": "MBy/s", "mV": "mV",
    "mA": "mA", "dBm": "dB{mW}", "ug/m3": "ug/m3", "mm/h": "mm/h", "m/h": "m/h", "ppm": "[ppm]", "/100": "%",
    "/1000": "[ppth]", "hPa": "hPa", "mm": "mm", "cm": "cm", "km": "km", "km/h": "km/h",
}  # fmt: skip
"""RFC 8428 section 12.1 and RFC 8798 tables 1 and 2."""
