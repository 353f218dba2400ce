"""Scale, fill and limit attributes -> the rules of one variable (NetCDF User Guide, CF 1.11 chapters 2.5 and 8.1).

Where the guides leave a choice, the choice is written in docs/formats.md and made here: netCDF4 and xarray
disagree on about 7 % of real variables. Pure; nothing is read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from alloy_transforms.record import MissingRule, Packing, Reason

from .model import Element, Problem, TypedAttr

DEFAULT_FILLS: Mapping[str, int | float] = {
    "i2": -32767,
    "u2": 65535,
    "i4": -2147483647,
    "u4": 4294967295,
    "i8": -9223372036854775806,
    "u8": 18446744073709551614,
    "f4": 9.969209968386869e36,
    "f8": 9.969209968386869e36,
}
"""netcdf.h NC_FILL_*; one-byte types have none here: each of their values is a plausible measurement."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The rules of one variable, as far as numbers go.

    Attributes:
        unsigned: stored bits mean an unsigned integer; fills are compared after that.
        physical_limits: limits that apply to unpacked values.
        suspect: holds for every value: quality 3.
        refused: the variable cannot be delivered.
    """

    unsigned: bool
    pack: Packing | None
    missing: MissingRule | None
    physical_limits: tuple[float | None, float | None] | None
    suspect: Reason
    notes: tuple[Problem, ...]
    refused: Problem | None


def packing_of(path: str, element: Element, attrs: Mapping[str, TypedAttr], *, default_fills: bool) -> Packed:
    """Read the packing attributes of one numeric variable.

    Args:
        element: as stored.
        attrs: untrusted.
        default_fills: the format fills unwritten values with the default of their type (NetCDF).
    """
    notes: list[Problem] = []
    suspect = Reason.NONE
    unsigned = _unsigned(element, attrs)
    dtype = f"u{element.size}" if unsigned else element.dtype

    numbers: dict[str, float] = {}
    wide = ""
    for name, neutral in (("scale_factor", 1.0), ("add_offset", 0.0)):
        value, problem, repaired = _one_number(name, attrs.get(name), path)
        if problem is not None:
            return Packed(unsigned, None, None, None, suspect, tuple(notes), problem)
        if repaired is not None:
            notes.append(repaired)
            suspect |= Reason.SCALING
        if value is not None:
            wide = max(wide, attrs[name].dtype if attrs[name].numbers else "f8", key=_width)
        numbers[name] = neutral if value is None else value
    if numbers["scale_factor"] == 0.0:
        refused = Problem("format.bad_scaling", "scale_factor is 0", path)
        return Packed(unsigned, None, None, None, suspect, tuple(notes), refused)

    fills = _stored_numbers("_FillValue", attrs, dtype, path, notes)
    if "_FillValue" in attrs and attrs["_FillValue"].numbers == ():
        suspect |= Reason.SCALING
    missing = _stored_numbers("missing_value", attrs, dtype, path, notes)
    implicit = None
    if default_fills and "_FillValue" not in attrs and element.size > 1:
        implicit = DEFAULT_FILLS.get(element.dtype)
        if implicit is not None and unsigned:
            implicit = _wrap(int(implicit), element.size)
    low, high, limit_type = _limits(attrs, path, notes)
    on_unpacked = bool(wide) and limit_type == wide and limit_type != element.dtype
    stored = (None, None) if on_unpacked else (_limit(low, dtype), _limit(high, dtype))
    physical = (low, high) if on_unpacked and (low, high) != (None, None) else None
    rule = MissingRule(fills, missing, implicit, None if stored == (None, None) else stored)
    has_pack = bool(wide) or unsigned
    pack = None
    if has_pack:
        out = _out(element, wide) if wide else dtype
        pack = Packing(
            scale=numbers["scale_factor"], offset=numbers["add_offset"], unsigned=unsigned, out=out
        )
    return Packed(
        unsigned,
        pack,
        None if rule == MissingRule() else rule,
        physical,
        suspect,
        tuple(notes),
        None,
    )


def _unsigned(element: Element, attrs: Mapping[str, TypedAttr]) -> bool:
    flag = attrs.get("_Unsigned")
    said = (flag.text or "").strip().lower() if flag is not None else ""
    return element.kind == "i" and said in ("true", "1")


def _width(dtype: str) -> tuple[bool, int]:
    return (dtype[:1] == "f", int(dtype[1:]) if dtype[1:].isdigit() else 0)


def _out(element: Element, wide: str) -> str:
    """Physical type: that of the scale attributes, but 32-bit and wider integers never become f4."""
    if wide[:1] == "f":
        return "f8" if element.size >= 4 and element.kind in "iu" else max(wide, "f4")
    return "f4" if element.size <= 2 else "f8"


def _one_number(
    name: str, attr: TypedAttr | None, path: str
) -> tuple[float | None, Problem | None, Problem | None]:
    """(value, refusal, repair note)."""
    if attr is None:
        return None, None, None
    repaired = None
    if attr.numbers:
        if len(attr.numbers) != 1:
            return None, Problem("format.bad_scaling", f"{name} has {len(attr.numbers)} numbers", path), None
        value = float(attr.numbers[0])
    else:
        try:
            value = float(attr.text or "")
        except ValueError:
            return None, Problem("format.bad_scaling", f"{name} is no number", path), None
        repaired = Problem(
            "format.bad_scaling", f"{name} is text; read as {value!r}, values are suspect", path
        )
    if not math.isfinite(value):
        return None, Problem("format.bad_scaling", f"{name} is {value}", path), None
    return value, None, repaired


def _stored_numbers(
    name: str, attrs: Mapping[str, TypedAttr], dtype: str, path: str, notes: list[Problem]
) -> tuple[int | float, ...]:
    attr = attrs.get(name)
    if attr is None:
        return ()
    numbers: tuple[int | float, ...] = attr.numbers
    if not numbers:
        try:
            numbers = (float(attr.text or ""),)
        except ValueError:
            notes.append(Problem("format.bad_fill", f"{name} is no number", path))
            return ()
        notes.append(Problem("format.bad_fill", f"{name} is text; read as {numbers[0]!r}", path))
    out: list[int | float] = []
    for number in numbers[:64]:
        value = as_stored(number, dtype)
        if value is not None and value not in out:
            out.append(value)
    return tuple(out)


def as_stored(number: int | float, dtype: str) -> int | float | None:
    """`number` as a value of `dtype`; None where no stored value can equal it."""
    if dtype[:1] == "f":
        return _round_f4(float(number)) if dtype == "f4" else float(number)
    if isinstance(number, float) and (not math.isfinite(number) or number != int(number)):
        return None
    whole = int(number)
    bits = 8 * int(dtype[1:])
    if dtype[:1] == "u":
        if -(1 << (bits - 1)) <= whole < 0:
            whole += 1 << bits  # written with the signed type of the same size
        return whole if 0 <= whole < 1 << bits else None
    return whole if -(1 << (bits - 1)) <= whole < 1 << (bits - 1) else None


def _round_f4(value: float) -> float:
    if not math.isfinite(value):
        return value
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def _wrap(value: int, size: int) -> int:
    return value % (1 << (8 * size))


def _limits(
    attrs: Mapping[str, TypedAttr], path: str, notes: list[Problem]
) -> tuple[int | float | None, int | float | None, str]:
    """(low, high, type of the limits)."""
    both = attrs.get("valid_range")
    if both is not None:
        if len(both.numbers) == 2 and not any(math.isnan(v) for v in both.numbers):
            if both.numbers[0] <= both.numbers[1]:
                return both.numbers[0], both.numbers[1], both.dtype
            notes.append(Problem("format.attribute", "valid_range is upside down; it is not applied", path))
            return None, None, ""
        notes.append(Problem("format.attribute", "valid_range is not two numbers; it is not applied", path))
        return None, None, ""
    found: list[int | float | None] = []
    kind = ""
    for name in ("valid_min", "valid_max"):
        attr = attrs.get(name)
        value = None
        if attr is not None:
            if len(attr.numbers) == 1 and not math.isnan(attr.numbers[0]):
                value = attr.numbers[0]
                kind = max(kind, attr.dtype, key=_width)
            else:
                notes.append(Problem("format.attribute", f"{name} is no number; it is not applied", path))
        found.append(value)
    low, high = found
    if low is not None and high is not None and low > high:
        notes.append(Problem("format.attribute", "valid limits are upside down; they are not applied", path))
        return None, None, ""
    return low, high, kind


def _limit(value: int | float | None, dtype: str) -> int | float | None:
    if value is None or not dtype[1:].isdigit():
        return None
    if dtype[:1] == "f":
        return _round_f4(float(value)) if dtype == "f4" else float(value)
    if dtype[:1] == "u" and value < 0:
        # Written in the signed type of the same size: -1 means the largest unsigned number.
        stored = as_stored(value, dtype)
        return stored if stored is not None else 0
    return value
