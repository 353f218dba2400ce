"""Spellings of CF, FITS and SenML against a table written by hand and against astropy."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_transforms.units import from_any, from_cf, from_fits, from_senml, is_ucum, parse, tables

VECTORS = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "units" / "spellings.json").read_text(encoding="utf-8")
)
READERS = {"cf": from_cf, "fits": from_fits, "senml": from_senml}
CASES = [(kind, *row) for kind in READERS for row in VECTORS[kind]]
TABLES = {name: table for name, table in vars(tables).items() if name.startswith(("CF_", "FITS_", "SENML"))}
KG = 1e-3  # astropy counts kilograms, UCUM grams


@pytest.mark.parametrize(("kind", "text", "code", "factor"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES])
def test_a_spelling_means_what_the_table_says(
    kind: str, text: str, code: str | None, factor: float | None
) -> None:
    found = READERS[kind](text)

    assert found == code
    if found is not None and factor is not None:
        unit = parse(found)
        assert unit.offset == 0
        assert math.isclose(in_si(found), factor, rel_tol=1e-14)


def in_si(code: str) -> float:
    """Factor to kg m s A K mol cd rad."""
    unit = parse(code)
    grams = unit.dims[1]
    return float(unit.factor / 1000**grams)


def test_there_are_about_two_hundred_entries_and_more() -> None:
    assert sum(len(table) for table in TABLES.values()) > 200


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_entry_is_ucum(name: str) -> None:
    assert [text for text, code in TABLES[name].items() if not is_ucum(code)] == []


# ---- astropy as the second opinion

SAME_TEXT = {
    "cf": """
        m | km | mm | s | ms | Hz | MHz | m s-1 | m/s | m2 | kg m-3 | W m-2 | J kg-1 K-1 | Pa | hPa | bar |
        mbar | V | mV | A | ohm | S m-1 | T | nT | mol | mol m-3 | umol / kg | deg | rad | sr | eV | keV |
        Bq m-3 | l | h | d | min | N | kN m | Wb | H | lm | lx | g cm-3 | mmol m-2 d-1 | kg m-1 s-2
    """,
    "fits": """
        m | cm | km/s | m**2 | erg/s | erg/s/cm**2 | 10**-3 | 10**3 m | 10**-3 erg/s | Angstrom | keV | Jy |
        mJy | deg | arcmin | arcsec | mas | GHz | yr | pc | Mpc | AU | lyr | G | solLum | solRad | barn | u
        | Ry | erg cm-2 s-1 Angstrom-1 | W m-2 Hz-1 sr-1 | J/(m2 s) | C | Ohm | F | Wb | kpc
    """,
}
"""What both libraries can read, separated by `|`."""

FORMATS = {"cf": "generic", "fits": "fits"}


def compared() -> Iterator[tuple[str, str]]:
    for kind, texts in SAME_TEXT.items():
        yield from ((kind, text.strip()) for text in " ".join(texts.split()).split("|") if text.strip())


@pytest.mark.parametrize(("kind", "text"), list(compared()))
def test_the_meaning_is_that_of_astropy(kind: str, text: str) -> None:
    units = pytest.importorskip("astropy.units")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", units.UnitsWarning)  # deprecated spellings are part of the test
        oracle = units.Unit(text, format=FORMATS[kind]).decompose(
            bases=[units.kg, units.m, units.s, units.A, units.K, units.mol, units.cd, units.rad]
        )
    powers = {str(base): power for base, power in zip(oracle.bases, oracle.powers, strict=True)}

    code = READERS[kind](text)

    assert code is not None
    m, g, s, rad, kelvin, charge, cd, mol = parse(code).dims
    ours = {"m": m, "kg": g, "s": s + charge, "rad": rad, "K": kelvin, "A": charge, "cd": cd, "mol": mol}
    assert {base: power for base, power in ours.items() if power} == powers
    # astropy's u, Ry and solar values are CODATA 2022 and IAU, ours CODATA 2018: equal to 1e-8
    assert math.isclose(in_si(code), oracle.scale, rel_tol=1e-8 if text in ("u", "Ry") else 1e-12)


# ---- real files


def units_of(node: object) -> Iterator[tuple[str, str]]:
    """(reader, text) of everything that names a unit in the list of science files."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key in ("units", "unit", "BUNIT") and value is not None:
                kind = "cf" if key == "units" and isinstance(value, str) else "fits"
                yield from ((kind, text) for text in (value if isinstance(value, list) else [value]))
            yield from units_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from units_of(value)


UNKNOWN = {"kevin", "wibble", "furlongs", "C", "none"}
"""Spellings of real files that must stay text: typing errors, and what the convention does not define."""


def test_every_unit_of_the_science_files_is_mapped_or_known_to_be_none(shared_data: Path) -> None:
    manifest = json.loads((shared_data / "science" / "manifest.json").read_text(encoding="utf-8"))
    found = {pair for pair in units_of(manifest) if " since " not in pair[1]}

    unmapped = {text for kind, text in found if READERS[kind](text) is None}

    assert len(found) > 50
    assert unmapped - UNKNOWN == set()


@given(st.text(max_size=40))
def test_any_text_is_mapped_to_ucum_or_kept(text: str) -> None:
    for reader in (from_cf, from_fits, from_senml, from_any):
        found = reader(text)
        assert found is None or is_ucum(found)


@pytest.mark.parametrize("text", ["(" * 200 + "m" + ")" * 200, "m " * 200, "9" * 300, "m**" * 80])
def test_a_hostile_text_is_kept(text: str) -> None:
    assert from_cf(text) is None
    assert from_fits(text) is None


def test_a_text_of_unknown_convention_is_ucum_first() -> None:
    assert from_any("Cel") == "Cel"
    assert from_any("kW.h") == "kW.h"
    assert from_any("degC") == "Cel"
    assert from_any("wibble") is None
