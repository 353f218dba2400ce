"""The unit atoms and prefixes of UCUM (case sensitive codes) this product knows.

`code: (metric, value, definition)`: one `code` is `value` times `definition`, itself UCUM; metric atoms take
prefixes. Values are texts so that they stay exact. Source: UCUM 2.1, tables 2 to 24; constants that SI or the IAU
have fixed since (eV, u, au, pc, [k], [h], [e]) are the fixed ones. `mol` is a base unit here, as in SI: UCUM makes
it a number, which would let an amount pass for a count. Left out: US survey lengths, apothecary units, dose forms.
"""

from __future__ import annotations

from collections.abc import Mapping

BASES = ("m", "g", "s", "rad", "K", "C", "cd", "mol")
"""Order of the dimension vector."""

PI = "3.1415926535897932384626433832795028841971693993751058"

PREFIXES: Mapping[str, tuple[int, int]] = {
    "Y": (10, 24),
    "Z": (10, 21),
    "E": (10, 18),
    "P": (10, 15),
    "T": (10, 12),
    "G": (10, 9),
    "M": (10, 6),
    "k": (10, 3),
    "h": (10, 2),
    "da": (10, 1),
    "d": (10, -1),
    "c": (10, -2),
    "m": (10, -3),
    "u": (10, -6),
    "n": (10, -9),
    "p": (10, -12),
    "f": (10, -15),
    "a": (10, -18),
    "z": (10, -21),
    "y": (10, -24),
    "Ki": (2, 10),
    "Mi": (2, 20),
    "Gi": (2, 30),
    "Ti": (2, 40),
}
"""Prefix -> (base, exponent)."""

_SI = """
Hz s-1 | N kg.m/s2 | Pa N/m2 | J N.m | W J/s | A C/s | V J/C | F C/V | Ohm V/A | S Ohm-1 | Wb V.s | T Wb/m2
H Wb/A | lm cd.sr | lx lm/m2 | Bq s-1 | Gy J/kg | Sv J/kg | kat mol/s | sr rad2 | mho S | l dm3 | L dm3
dyn g.cm/s2 | erg dyn.cm | P dyn.s/cm2 | St cm2/s | Gal cm/s2 | Ky cm-1 | sb cd/cm2 | Bd s-1
"""

