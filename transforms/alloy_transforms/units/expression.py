"""The grammar files write units in: "W m**-2", "m^3/m^3", "kg m-2 s-1", "10**-3 erg/s/cm**2", "(m s)-1".

CF (UDUNITS) and FITS share it; they differ in the table that gives symbols their meaning. The answer is a UCUM
code. A symbol the table does not have makes the whole expression unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction

MAX_CHARACTERS = 256
MAX_DEPTH = 8
MAX_EXPONENT = 30
MAX_DIGITS = 15

Factors = list[tuple[str, int]]
"""UCUM atoms with exponents, in the order of the text."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUPERSCRIPT = re.compile(r"[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_NUMBER = re.compile(r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SYMBOL = re.compile(r"[A-Za-z\u00b5\u03bc\u03a9\u2126\u212b\u00c5\u00e5\u00f6\u00b0\u00ba\u2103%'\"_]+")
_POWER = re.compile(
    r"\s*(?:\*\*|\^)\s*(?:\(\s*(?P<inner>[+-]?[0-9]{1,2})\s*\)|(?P<plain>[+-]?[0-9]{1,2})(?![0-9.]))"
)
_SUFFIX = re.compile(r"([+-]?[0-9]{1,2})(?![0-9.])")
_OPERATOR = re.compile(r"\s*(\*(?!\*)|/|\.(?![0-9])|·|⋅|×|\bper\b|\s)\s*")


class _UnknownError(Exception):
    """The text is no expression of this grammar, or holds a symbol nobody knows."""


def translate(text: str, meaning: Callable[[str], str | None]) -> str | None:
    """A unit expression as UCUM.

    Args:
        text: as found, blanks around it stripped.
        meaning: UCUM of one symbol or None; a compound answer ("m/s") is put in parentheses.

    Returns:
        A UCUM code; None when the text or a symbol in it is not known.

    Source: UDUNITS-2 unit grammar; FITS Standard 4.0, section 4.3.1.
    """
    if not 0 < len(text) <= MAX_CHARACTERS:
        return None
    reader = _Reader(text, meaning)
    try:
        factors, number = reader.expression(0)
    except _UnknownError:
        return None
    return _code(factors, number) if reader.at == len(text) else None


class _Reader:
    def __init__(self, text: str, meaning: Callable[[str], str | None]) -> None:
        self.text = text
        self.meaning = meaning
        self.at = 0

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def expression(self, depth: int) -> tuple[Factors, Fraction]:
        """Terms joined by blanks, `.`, `*`, `/` or "per", read from left to right."""
        if depth > MAX_DEPTH:
            raise _UnknownError
        factors, number = self._term(depth)
        while self.at < len(self.text) and self.text[self.at] != ")":
            operator = self._match(_OPERATOR)
            if operator is None:
                raise _UnknownError
            sign = -1 if operator[1] in ("/", "per") else 1
            more, scale = self._term(depth)
            factors += [(atom, sign * exponent) for atom, exponent in more]
            number *= scale**sign
        return factors, number

    def _term(self, depth: int) -> tuple[Factors, Fraction]:
        if self.text.startswith("(", self.at):
            self.at += 1
            factors, number = self.expression(depth + 1)
            if not self.text.startswith(")", self.at):
                raise _UnknownError
            self.at += 1
            power = self._exponent()
            return [(atom, exponent * power) for atom, exponent in factors], number**power
        found = self._match(_NUMBER)
        if found:
            return [], self._number(found[0])
        found = self._match(_SYMBOL)
        if not found:
            raise _UnknownError
        atom = self.meaning(found[0])
        if atom is None:
            raise _UnknownError
        return [(atom, self._exponent())], Fraction(1)

    def _number(self, text: str) -> Fraction:
        power = self._match(_POWER)
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise _UnknownError from None
        if not value or len(value.as_tuple().digits) > MAX_DIGITS or abs(value.adjusted()) > MAX_EXPONENT:
            raise _UnknownError
        return Fraction(value) ** (_power(power) if power else 1)

    def _exponent(self) -> int:
        if power := self._match(_POWER):
            exponent = _power(power)
        elif suffix := self._match(_SUFFIX):
            exponent = int(suffix[1])
        elif raised := self._match(_SUPERSCRIPT):
            exponent = int(raised[0].translate(_SUPERSCRIPTS))
        else:
            return 1
        if not 0 < abs(exponent) <= MAX_EXPONENT:
            raise _UnknownError
        return exponent


def _power(found: re.Match[str]) -> int:
    return int(found["inner"] or found["plain"])


def _code(factors: Factors, number: Fraction) -> str | None:
    """Atoms and a number as UCUM: numerators, then one `/` per denominator."""
    scale = _scale(number)
    if scale is None:
        return None
    alone = len(factors) == 1 and not scale
    above = [scale] if scale else []
    below = []
    for atom, exponent in factors:
        simple = re.fullmatch(r"[^./0-9]+", atom) is not None and "*" not in atom
        if atom == "1":
            continue
        if not simple and abs(exponent) != 1:
            return None  # UCUM has no power of a parenthesis
        shown = atom if simple or (alone and exponent == 1) else f"({atom})"
        if exponent > 0:
            above.append(shown if exponent == 1 else f"{shown}{exponent}")
        elif len(factors) == 1 and not scale and simple:
            return f"{shown}{exponent}"
        else:
            below.append(shown if exponent == -1 else f"{shown}{-exponent}")
    return (".".join(above) or "1") + "".join(f"/{each}" for each in below)


def _scale(number: Fraction) -> str | None:
    """A number as UCUM digits and a power of ten; "" for 1, None where it has no end in decimals."""
    if number == 1:
        return ""
    if number.denominator == 1 and number.numerator < 10**4 and number.numerator % 10:
        return str(number.numerator)
    exponent = 0
    while number.denominator != 1 and exponent > -2 * MAX_EXPONENT:
        number *= 10
        exponent -= 1
    if number.denominator != 1:
        return None
    digits = number.numerator
    while digits % 10 == 0:
        digits //= 10
        exponent += 1
    if len(str(digits)) > MAX_DIGITS or abs(exponent) > 2 * MAX_EXPONENT:
        return None
    power = f"10*{exponent}" if exponent else ""
    if digits == 1:
        return power or "1"
    return f"{digits}.{power}" if power else str(digits)
