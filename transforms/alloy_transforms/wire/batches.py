"""Batches as trees of plain values, and back; lengths are checked against the descriptor.

The last key of a tree is `p`, the payload, so that an encoder can write the header and hand the payload on
uncopied. No loop here runs over the values of fixed-width columns.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from ..errors import RecordError
from ..record import DTYPES, Batch, Column, Descriptor, Variable
from .documents import VERSION, Tree
from .fields import U63, Fields, typed_bytes
from .limits import DEFAULT_LIMITS, Limits
from .marks import VARIABLE_LENGTH, constant_or, open_block, read_clock, read_constant_or
from .typed import INT64, ITEM_BYTES, TAGS, UINT8, UINT16, TypedArray


def batch_tree(batch: Batch, descriptor: Descriptor) -> Tree:
    """The tree of a batch.

    Raises:
        RecordError: `record.shape`, a column does not fit its variable.
    """
    check_batch(batch, descriptor)
    columns = batch.columns
    tree: Tree = {
        "k": "b",
        "v": VERSION,
        "sid": batch.sid,
        "run": batch.run,
        "seq": batch.seq,
        "row": batch.first_row,
        "n": batch.n,
        "clk": batch.clock.value,
        "t": TypedArray(INT64, batch.time),
    }
    if batch.received != batch.time:
        tree["rt"] = TypedArray(INT64, batch.received)
    if any(column.validity is not None for column in columns):
        tree["m"] = [column.validity for column in columns]
    tree["q"] = _per_column([column.quality for column in columns], UINT8)
    tree["r"] = _per_column([column.reasons for column in columns], UINT16)
    tree["p"] = [
        _texts(column, batch.n, variable.dtype)
        if variable.dtype in VARIABLE_LENGTH
        else TypedArray(TAGS[variable.dtype], column.values)
        for column, variable in zip(columns, descriptor.variables, strict=True)
    ]
    return tree


def read_batch(tree: object, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Batch:
    """A batch from its tree.

    Raises:
        RecordError: `record.field`, `record.shape`, `record.limit`.
    """
    top = Fields(tree, "batch", limits)
    open_block(top)
    n = top.integer("n", (0, limits.rows))
    variables = descriptor.variables
    time = top.typed("t", INT64, n)
    received = top.typed("rt", INT64, n) if top.has("rt") else time
    validity = _read_validity(top, n, len(variables))
    quality = _read_per_column(top, "q", UINT8, n, len(variables))
    reasons = _read_per_column(top, "r", UINT16, n, len(variables))
    payload = top.array("p")
    if len(payload) != len(variables):
        raise RecordError(
            "record.shape",
            "the batch has another number of columns than its descriptor",
            where="batch.p",
            got=str(len(payload)),
            expected=str(len(variables)),
        )
    columns = tuple(
        _read_column(item, variable, n, mask, flags, why)
        for item, variable, mask, flags, why in zip(
            payload, variables, validity, quality, reasons, strict=True
        )
    )
    batch = Batch(
        sid=top.text("sid"),
        run=top.text("run"),
        seq=top.integer("seq", U63),
        first_row=top.integer("row", U63),
        n=n,
        time=time,
        received=received,
        clock=read_clock(top),
        columns=columns,
    )
    top.close()
    return batch


def check_batch(batch: Batch, descriptor: Descriptor) -> None:
    """Check every column against its variable; what a batch knows by itself its constructor has checked.

    Raises:
        RecordError: `record.shape`.
    """
    variables = descriptor.variables
    if len(batch.columns) != len(variables):
        raise RecordError(
            "record.shape",
            "the batch has another number of columns than its descriptor",
            got=str(len(batch.columns)),
            expected=str(len(variables)),
        )
    for column, variable in zip(batch.columns, variables, strict=True):
        item = DTYPES[variable.dtype]
        expected = batch.n * item if item else (batch.n + 1) * 4
        if len(column.values) != expected:
            raise RecordError(
                "record.shape",
                "a column has the wrong length",
                where=variable.name,
                got=f"{len(column.values)} bytes",
                expected=f"{expected} bytes",
            )
        if not item:
            _check_offsets(column, batch.n, variable.name)


def _check_offsets(column: Column, n: int, where: str) -> None:
    offsets = struct.unpack(f"<{n + 1}I", column.values)
    if offsets[0] or offsets[-1] != len(column.arena) or any(a > b for a, b in pairwise(offsets)):
        raise RecordError(
            "record.shape",
            "the offsets of a column do not cover its bytes in order",
            where=where,
            got=f"{offsets[0]}..{offsets[-1]}",
            expected=f"0..{len(column.arena)}",
        )


def _per_column(values: list[int | bytes], tag: int) -> object:
    """One number for all columns where they agree, else one entry per column."""
    if not values:
        return []
    first = values[0]
    if isinstance(first, int) and all(value == first for value in values):
        return int(first)
    return [constant_or(value, tag) for value in values]


def _read_per_column(top: Fields, key: str, tag: int, n: int, columns: int) -> list[int | bytes]:
    value = top.take(key)
    if isinstance(value, list | tuple):
        if len(value) != columns:
            raise top.error(key, "not one entry per column", len(value), str(columns))
        return [read_constant_or(each, tag, n, f"batch.{key}[{index}]") for index, each in enumerate(value)]
    return [read_constant_or(value, tag, -1, f"batch.{key}")] * columns


def _read_validity(top: Fields, n: int, columns: int) -> list[bytes | None]:
    if not top.has("m"):
        return [None] * columns
    found: list[bytes | None] = []
    for mask in top.array("m"):
        if mask is not None and (not isinstance(mask, bytes) or len(mask) != (n + 7) // 8):
            raise top.error("m", "not validity bits", mask, f"{(n + 7) // 8} bytes or null")
        found.append(mask)
    if len(found) != columns:
        raise top.error("m", "not one entry per column", len(found), str(columns))
    return found


def _texts(column: Column, n: int, dtype: str) -> list[object]:
    """One text, byte string or null per row; text that is not UTF-8 travels as a byte string."""
    offsets = struct.unpack(f"<{n + 1}I", column.values)
    arena, mask = column.arena, column.validity
    items: list[object] = []
    for row in range(n):
        if mask is not None and not mask[row >> 3] >> (row & 7) & 1:
            items.append(None)
            continue
        raw = arena[offsets[row] : offsets[row + 1]]
        if dtype == "utf8":
            try:
                items.append(str(raw, "utf-8"))
            except UnicodeDecodeError:
                items.append(raw)
        else:
            items.append(raw)
    return items


def _read_column(
    item: object, variable: Variable, n: int, mask: bytes | None, quality: int | bytes, reasons: int | bytes
) -> Column:
    if variable.dtype not in VARIABLE_LENGTH:
        width = DTYPES[variable.dtype] // ITEM_BYTES[TAGS[variable.dtype]]
        values = typed_bytes(item, TAGS[variable.dtype], n * width, variable.name)
        return Column(values, validity=mask, quality=quality, reasons=reasons)
    if not isinstance(item, list | tuple) or len(item) != n:
        raise RecordError(
            "record.shape", "not one text per row", where=variable.name, expected=f"an array of {n} items"
        )
    arena = bytearray()
    offsets = [0]
    for row, each in enumerate(item):
        present = mask is None or bool(mask[row >> 3] >> (row & 7) & 1)
        if (each is not None) is not present:
            raise RecordError(
                "record.shape", "null and validity bits disagree", where=f"{variable.name} row {row}"
            )
        if isinstance(each, str) and variable.dtype == "utf8":
            arena += each.encode()
        elif isinstance(each, bytes):
            arena += each
        elif each is not None:
            raise RecordError(
                "record.field",
                "an element has the wrong type",
                where=f"{variable.name} row {row}",
                got=type(each).__name__,
                expected=variable.dtype,
            )
        offsets.append(len(arena))
    return Column(struct.pack(f"<{n + 1}I", *offsets), bytes(arena), mask, quality, reasons)
