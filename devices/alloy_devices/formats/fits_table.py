"""FITS binary tables: one variable a column, gathered from the rows; heaps as ragged arrays.

A column of variable length becomes two variables: `NAME`, all elements one after the other, and
`NAME.row_size`, how many of them each row has (CF 1.11 section 9.3.3, contiguous ragged array).
Source: FITS Standard 4.0, section 7.3.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alloy_transforms.record import Reason, Variable

from ..native import read_strided, unpack_bits
from .fits_column import ELEMENTS, column_variable
from .fits_heap import ragged
from .fits_image import card, number, whole
from .fits_scaling import scaled
from .model import Element, Found, Limits, Piece, Problem, Rules, rectangles
from .netcdf3 import TextPieces, noted_if_empty
from .texts import is_text, split_fixed

if TYPE_CHECKING:
    from ..native import FitsColumn, FitsHdu

_REVERSED = bytes(int(f"{b:08b}"[::-1], 2) for b in range(256))


def binary_columns(fd: int, hdu: FitsHdu, path: str, suspect: Reason, limits: Limits) -> list[Found]:
    """Every column of a BINTABLE extension."""
    if card(hdu, "ZTABLE") is True:
        variable = Variable(name=f"HDU{hdu['index']}", dims=(), dtype="bytes", path=path)
        return [
            Found(variable, (), problem=Problem("format.not_yet", "compressed tables are not read", path))
        ]
    out: list[Found] = []
    for at, column in enumerate(hdu["columns"], start=1):
        name = (column["name"] or "").strip() or f"col{at}"
        out.extend(_column(fd, hdu, column, name, f"{path}/{name}", suspect, limits))
    return out


def _column(
    fd: int, hdu: FitsHdu, column: FitsColumn, name: str, path: str, suspect: Reason, limits: Limits
) -> list[Found]:
    rows = hdu["rows"]
    base, notes = column_variable(hdu, column, name, path)
    if column["code"] in ("P", "Q"):
        return ragged(fd, hdu, column, base, notes, suspect, limits)
    index = hdu["index"]
    if column["code"] == "A":
        return [_text(fd, hdu, column, base, notes, suspect, limits)]
    extra = _extra(column)
    dims = (f"{index}.rows", *(f"{index}.{name}.{axis}" for axis in range(len(extra))))
    shape = (rows, *extra)
    if column["code"] == "X":
        variable = replace(base, dims=dims, dtype="bool")
        pieces = _Bits(fd, hdu, column, shape, limits)
        found = Found(variable, shape, Element("b", 1), pieces, Rules(suspect=suspect), notes=tuple(notes))
        return [noted_if_empty(found)]
    element = ELEMENTS.get(column["code"])
    if element is None:
        refused = Problem("format.not_yet", f"columns of form {column['tform']} are not read", path)
        return [Found(replace(base, dims=dims), shape, problem=refused, notes=tuple(notes))]
    how = scaled(
        element, number(column["scale"]), number(column["zero"]), whole(column["null"]), suspect, path
    )
    variable = replace(base, dims=dims, dtype=how.dtype, pack=how.pack, missing=how.missing)
    rules = replace(how.rules, logical=column["code"] == "L")
    pieces2 = _Cells(fd, hdu, column, shape, element.size, limits)
    return [noted_if_empty(Found(variable, shape, element, pieces2, rules, how.refused, tuple(notes)))]


def _extra(column: FitsColumn) -> tuple[int, ...]:
    """Dimensions of one cell: TDIM in numpy order where it fits the repeat count, else the repeat count."""
    repeat = column["repeat"]
    said = re.fullmatch(r"\(([0-9, ]+)\)", (column["dim"] or "").strip())
    if said:
        sizes = tuple(int(part) for part in said[1].split(",") if part.strip())
        if len(sizes) <= 16 and math.prod(sizes) == repeat:
            return sizes[::-1]
    return () if repeat == 1 else (repeat,)


@dataclass(frozen=True, slots=True)
class _Cells:
    """Numbers of one column; whole rows where a row's cell is small, parts of one cell where it is large."""

    fd: int
    hdu: FitsHdu
    column: FitsColumn
    shape: tuple[int, ...]
    item: int
    limits: Limits

    def __call__(self) -> Iterator[Piece]:
        per_row = math.prod(self.shape[1:])
        start = self.hdu["data_offset"] + self.column["offset"]
        stride = self.hdu["row_size"]
        for origin, shape, first, count in rectangles(self.shape, self.item, self.limits.piece_bytes):
            row, within = divmod(first, per_row)
            at = start + row * stride + within * self.item
            whole_rows = within == 0 and count >= per_row
            times, width = (count // per_row, per_row) if whole_rows else (1, count)
            yield Piece(origin, shape, read_strided(self.fd, at, times, stride, width * self.item))


@dataclass(frozen=True, slots=True)
class _Bits:
    """Bit arrays: most significant bit first, each cell padded to whole bytes."""

    fd: int
    hdu: FitsHdu
    column: FitsColumn
    shape: tuple[int, ...]
    limits: Limits

    def __call__(self) -> Iterator[Piece]:
        bits = math.prod(self.shape[1:])
        width = -(-bits // 8)
        rows = max(1, self.limits.piece_bytes // max(bits, 1))
        start = self.hdu["data_offset"] + self.column["offset"]
        stride = self.hdu["row_size"]
        for first in range(0, self.shape[0], rows):
            count = min(rows, self.shape[0] - first)
            data = read_strided(self.fd, start + first * stride, count, stride, width).translate(_REVERSED)
            if bits == 8 * width:
                flags = unpack_bits(data, count * bits)
            else:
                cells = (data[i : i + width] for i in range(0, len(data), width))
                flags = b"".join(unpack_bits(cell, bits) for cell in cells)
            origin = (first,) + (0,) * (len(self.shape) - 1)
            yield Piece(origin, (count, *self.shape[1:]), flags)


def _text(
    fd: int,
    hdu: FitsHdu,
    column: FitsColumn,
    base: Variable,
    notes: list[Problem],
    suspect: Reason,
    limits: Limits,
) -> Found:
    """Characters: the first axis of TDIM holds the letters of one text; trailing blanks are kept."""
    sizes = _extra(column)
    width = sizes[-1] if sizes else 1
    extra = sizes[:-1] if len(sizes) > 1 else ()
    rows, index = hdu["rows"], hdu["index"]
    dims = (f"{index}.rows", *(f"{index}.{base.name}.{axis}" for axis in range(len(extra))))
    shape = (rows, *extra)
    total = rows * column["width"]
    variable = replace(base, dims=dims, unit=None, time=None)
    if total > limits.text_bytes:
        refused = Problem("format.too_large", f"{total} characters", base.path)
        return Found(variable, shape, problem=refused, notes=tuple(notes))
    texts: list[bytes] = []
    if total:
        start = hdu["data_offset"] + column["offset"]
        data = read_strided(fd, start, rows, hdu["row_size"], column["width"])
        texts = [text.split(b"\0", 1)[0].rstrip(b" ") for text in split_fixed(data, width)]
    elif rows:
        texts = [b""] * rows
    good = all(is_text(text) for text in texts)
    if not good:
        notes.append(Problem("format.bad_text", "texts that are not UTF-8 are kept as bytes", base.path))
    found = Found(
        replace(variable, dtype="utf8" if good else "bytes"),
        shape,
        None,
        TextPieces(shape, texts, limits),
        Rules(suspect=suspect),
        notes=tuple(notes),
    )
    return noted_if_empty(found)
