"""FITS ASCII tables: numbers written as text, cut from fixed columns.

A cell that equals TNULL, one of blanks and one that is no number are missing: nobody wrote a value there. They
are sent as the sentinel that the descriptor names as fill.
Source: FITS Standard 4.0, section 7.2.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alloy_transforms.record import MissingRule, Packing, Reason

from ..native import read_strided
from .fits_column import column_variable
from .fits_image import number
from .model import Element, Found, Limits, Piece, Problem, Rules
from .netcdf3 import TextPieces, noted_if_empty
from .texts import is_text

if TYPE_CHECKING:
    from ..native import FitsColumn, FitsHdu

NULL_INTEGER = -(1 << 63)
"""Stands for a missing integer; outside what an ASCII column of usual width can hold."""


def ascii_columns(fd: int, hdu: FitsHdu, path: str, suspect: Reason, limits: Limits) -> list[Found]:
    """Every column of a TABLE extension."""
    out: list[Found] = []
    for at, column in enumerate(hdu["columns"], start=1):
        name = (column["name"] or "").strip() or f"col{at}"
        base, notes = column_variable(hdu, column, name, f"{path}/{name}")
        base = replace(base, dims=(f"{hdu['index']}.rows",))
        shape = (hdu["rows"],)
        if column["code"] == "A":
            out.append(_text(fd, hdu, column, Found(base, shape, notes=tuple(notes)), suspect, limits))
            continue
        integer = column["code"] == "I"
        element = Element("i", 8) if integer else Element("f", 8)
        missing = MissingRule(fills=(NULL_INTEGER,) if integer else (math.nan,))
        scale = number(column["scale"])
        zero = number(column["zero"])
        scale, zero = 1.0 if scale is None else scale, 0.0 if zero is None else zero
        problem = None
        pack = None
        if not (math.isfinite(scale) and math.isfinite(zero)) or scale == 0.0:
            problem = Problem("format.bad_scaling", f"scale {scale}, zero {zero}", base.path)
        elif (scale, zero) != (1.0, 0.0):
            pack = Packing(scale=scale, offset=zero)
        variable = replace(base, dtype=element.dtype, missing=missing, pack=pack)
        pieces = _Cells(fd, hdu, column, limits)
        found = Found(variable, shape, element, pieces, Rules(suspect=suspect), problem, tuple(notes))
        out.append(noted_if_empty(found))
    return out


@dataclass(frozen=True, slots=True)
class _Cells:
    fd: int
    hdu: FitsHdu
    column: FitsColumn
    limits: Limits

    def __call__(self) -> Iterator[Piece]:
        rows = max(
            1, min(self.limits.piece_bytes // 8, self.limits.piece_bytes // max(self.column["width"], 1))
        )
        null = self.column["null"]
        nothing = str(null).encode("ascii", "replace").strip() if null is not None else None
        for first in range(0, self.hdu["rows"], rows):
            count = min(rows, self.hdu["rows"] - first)
            cells = _cells(self.fd, self.hdu, self.column, first, count)
            if self.column["code"] == "I":
                integers = [_integer(cell, nothing) for cell in cells]
                yield Piece((first,), (count,), struct.pack(f"<{count}q", *integers))
            else:
                decimals = self.column["decimals"] or 0
                floats = [_floating(cell, nothing, decimals) for cell in cells]
                yield Piece((first,), (count,), struct.pack(f"<{count}d", *floats))


def _cells(fd: int, hdu: FitsHdu, column: FitsColumn, first: int, count: int) -> list[bytes]:
    width = column["width"]
    start = hdu["data_offset"] + first * hdu["row_size"] + column["offset"]
    data = read_strided(fd, start, count, hdu["row_size"], width)
    return [data[i : i + width] for i in range(0, len(data), width)]


def _integer(cell: bytes, nothing: bytes | None) -> int:
    text = cell.strip()
    if not text or text == nothing:
        return NULL_INTEGER
    try:
        value = int(text)
    except ValueError:
        return NULL_INTEGER
    return value if abs(value) < 1 << 63 else NULL_INTEGER


def _floating(cell: bytes, nothing: bytes | None, decimals: int) -> float:
    text = cell.strip()
    if not text or text == nothing:
        return math.nan
    plain = text.upper().replace(b"D", b"E")
    mantissa, _, exponent = plain.partition(b"E")
    try:
        if b"." in mantissa:
            return float(plain)
        # No point written: the last `decimals` digits are the fraction.
        return float(mantissa + b"E" + str(int(exponent or b"0") - decimals).encode())
    except ValueError:
        return math.nan


def _text(fd: int, hdu: FitsHdu, column: FitsColumn, found: Found, suspect: Reason, limits: Limits) -> Found:
    total = hdu["rows"] * column["width"]
    found = replace(found, variable=replace(found.variable, unit=None, time=None))
    if total > limits.text_bytes:
        return found.refused("format.too_large", f"{total} characters")
    texts = [cell.rstrip(b" \0") for cell in _cells(fd, hdu, column, 0, hdu["rows"])] if total else []
    good = all(is_text(text) for text in texts)
    notes = list(found.notes)
    if not good:
        notes.append(
            Problem("format.bad_text", "texts that are not UTF-8 are kept as bytes", found.variable.path)
        )
    return noted_if_empty(
        replace(
            found,
            variable=replace(found.variable, dtype="utf8" if good else "bytes"),
            pieces=TextPieces(found.shape, texts, limits),
            rules=Rules(suspect=suspect),
            notes=tuple(notes),
        )
    )
