"""What every kind of FITS column says of itself, and the elements that columns are made of.

Source: FITS Standard 4.0, tables 18 and 20.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alloy_transforms.record import Variable
from alloy_transforms.units import from_fits

from .fits_time import column_time
from .model import Element, Problem

if TYPE_CHECKING:
    from ..native import FitsColumn, FitsHdu

ELEMENTS = {
    "L": Element("b", 1),
    "B": Element("u", 1),
    "I": Element("i", 2, True),
    "J": Element("i", 4, True),
    "K": Element("i", 8, True),
    "E": Element("f", 4, True),
    "D": Element("f", 8, True),
    "C": Element("c", 8, True),
    "M": Element("c", 16, True),
}


def column_variable(hdu: FitsHdu, column: FitsColumn, name: str, path: str) -> tuple[Variable, list[Problem]]:
    """What every kind of column says of itself; dims and dtype are the caller's."""
    notes: list[Problem] = []
    source = (column["unit"] or "").strip() or None
    unit = from_fits(source) if source else None
    if source and unit is None:
        notes.append(Problem("format.unknown_unit", f"`{source[:80]}`", path))
    time = column_time(hdu, column, name)
    return Variable(
        name=name, dims=(), dtype="bytes", path=path, unit=unit, unit_src=source, time=time
    ), notes
