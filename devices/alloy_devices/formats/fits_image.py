"""FITS images: one variable an HDU, big-endian, read as contiguous rows.

Source: FITS Standard 4.0, sections 4.4.2.5, 5, 7.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alloy_transforms.record import Reason, Variable
from alloy_transforms.units import from_fits

from ..native import read_span
from .fits_scaling import scaled
from .model import Element, Found, Limits, Piece, Problem, rectangles
from .netcdf3 import noted_if_empty

if TYPE_CHECKING:
    from ..native import FitsHdu


def card(hdu: FitsHdu, name: str) -> object:
    """Value of the first card of this name; None without one."""
    return next((value for key, value, _ in hdu["cards"] if key == name), None)


def number(value: object) -> float | None:
    """A card value as a number; booleans and texts are none."""
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def whole(value: object) -> int | None:
    """A card value as an integer."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def image(fd: int, hdu: FitsHdu, path: str, suspect: Reason, limits: Limits) -> Found | None:
    """The image of a primary HDU or IMAGE extension; None where it has no axes."""
    shape = hdu["shape"]
    if not shape:
        return None
    element = Element(hdu["dtype"][0], int(hdu["dtype"][1:]), True)
    how = scaled(
        element,
        number(card(hdu, "BSCALE")),
        number(card(hdu, "BZERO")),
        whole(card(hdu, "BLANK")),
        suspect,
        path,
    )
    source = card(hdu, "BUNIT")
    unit_src = source.strip() if isinstance(source, str) and source.strip() else None
    unit = from_fits(unit_src) if unit_src else None
    notes = []
    if unit_src and unit is None:
        notes.append(Problem("format.unknown_unit", f"`{unit_src[:80]}`", path))
    name = card(hdu, "EXTNAME")
    variable = Variable(
        name=name.strip() if isinstance(name, str) and name.strip() else f"HDU{hdu['index']}",
        dims=tuple(f"{hdu['index']}.NAXIS{len(shape) - axis}" for axis in range(len(shape))),
        dtype=how.dtype,
        path=path,
        unit=unit,
        unit_src=unit_src,
        pack=how.pack,
        missing=how.missing,
    )
    pieces = _Rows(fd, hdu["data_offset"], shape, element.size, limits)
    found = Found(variable, shape, element, pieces, how.rules, how.refused, tuple(notes))
    return noted_if_empty(found)


@dataclass(frozen=True, slots=True)
class _Rows:
    fd: int
    offset: int
    shape: tuple[int, ...]
    item: int
    limits: Limits

    def __call__(self) -> Iterator[Piece]:
        for origin, shape, first, count in rectangles(self.shape, self.item, self.limits.piece_bytes):
            data = read_span(self.fd, self.offset + first * self.item, count * self.item)
            yield Piece(origin, shape, data)
