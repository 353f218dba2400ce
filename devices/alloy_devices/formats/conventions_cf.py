"""CF and NetCDF attributes -> a record variable: unit, time, flags, coordinates, packing, missing rules.

Pure: attributes in, one `Meaning` out. One bad attribute never loses the variable, one bad variable never the
file.

Source: CF Conventions 1.11; NetCDF User Guide, appendix A "Attribute Conventions".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from alloy_transforms.record import Attr, Flags, MissingRule, Packing, Reason, TimeRef
from alloy_transforms.units import from_cf, parse_time_units

from .model import Element, Problem, TypedAttr
from .packing import packing_of

_NOT_SHOWN = frozenset({"_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned"})
_MAX_FLAGS = 256


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the attributes of one variable say."""

    unit: str | None = None
    unit_src: str | None = None
    quantity: str | None = None
    time: TimeRef | None = None
    flags: Flags | None = None
    coords: tuple[str, ...] = ()
    unsigned: bool = False
    pack: Packing | None = None
    missing: MissingRule | None = None
    physical_limits: tuple[float | None, float | None] | None = None
    suspect: Reason = Reason.NONE
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()
    refused: Problem | None = None


def meaning_of(
    path: str,
    element: Element | None,
    attrs: Mapping[str, TypedAttr],
    *,
    conventions: bool,
    default_fills: bool,
) -> Meaning:
    """Interpret the attributes of one variable.

    Args:
        element: None for texts.
        attrs: untrusted.
        conventions: false for plain HDF5: packing and missing attributes are then shown, not applied.
        default_fills: unwritten values hold the default fill of their type (NetCDF).
    """
    notes: list[Problem] = []
    unit, unit_src, time = _unit_and_time(path, attrs, notes)
    coords = attrs.get("coordinates")
    base = Meaning(
        unit=unit,
        unit_src=unit_src,
        quantity=_text(attrs, "standard_name"),
        time=time,
        coords=tuple((coords.text or "").split()[:64]) if coords is not None else (),
        attrs={n: a.plain() for n, a in attrs.items() if not conventions or n not in _NOT_SHOWN},
    )
    if element is None or element.kind not in "iuf" or not conventions:
        return replace(base, notes=tuple(notes))
    packed = packing_of(path, element, attrs, default_fills=default_fills)
    return replace(
        base,
        flags=_flags(attrs, path, notes),
        unsigned=packed.unsigned,
        pack=packed.pack,
        missing=packed.missing,
        physical_limits=packed.physical_limits,
        suspect=packed.suspect,
        notes=(*notes, *packed.notes),
        refused=packed.refused,
    )


def _text(attrs: Mapping[str, TypedAttr], name: str) -> str | None:
    attr = attrs.get(name)
    return attr.text if attr is not None else None


def _unit_and_time(
    path: str, attrs: Mapping[str, TypedAttr], notes: list[Problem]
) -> tuple[str | None, str | None, TimeRef | None]:
    attr = attrs.get("units")
    if attr is None:
        return None, None, None
    if attr.text is None:
        if isinstance(attr.value, bytes):
            kept = attr.value.decode("utf-8", "backslashreplace")
            notes.append(Problem("format.bad_text", "units are not UTF-8; kept as an attribute", path))
            return None, kept, None
        notes.append(Problem("format.unknown_unit", "units are no text", path))
        return None, None, None
    source = attr.text
    if " since " in f" {source} ":
        calendar = (_text(attrs, "calendar") or "standard").strip().lower()
        counted = parse_time_units(source, calendar)
        unit, time = (None, None) if counted is None else (counted.unit, counted.ref)
        if time is None or time.epoch_ns is None:
            notes.append(
                Problem("format.unknown_time", f"`{source[:80]}` in calendar `{calendar[:40]}`", path)
            )
        return unit, source, time
    unit = from_cf(source)
    if unit is None and source.strip():
        notes.append(Problem("format.unknown_unit", f"`{source[:80]}`", path))
    return unit, source, None


def _flags(attrs: Mapping[str, TypedAttr], path: str, notes: list[Problem]) -> Flags | None:
    """CF 1.11 section 3.5: named values or bits; verbatim beside the values, never applied to them."""
    meanings = _text(attrs, "flag_meanings")
    if meanings is None:
        return None
    names = tuple(meanings.split())
    values = tuple(int(v) for v in (attrs["flag_values"].numbers if "flag_values" in attrs else ()))
    masks = tuple(int(v) for v in (attrs["flag_masks"].numbers if "flag_masks" in attrs else ()))
    sizes = {len(part) for part in (values, masks) if part}
    if not sizes or sizes != {len(names)} or len(names) > _MAX_FLAGS:
        notes.append(
            Problem("format.attribute", "flag_meanings do not match flag_values or flag_masks", path)
        )
        return None
    return Flags(values=values, masks=masks, meanings=names)