_SCALED: Mapping[str, tuple[bool, str, str]] = {
    "10*": (False, "10", "1"),
    "10^": (False, "10", "1"),
    "[pi]": (False, PI, "1"),
    "%": (False, "1", "10*-2"),
    "[ppth]": (False, "1", "10*-3"),
    "[ppm]": (False, "1", "10*-6"),
    "[ppb]": (False, "1", "10*-9"),
    "[pptr]": (False, "1", "10*-12"),
    "bit": (True, "1", "1"),
    "By": (True, "8", "bit"),
    "eq": (True, "1", "mol"),
    "osm": (True, "1", "mol"),
    "U": (True, "1", "umol/min"),
    "deg": (False, "1", "[pi].rad/180"),
    "gon": (False, "9", "deg/10"),
    "'": (False, "1", "deg/60"),
    "''": (False, "1", "'/60"),
    "min": (False, "60", "s"),
    "h": (False, "60", "min"),
    "d": (False, "24", "h"),
    "wk": (False, "7", "d"),
    "a_t": (False, "365.24219", "d"),
    "a_j": (False, "365.25", "d"),
    "a_g": (False, "365.2425", "d"),
    "a": (False, "1", "a_j"),
    "mo_s": (False, "29.53059", "d"),
    "mo_j": (False, "1", "a_j/12"),
    "mo_g": (False, "1", "a_g/12"),
    "mo": (False, "1", "mo_j"),
    "ar": (True, "100", "m2"),
    "t": (True, "1000", "kg"),
    "bar": (True, "100000", "Pa"),
    "att": (False, "1", "kgf/cm2"),
    "atm": (False, "101325", "Pa"),
    "u": (True, "1.66053906660e-24", "g"),
    "eV": (True, "1.602176634e-19", "J"),
    "AU": (False, "149597870700", "m"),
    "pc": (True, "648000", "AU/[pi]"),
    "[c]": (True, "299792458", "m/s"),
    "[h]": (True, "6.62607015e-34", "J.s"),
    "[k]": (True, "1.380649e-23", "J/K"),
    "[e]": (True, "1.602176634e-19", "C"),
    "[g]": (True, "9.80665", "m/s2"),
    "[ly]": (True, "1", "[c].a_j"),
    "gf": (True, "1", "g.[g]"),
    "Bi": (True, "10", "A"),
    "Mx": (True, "1", "10*-8.Wb"),
    "G": (True, "1", "10*-4.T"),
    "Oe": (True, "250", "A/m/[pi]"),
    "ph": (True, "10000", "lx"),
    "Ci": (True, "37000000000", "Bq"),
    "R": (True, "2.58e-4", "C/kg"),
    "RAD": (True, "100", "erg/g"),
    "REM": (True, "1", "RAD"),
    "Ao": (False, "0.1", "nm"),
    "b": (False, "100", "fm2"),
    "cal": (True, "4.184", "J"),
    "cal_th": (True, "4.184", "J"),
    "cal_IT": (True, "4.1868", "J"),
    "[Btu_IT]": (False, "1.05505585262", "kJ"),
    "[in_i]": (False, "2.54", "cm"),
    "[ft_i]": (False, "12", "[in_i]"),
    "[yd_i]": (False, "3", "[ft_i]"),
    "[mi_i]": (False, "5280", "[ft_i]"),
    "[fth_i]": (False, "6", "[ft_i]"),
    "[nmi_i]": (False, "1852", "m"),
    "[kn_i]": (False, "1", "[nmi_i]/h"),
    "[mil_i]": (False, "1", "10*-3.[in_i]"),
    "[gr]": (False, "64.79891", "mg"),
    "[lb_av]": (False, "7000", "[gr]"),
    "[oz_av]": (False, "1", "[lb_av]/16"),
    "[ston_av]": (False, "2000", "[lb_av]"),
    "[lbf_av]": (False, "1", "[lb_av].[g]"),
    "[psi]": (False, "1", "[lbf_av]/[in_i]2"),
    "[HP]": (False, "550", "[ft_i].[lbf_av]/s"),
    "[gal_us]": (False, "231", "[in_i]3"),
    "[gal_br]": (False, "4.54609", "l"),
    "[foz_us]": (False, "1", "[gal_us]/128"),
    "[bbl_us]": (False, "42", "[gal_us]"),
    "[degR]": (False, "5", "K/9"),
    "m[H2O]": (True, "9.80665", "kPa"),
    "m[Hg]": (True, "133.3220", "kPa"),
    "[in_i'H2O]": (False, "1", "m[H2O].[in_i]/m"),
    "[in_i'Hg]": (False, "1", "m[Hg].[in_i]/m"),
    "[car_m]": (False, "0.2", "g"),
}

ATOMS: Mapping[str, tuple[bool, str, str]] = {
    **{
        code: (True, "1", definition)
        for code, definition in (pair.split() for pair in _SI.replace("\n", "|").split("|") if pair.strip())
    },
    **_SCALED,
}
"""code -> (metric, value, definition)."""

OFFSETS: Mapping[str, tuple[bool, str, str]] = {
    "Cel": (True, "1", "273.15"),
    "[degF]": (False, "5/9", "459.67"),
    "[degRe]": (False, "5/4", "218.52"),
}
"""Temperatures with a zero of their own: K = scale * (value + offset). -> (metric, scale, offset)."""

LOGARITHMIC: Mapping[str, bool] = {
    "B": True,
    "Np": True,
    "B[SPL]": True,
    "B[V]": True,
    "B[mV]": True,
    "B[uV]": True,
    "B[W]": True,
    "B[kW]": True,
    "[pH]": False,
    "bit_s": False,
}
"""Levels: recognised, never converted by a scale and an offset. -> metric."""

ARBITRARY = frozenset(("[iU]", "[IU]", "[arb'U]", "[USP'U]", "[NTU]", "[FTU]"))
"""Units of a procedure: equal to themselves only. NTU and FTU are not UCUM's, but met everywhere in water."""
