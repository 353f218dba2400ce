"""UCUM: grammar, conversions against published factors, dimension checks."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_transforms.errors import RecordError
from alloy_transforms.units import convert, is_ucum, parse, same_dimension
from alloy_transforms.units.atoms import ARBITRARY, ATOMS, LOGARITHMIC, OFFSETS
from alloy_transforms.units.ucum import convert_exact, dimension

CODES = [*ATOMS, *OFFSETS, *LOGARITHMIC, *ARBITRARY]


@pytest.mark.parametrize("code", CODES)
def test_every_atom_has_a_meaning(code: str) -> None:
    assert convert(code, code) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("source", "target", "scale", "offset"),
    [
        # NIST SP 811, appendix B.8, and definitions
        ("[degF]", "Cel", Fraction(5, 9), Fraction(-160, 9)),
        ("Cel", "[degF]", Fraction(9, 5), 32),
        ("Cel", "K", 1, Fraction("273.15")),
        ("K", "Cel", 1, Fraction("-273.15")),
        ("[degRe]", "Cel", Fraction(5, 4), 0),
        ("mCel", "K", Fraction(1, 1000), Fraction("273.15")),
        ("[psi]", "Pa", Fraction("0.45359237") * Fraction("9.80665") / Fraction("0.0254") ** 2, 0),
        ("[lb_av]", "kg", Fraction("0.45359237"), 0),
        ("[gal_us]", "l", Fraction("3.785411784"), 0),
        ("[mi_i]/h", "m/s", Fraction("0.44704"), 0),
        ("[kn_i]", "km/h", Fraction("1.852"), 0),
        ("atm", "hPa", Fraction("1013.25"), 0),
        ("bar", "Pa", 100000, 0),
        ("kW.h", "MJ", Fraction("3.6"), 0),
        ("%", "1", Fraction(1, 100), 0),
        ("10*-3", "[ppm]", 1000, 0),
        ("10^3", "1", 1000, 0),
        ("KiBy", "bit", 8192, 0),
        ("g.m/s2", "mN", 1, 0),
        ("m2.s-2", "(m/s).(m/s)", 1, 0),
        ("/s", "Hz", 1, 0),
        ("5.min", "s", 300, 0),
        ("{count}/min", "/s", Fraction(1, 60), 0),
        ("dam", "m", 10, 0),
        ("cd", "mcd", 1000, 0),
        ("a", "d", Fraction("365.25"), 0),
        ("gon", "deg", Fraction(9, 10), 0),
        ("eV", "J", Fraction("1.602176634e-19"), 0),
        ("u[g]", "m/s2", Fraction("9.80665") / 10**6, 0),
    ],
)
def test_a_conversion_is_exact(source: str, target: str, scale: Fraction, offset: Fraction) -> None:
    assert convert_exact(source, target) == (scale, offset)


def test_an_answer_is_the_fraction_rounded_once() -> None:
    assert convert("[degF]", "Cel") == (5 / 9, -160 / 9)
    assert math.isclose(convert("deg", "rad")[0], math.pi / 180, rel_tol=1e-16)


@given(st.sampled_from(CODES), st.sampled_from(CODES))
def test_a_conversion_and_its_inverse_cancel(source: str, target: str) -> None:
    if not same_dimension(source, target) or parse(source).kind:
        return

    scale, offset = convert_exact(source, target)
    back, home = convert_exact(target, source)

    assert scale * back == 1
    assert offset * back + home == 0


@pytest.mark.parametrize(
    ("source", "target"), [("m", "s"), ("mol", "1"), ("rad", "1"), ("Cel", "J"), ("W", "W.h")]
)
def test_units_of_other_dimensions_are_refused(source: str, target: str) -> None:
    assert not same_dimension(source, target)
    with pytest.raises(RecordError) as caught:
        convert(source, target)
    assert caught.value.code == "unit.dimension"
    assert dimension(source) in caught.value.got


@pytest.mark.parametrize(
    ("source", "target"),
    [("dB", "1"), ("dB", "B"), ("dB{mW}", "dB{Z}"), ("[pH]", "mol/l"), ("[iU]", "mg"), ("dB[W]", "W")],
)
def test_levels_and_arbitrary_units_convert_only_to_themselves(source: str, target: str) -> None:
    with pytest.raises(RecordError) as caught:
        convert(source, target)
    assert caught.value.code == "unit.nonlinear"
    assert convert(source, source) == (1.0, 0.0)


@pytest.mark.parametrize("code", ["Cel/m", "m.Cel", "Cel2", "dB2", "[degF].m", "dB/m"])
def test_special_units_stand_alone(code: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse(code)
    assert caught.value.code == "unit.nonlinear"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("", "unit.syntax"),
        ("m/", "unit.syntax"),
        ("(m", "unit.syntax"),
        ("m)", "unit.syntax"),
        ("m s", "unit.syntax"),
        ("m//s", "unit.syntax"),
        ("m^2", "unit.syntax"),
        ("m100", "unit.syntax"),
        ("0", "unit.syntax"),
        ("1.5", None),  # 1 times 5, by the grammar
        ("K{open", "unit.syntax"),
        ("{µ}", "unit.syntax"),
        ("(" * 20 + "m" + ")" * 20, "unit.syntax"),
        ("m" * 300, "unit.syntax"),
        ("foo", "unit.unknown"),
        ("mmin", "unit.unknown"),  # min takes no prefix
        ("kk", "unit.unknown"),
        ("degC", "unit.unknown"),
        ("Meter", "unit.unknown"),
    ],
)
def test_a_wrong_code_is_refused(code: str, error: str | None) -> None:
    if error is None:
        assert is_ucum(code)
        return
    assert not is_ucum(code)
    with pytest.raises(RecordError) as caught:
        parse(code)
    assert caught.value.code == error


def test_case_matters() -> None:
    assert parse("Pa").dims != parse("pA").dims
    assert parse("mA").factor * 10**9 == parse("MA").factor


def test_a_conversion_beyond_floats_is_refused() -> None:
    with pytest.raises(RecordError, match=r"record\.value"):
        convert("Ym20", "ym20")


@given(st.text(alphabet="mgskKPCdB./(){}[]'0123456789*^-% ", max_size=30))
def test_any_text_parses_or_raises_a_coded_error(code: str) -> None:
    try:
        parse(code)
    except RecordError as error:
        assert error.code.startswith("unit.")  # noqa: PT017 - either answer is right
