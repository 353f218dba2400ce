"""UCUM codes: parse, compare, convert. Exact fractions inside; a float only in the final answer.

Case sensitive codes (c/s). A unit is a dimension vector, a factor to the base units and, for temperatures, an
offset. Levels (dB, pH) and arbitrary units are recognised but convert only to themselves.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from ..errors import RecordError
from .atoms import ARBITRARY, ATOMS, BASES, LOGARITHMIC, OFFSETS, PREFIXES

MAX_CHARACTERS = 256
MAX_DEPTH = 16
MAX_EXPONENT = 99

_NONE = (0,) * len(BASES)
_EXPONENT = re.compile(r"[+-]?[0-9]{1,3}")
_NUMBER = re.compile(r"[0-9]{1,30}+(?![*^])")
_BASE_TEN = re.compile(r"10[*^]")
_ANNOTATION = re.compile(r"\{[!-z|~]*\}")
_SYMBOL = re.compile(r"(?:[A-Za-z_%']|\[[!-Z\\^-z|~]*\])+")


@dataclass(frozen=True, slots=True)
class Unit:
    """What a code means: base = factor * (value + offset).

    Attributes:
        code: as parsed.
        dims: exponents of `BASES`.
        factor: one unit in base units.
        offset: added before the factor (temperatures), else 0.
        kind: name of the level or arbitrary unit this is ("" for ordinary ones).
    """

    code: str
    dims: tuple[int, ...]
    factor: Fraction
    offset: Fraction = Fraction(0)
    kind: str = ""

    @property
    def special(self) -> bool:
        """True where the unit is not a plain multiple of base units."""
        return bool(self.kind or self.offset)


@lru_cache(maxsize=1024)
def parse(code: str) -> Unit:
    """The meaning of a UCUM code.

    Raises:
        RecordError: `unit.syntax` (not UCUM), `unit.unknown` (an atom nobody knows), `unit.nonlinear` (a
            temperature with an offset or a level inside a product or power).

    Source: UCUM 2.1, sections 2 to 4.
    """
    if not 0 < len(code) <= MAX_CHARACTERS:
        raise RecordError(
            "unit.syntax",
            "a unit is empty or too long",
            got=f"{len(code)} characters",
            expected=f"1-{MAX_CHARACTERS}",
        )
    parser = _Parser(code)
    found = parser.term(0)
    if parser.at != len(code):
        raise parser.error("unexpected character", code[parser.at])
    return Unit(code, found.dims, found.factor, found.offset, found.kind)


def is_ucum(code: str) -> bool:
    """True when `code` parses; for callers that keep what they do not know."""
    try:
        parse(code)
    except RecordError:
        return False
    return True


def same_dimension(first: str, second: str) -> bool:
    """True when values in one unit can be said in the other by a scale and an offset.

    Raises:
        RecordError: as `parse`.
    """
    a, b = parse(first), parse(second)
    return (a.dims, a.kind) == (b.dims, b.kind) and (not a.kind or a.factor == b.factor)


def convert(source: str, target: str) -> tuple[float, float]:
    """Scale and offset that turn numbers of one unit into the other: y = x * scale + offset.

    Args:
        source: UCUM code of x.
        target: UCUM code of y.

    Returns:
        Both correctly rounded from the exact fraction.

    Raises:
        RecordError: `unit.dimension`, they measure different things; `unit.nonlinear`, a level or arbitrary
            unit and not the same one; `record.value`, beyond binary64; else as `parse`.
    """
    scale, offset = convert_exact(source, target)
    try:
        return float(scale), float(offset)
    except OverflowError:
        raise RecordError(
            "record.value", "a conversion does not fit a float", got=source[:80], expected=target[:80]
        ) from None


def convert_exact(source: str, target: str) -> tuple[Fraction, Fraction]:
    """As `convert`, in fractions."""
    a, b = parse(source), parse(target)
    if a.kind or b.kind:
        if (a.kind, a.factor, _marks(source)) == (b.kind, b.factor, _marks(target)):
            return Fraction(1), Fraction(0)
        raise RecordError(
            "unit.nonlinear",
            "levels and arbitrary units convert only to themselves",
            got=source[:80],
            expected=target[:80],
        )
    if a.dims != b.dims:
        raise RecordError(
            "unit.dimension",
            "the units measure different things",
            got=f"{source[:80]} ({dimension(source)})",
            expected=f"{target[:80]} ({dimension(target)})",
        )
    scale = a.factor / b.factor
    return scale, a.offset * scale - b.offset


def dimension(code: str) -> str:
    """The base units of a code as text: "kg.m.s-2" is "m.g.s-2"; "1" for a pure number."""
    pairs = zip(BASES, parse(code).dims, strict=True)
    parts = [f"{base}{exponent if exponent != 1 else ''}" for base, exponent in pairs if exponent]
    return ".".join(parts) or "1"


def _marks(code: str) -> tuple[str, ...]:
    """Annotations: they tell levels apart (dB{mW} and dB{Z})."""
    return tuple(_ANNOTATION.findall(code))


class _Parser:
    """Recursive descent over one code; `at` is the next character."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.at = 0

    def error(self, what: str, got: str, code: str = "unit.syntax") -> RecordError:
        return RecordError(code, what, where=f"`{self.code[:80]}` character {self.at}", got=got[:80])

    def term(self, depth: int) -> Unit:
        """Components joined by `.` and `/`, read from left to right."""
        if depth > MAX_DEPTH:
            raise self.error("too many parentheses", str(depth))
        inverse = self._next("/")
        total = self._component(depth)
        if inverse:
            total = self._power(total, -1)
        while self.at < len(self.code) and self.code[self.at] in "./":
            sign = 1 if self.code[self.at] == "." else -1
            self.at += 1
            total = self._product(total, self._power(self._component(depth), sign))
        return total

    def _next(self, character: str) -> bool:
        if self.code.startswith(character, self.at):
            self.at += 1
            return True
        return False

    def _component(self, depth: int) -> Unit:
        if self._next("("):
            inner = self.term(depth + 1)
            if not self._next(")"):
                raise self.error("a parenthesis is not closed", self.code[self.at : self.at + 1] or "the end")
            return inner
        if self._annotation():
            return Unit("", _NONE, Fraction(1))
        number = _NUMBER.match(self.code, self.at)
        if number:
            self.at = number.end()
            if int(number[0]) == 0:
                raise self.error("a factor of 0", number[0])
            self._annotation()
            return Unit("", _NONE, Fraction(int(number[0])))
        return self._simple()

    def _annotation(self) -> bool:
        found = _ANNOTATION.match(self.code, self.at)
        if found:
            self.at = found.end()
        return found is not None

    def _simple(self) -> Unit:
        found = _BASE_TEN.match(self.code, self.at) or _SYMBOL.match(self.code, self.at)
        if not found:
            raise self.error("a unit is missing", self.code[self.at : self.at + 1] or "the end")
        unit = _atom(found[0])
        if unit is None:
            raise self.error("unknown unit", found[0], "unit.unknown")
        self.at = found.end()
        exponent = _EXPONENT.match(self.code, self.at)
        if exponent:
            self.at = exponent.end()
            power = int(exponent[0])
            if abs(power) > MAX_EXPONENT:
                raise self.error("exponent out of range", exponent[0])
            unit = self._power(unit, power)
        self._annotation()
        return unit

    def _power(self, unit: Unit, power: int) -> Unit:
        if power == 1:
            return unit
        if unit.special:
            raise self.error("this unit has no powers", unit.code, "unit.nonlinear")
        dims = tuple(exponent * power for exponent in unit.dims)
        return Unit(unit.code, dims, unit.factor**power)

    def _product(self, first: Unit, second: Unit) -> Unit:
        for unit in (first, second):
            if unit.special:
                raise self.error("this unit stands alone", unit.code, "unit.nonlinear")
        dims = tuple(a + b for a, b in zip(first.dims, second.dims, strict=True))
        return Unit("", dims, first.factor * second.factor)


