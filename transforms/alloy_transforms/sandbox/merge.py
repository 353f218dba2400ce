"""Answers of two tiers put together, and compared: rows in the order of their inputs, one form for one content."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import groupby

from ..record import Column
from .columns import join, take_rows
from .contract import VARIABLE_TYPES, Field
from .protocol import Sections
from .runner import Answer


def moved(answer: Answer, first: int) -> Answer:
    """The same answer where its inputs are those from `first` on."""
    if not first:
        return answer
    src = array("I", (first + i for i in array("I", answer.src))).tobytes()
    return Answer(
        answer.codes, src, answer.columns, [(first + i, line, text) for i, line, text in answer.errors]
    )


def scattered(answer: Answer, places: Sequence[int]) -> Answer:
    """The same answer where its input `k` is that of index `places[k]`; the codes stay as they are."""
    src = array("I", (places[i] for i in array("I", answer.src))).tobytes()
    return Answer(
        answer.codes, src, answer.columns, [(places[i], line, text) for i, line, text in answer.errors]
    )


def pieces(native: Answer, ours: Answer) -> int:
    """How often the rows of both change places when they are put in order."""
    rows = array("I", native.src)
    return 2 * len({bisect_left(rows, i) for i in array("I", ours.src)}) + 1


def merge(
    fields: Sequence[Field], native: Answer, ours: Answer, places: Sequence[int], first: int = 0
) -> Answer:
    """The answers of inputs from `first` on of which `ours` answers the inputs `places` and `native` the rest.

    Args:
        native: codes of all of them; it has no rows of `places`.
        ours: as `scattered` gives it.
    """
    codes = bytearray(native.codes)
    for at, code in zip(places, ours.codes, strict=True):
        codes[at - first] = code
    if not ours.src:
        return Answer(bytes(codes), native.src, native.columns, ours.errors)
    rows, own = array("I", native.src), array("I", ours.src)
    parts: list[tuple[Answer, int, int]] = []
    done = 0
    for row, group in groupby(range(len(own)), key=lambda k: bisect_left(rows, own[k])):
        run = list(group)
        parts += [(native, done, row), (ours, run[0], run[-1] + 1)]
        done = row
    parts = [part for part in (*parts, (native, done, len(rows))) if part[1] < part[2]]
    src = b"".join(answer.src[4 * start : 4 * stop] for answer, start, stop in parts)
    columns = [
        _joined(
            f,
            [
                (_column(answer.columns[k]), start, stop, len(answer.src) // 4)
                for answer, start, stop in parts
            ],
        )
        for k, f in enumerate(fields)
    ]
    return Answer(bytes(codes), src, columns, ours.errors)


def concatenate(fields: Sequence[Field], parts: Sequence[Answer]) -> Answer:
    """Answers of inputs that follow each other, as one."""
    if len(parts) == 1:
        return parts[0]
    columns = []
    for k, f in enumerate(fields):
        counts = [len(part.src) // 4 for part in parts]
        columns.append(
            _joined(f, [(_column(part.columns[k]), 0, n, n) for part, n in zip(parts, counts, strict=True)])
        )
    return Answer(
        b"".join(part.codes for part in parts),
        b"".join(part.src for part in parts),
        columns,
        [error for part in parts for error in part.errors],
    )


def _column(sections: Sections) -> Column:
    values, arena, validity = sections
    return Column(bytes(values), bytes(arena), bytes(validity) or None)


def _joined(f: Field, parts: Sequence[tuple[Column, int, int, int]]) -> Sections:
    """Rows `start` to `stop` of each column; validity is dropped where every value is there, as in any reply."""
    cut = [(take_rows(f.dtype, column, start, stop, n), stop - start) for column, start, stop, n in parts]
    out = join(f.dtype, cut)
    rows = sum(n for _, n in cut)
    validity = out.validity or b""
    if int.from_bytes(validity, "little").bit_count() == rows:
        validity = b""
    return out.values, out.arena, validity


def difference(fields: Sequence[Field], one: Answer, other: Answer) -> int:
    """1 + the first input whose answers differ in a code, a row or a bit; 0: none."""
    if (one.codes, one.src, one.columns) == (other.codes, other.src, other.columns):
        return 0
    found = [i for i, (a, b) in enumerate(zip(one.codes, other.codes, strict=True)) if a != b][:1]
    rows, others = array("I", one.src), array("I", other.src)
    common = min(len(rows), len(others))
    at = next((r for r in range(common) if rows[r] != others[r]), common)
    found += [src[at] for src in (rows, others) if at < len(src)]
    for k, f in enumerate(fields):
        cells, more = _cells(f, one.columns[k], at), _cells(f, other.columns[k], at)
        found += [rows[r] for r in range(at) if cells[r] != more[r]][:1]
    return 1 + min(found)


def _cells(f: Field, sections: Sections, rows: int) -> list[tuple[bytes, bool]]:
    """The first `rows` values as bytes, each with whether it is there."""
    values, arena, validity = (bytes(section) for section in sections)
    there = [not validity or bool(validity[r >> 3] >> (r & 7) & 1) for r in range(rows)]
    if f.type in VARIABLE_TYPES:
        offsets = array("I", values)
        return [(arena[offsets[r] : offsets[r + 1]], there[r]) for r in range(rows)]
    size = f.itemsize
    return [(values[size * r : size * (r + 1)], there[r]) for r in range(rows)]
