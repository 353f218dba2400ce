"""Columns of variable length (P and Q): elements of all rows, and how many each row has.

A descriptor that points outside the heap costs its row only: the row counts as empty and is reported.
Source: FITS Standard 4.0, section 7.3.5.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alloy_transforms.record import Reason, Variable

from ..native import NativeError, fits_descriptors, read_span
from .fits_column import ELEMENTS
from .fits_image import number, whole
from .fits_scaling import scaled
from .model import Element, Found, Limits, Piece, Problem, Rules
from .netcdf3 import TextPieces, noted_if_empty
from .texts import is_text

if TYPE_CHECKING:
    from ..native import FitsColumn, FitsHdu

MAX_ROWS = 1_000_000
_BATCH_ROWS = 4096
_REPORTED_ROWS = 20


def ragged(
    fd: int,
    hdu: FitsHdu,
    column: FitsColumn,
    base: Variable,
    notes: list[Problem],
    suspect: Reason,
    limits: Limits,
) -> list[Found]:
    """The variables of one column of variable length."""
    index, rows = hdu["index"], hdu["rows"]
    element = ELEMENTS.get(column["element"])
    if (element is None and column["element"] != "A") or rows > MAX_ROWS or column["repeat"] != 1:
        if column["repeat"] == 0:
            return []
        refused = Problem("format.not_yet", f"columns of form {column['tform']} are not read", base.path)
        return [Found(base, (), problem=refused, notes=tuple(notes))]
    counts, offsets, wrong = _descriptors(fd, hdu, column, element.size if element else 1, base.path)
    problem = wrong[0] if wrong else None
    notes = [*notes, *wrong[1:]]
    if element is None:
        return [_texts(fd, hdu, base, counts, offsets, notes, problem, suspect, limits)]
    how = scaled(
        element, number(column["scale"]), number(column["zero"]), whole(column["null"]), suspect, base.path
    )
    total = sum(counts)
    variable = replace(
        base,
        dims=(f"{index}.{base.name}.elements",),
        dtype=how.dtype,
        pack=how.pack,
        missing=how.missing,
    )
    rules = replace(how.rules, logical=column["element"] == "L")
    elements = Found(
        variable,
        (total,),
        element,
        _Heap(fd, counts, offsets, element.size, limits.piece_bytes, problem),
        rules,
        how.refused,
        tuple(notes),
    )
    sizes = Variable(
        name=f"{base.name}.row_size",
        dims=(f"{index}.rows",),
        dtype="u8",
        path=f"{base.path}.row_size",
        attrs={"sample_dimension": f"{index}.{base.name}.elements"},
    )
    per_row = Found(sizes, (rows,), Element("u", 8), _Counts(counts, limits.piece_bytes))
    return [noted_if_empty(elements), noted_if_empty(per_row)]


def _descriptors(
    fd: int, hdu: FitsHdu, column: FitsColumn, item: int, path: str
) -> tuple[array[int], array[int], list[Problem]]:
    counts, offsets = array("Q"), array("Q")
    wrong: list[Problem] = []
    for first in range(0, hdu["rows"], _BATCH_ROWS):
        last = min(first + _BATCH_ROWS, hdu["rows"])
        batch = fits_descriptors(
            fd,
            hdu["data_offset"],
            (first, last),
            hdu["row_size"],
            column["offset"],
            column["code"],
            8 * item,
            hdu["heap_offset"],
            hdu["heap_size"],
        )
        for row, found in enumerate(batch, start=first):
            if isinstance(found, NativeError):
                counts.append(0)
                offsets.append(0)
                if len(wrong) < _REPORTED_ROWS:
                    wrong.append(Problem(found.code, f"row {row}: {found.what}", path))
            else:
                counts.append(found[0])
                offsets.append(found[1])
    return counts, offsets, wrong


@dataclass(frozen=True, slots=True)
class _Heap:
    """Elements of all rows; neighbouring small rows are sent as one piece."""

    fd: int
    counts: array[int]
    offsets: array[int]
    item: int
    limit: int
    problem: Problem | None

    def __call__(self) -> Iterator[Piece]:
        if self.problem is not None:
            yield Piece((), (), b"", problem=self.problem)
        held: list[bytes] = []
        size, at = 0, 0
        for count, offset in zip(self.counts, self.offsets, strict=True):
            done = 0
            while done < count:
                part = min(count - done, max(1, (self.limit - size) // self.item))
                held.append(read_span(self.fd, offset + done * self.item, part * self.item))
                size += part * self.item
                done += part
                if size + self.item > self.limit:
                    yield Piece((at,), (size // self.item,), b"".join(held))
                    at += size // self.item
                    held, size = [], 0
        if size:
            yield Piece((at,), (size // self.item,), b"".join(held))


@dataclass(frozen=True, slots=True)
class _Counts:
    counts: array[int]
    limit: int

    def __call__(self) -> Iterator[Piece]:
        step = self.limit // 8
        for first in range(0, len(self.counts), step):
            part = self.counts[first : first + step]
            yield Piece((first,), (len(part),), b"".join(n.to_bytes(8, "little") for n in part))


def _texts(
    fd: int,
    hdu: FitsHdu,
    base: Variable,
    counts: array[int],
    offsets: array[int],
    notes: list[Problem],
    problem: Problem | None,
    suspect: Reason,
    limits: Limits,
) -> Found:
    """Texts of variable length: one a row."""
    shape = (hdu["rows"],)
    variable = replace(base, dims=(f"{hdu['index']}.rows",), unit=None, time=None)
    if sum(counts) > limits.text_bytes or problem is not None:
        refused = problem or Problem("format.too_large", f"{sum(counts)} characters", base.path)
        return Found(variable, shape, problem=refused, notes=tuple(notes))
    texts = [
        read_span(fd, offset, count).split(b"\0", 1)[0].rstrip(b" ") if count else b""
        for count, offset in zip(counts, offsets, strict=True)
    ]
    good = all(is_text(text) for text in texts)
    if not good:
        notes.append(Problem("format.bad_text", "texts that are not UTF-8 are kept as bytes", base.path))
    return noted_if_empty(
        Found(
            replace(variable, dtype="utf8" if good else "bytes"),
            shape,
            None,
            TextPieces(shape, texts, limits),
            Rules(suspect=suspect),
            notes=tuple(notes),
        )
    )