@lru_cache(maxsize=512)
def _atom(symbol: str) -> Unit | None:
    """An atom, alone or with a prefix; None where there is none."""
    plain = _plain_atom(symbol)
    if plain is not None:
        return plain[1]
    for size in (2, 1):
        prefix, rest = symbol[:size], symbol[size:]
        if prefix in PREFIXES and rest:
            found = _plain_atom(rest)
            if found is not None and found[0]:
                base, exponent = PREFIXES[prefix]
                unit, factor = found[1], Fraction(base) ** exponent
                return Unit(symbol, unit.dims, unit.factor * factor, unit.offset / factor, unit.kind)
    return None


def _plain_atom(symbol: str) -> tuple[bool, Unit] | None:
    """(takes prefixes, meaning) of an atom without prefix."""
    if symbol in BASES:
        return True, Unit(symbol, tuple(int(base == symbol) for base in BASES), Fraction(1))
    if symbol in ATOMS:
        metric, value, definition = ATOMS[symbol]
        unit = parse(definition) if definition != "1" else Unit("1", _NONE, Fraction(1))
        return metric, Unit(symbol, unit.dims, Fraction(value) * unit.factor)
    if symbol in OFFSETS:
        metric, scale, offset = OFFSETS[symbol]
        kelvin = tuple(int(base == "K") for base in BASES)
        return metric, Unit(symbol, kelvin, Fraction(scale), Fraction(offset))
    if symbol in LOGARITHMIC:
        return LOGARITHMIC[symbol], Unit(symbol, _NONE, Fraction(1), kind=symbol)
    if symbol in ARBITRARY:
        return True, Unit(symbol, _NONE, Fraction(1), kind=symbol)
    return None
