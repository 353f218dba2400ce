"""Batches and chunks as trees of plain values, and back; lengths are checked against the descriptor.

The last key of a block's tree is `p`, the payload, so that an encoder can write the header and hand the
payload on uncopied. No loop here runs over the values of fixed-width columns.
"""

from __future__ import annotations

import struct
from math import prod

from ..errors import RecordError
from ..record import (
    DTYPES,
    Batch,
    Chunk,
    ClockState,
    Column,
    Descriptor,
    Level,
    Statistics,
    Variable,
)
from .documents import VERSION, Tree
from .fields import I64, U32, U63, Fields, as_number, typed_bytes
from .limits import DEFAULT_LIMITS, Limits
from .typed import INT64, ITEM_BYTES, TAGS, UINT8, UINT16, TypedArray

U16 = (0, 0xFFFF)
MAX_RANK = 32


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
        if variable.dtype in _VARIABLE_LENGTH
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
    _open_block(top)
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
        clock=_read_clock(top),
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


def chunk_tree(chunk: Chunk, descriptor: Descriptor) -> Tree:
    """The tree of a chunk.

    Raises:
        RecordError: `record.shape`, the chunk does not fit its variable.
    """
    variable = _variable_of(chunk.var, descriptor)
    tag = payload_tag(chunk.level, chunk.codec, variable)
    _check_chunk(chunk, variable, tag)
    tree: Tree = {
        "k": "b",
        "v": VERSION,
        "sid": chunk.sid,
        "run": chunk.run,
        "var": chunk.var,
        "seq": chunk.seq,
        "o": chunk.origin,
        "s": chunk.shape,
        "lvl": int(chunk.level),
    }
    if chunk.codec:
        tree["c"] = chunk.codec
    tree |= {"n": chunk.raw_bytes, "crc": chunk.crc, "clk": chunk.clock.value, "rt": chunk.received_ns}
    if chunk.validity is not None:
        tree["m"] = chunk.validity
    tree["q"] = _constant_or(chunk.quality, UINT8)
    tree["r"] = _constant_or(chunk.reasons, UINT16)
    if chunk.stats is not None:
        stats = chunk.stats
        tree["st"] = [stats.n_valid, stats.minimum, stats.maximum, stats.mean]
    tree["p"] = chunk.payload if tag is None else TypedArray(tag, chunk.payload)
    return tree


def read_chunk(tree: object, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Chunk:
    """A chunk from its tree. The checksum is not computed here: `crc32c(chunk.payload) == chunk.crc`.

    Raises:
        RecordError: `record.field`, `record.shape`.
    """
    top = Fields(tree, "chunk", limits)
    _open_block(top)
    var = top.integer("var", U32)
    variable = _variable_of(var, descriptor)
    level = Level(top.integer("lvl", (0, 2)))
    codec = top.texts("c")
    shape = top.integers("s")
    count = _count(shape, "chunk.s")
    tag = payload_tag(level, codec, variable)
    raw = top.take("p")
    if tag is None:
        if not isinstance(raw, bytes):
            raise top.error("p", "not a byte string", raw, "bytes")
        payload = raw
    else:
        width = element_bytes(level, variable) // ITEM_BYTES[tag]
        payload = typed_bytes(raw, tag, count * width, "chunk.p")
    chunk = Chunk(
        sid=top.text("sid"),
        run=top.text("run"),
        var=var,
        seq=top.integer("seq", U63),
        origin=top.integers("o"),
        shape=shape,
        level=level,
        payload=payload,
        crc=top.integer("crc", U32),
        raw_bytes=top.integer("n", U63),
        codec=codec,
        validity=top.raw("m") if top.has("m") else None,
        quality=_read_constant_or(top.take("q"), UINT8, count, "chunk.q"),
        reasons=_read_constant_or(top.take("r"), UINT16, count, "chunk.r"),
        stats=_read_statistics(top),
        received_ns=top.integer("rt", I64),
        clock=_read_clock(top),
    )
    top.close()
    _check_chunk(chunk, variable, tag)
    return chunk


def payload_tag(level: Level, codec: tuple[str, ...], variable: Variable) -> int | None:
    """Tag of a chunk's payload; None where it is a plain byte string.

    Plain bytes: level 0, an encoded payload (`codec` not empty), and variable-length elements.
    """
    if level is Level.STORED or codec or variable.dtype in _VARIABLE_LENGTH:
        return None
    return TAGS[payload_dtype(level, variable)]


def payload_dtype(level: Level, variable: Variable) -> str:
    """dtype of the elements of a decoded payload: the variable's own, or its physical one at level 2."""
    if level is Level.PHYSICAL and variable.pack is not None:
        return variable.pack.out
    return variable.dtype


def element_bytes(level: Level, variable: Variable) -> int:
    """Bytes per element of a decoded payload [B]; 0 for variable length."""
    return DTYPES[payload_dtype(level, variable)]


_VARIABLE_LENGTH = frozenset(name for name, size in DTYPES.items() if size == 0)


def _open_block(top: Fields) -> None:
    kind, version = top.text("k"), top.integer("v")
    if kind != "b":
        raise top.error("k", "another kind of message", kind, "'b'")
    if version != VERSION:
        raise top.error("v", "unknown version of the record model", version, str(VERSION))


def _read_clock(top: Fields) -> ClockState:
    name = top.text("clk")
    try:
        return ClockState(name)
    except ValueError:
        raise top.error("clk", "unknown clock state", name, ", ".join(ClockState)) from None


def _variable_of(var: int, descriptor: Descriptor) -> Variable:
    if var >= len(descriptor.variables):
        raise RecordError(
            "record.shape",
            "the chunk names a variable its descriptor does not have",
            got=str(var),
            expected=f"below {len(descriptor.variables)}",
        )
    return descriptor.variables[var]


def _count(shape: tuple[int, ...], where: str) -> int:
    if len(shape) > MAX_RANK or any(size < 0 for size in shape):
        raise RecordError("record.shape", "not a shape", where=where, got=str(shape[:MAX_RANK]))
    count = prod(shape)
    if count > U63[1]:
        raise RecordError("record.limit", "the shape has too many elements", where=where, got=str(count))
    return count


def _check_chunk(chunk: Chunk, variable: Variable, tag: int | None) -> None:
    if len(chunk.shape) != len(variable.dims):
        raise RecordError(
            "record.shape",
            "the chunk has another rank than its variable",
            where=variable.name,
            got=str(len(chunk.shape)),
            expected=str(len(variable.dims)),
        )
    if tag is not None:
        expected = prod(chunk.shape) * element_bytes(chunk.level, variable)
        if not len(chunk.payload) == chunk.raw_bytes == expected:
            raise RecordError(
                "record.shape",
                "the payload has another length than its shape says",
                where=variable.name,
                got=f"{len(chunk.payload)} bytes, n {chunk.raw_bytes}",
                expected=f"{expected} bytes",
            )


def _constant_or(value: int | bytes, tag: int) -> object:
    return TypedArray(tag, value) if isinstance(value, bytes) else int(value)


def _read_constant_or(value: object, tag: int, count: int, where: str) -> int | bytes:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= U16[1]:
        return value
    return typed_bytes(value, tag, count, where)


def _per_column(values: list[int | bytes], tag: int) -> object:
    """One number for all columns where they agree, else one entry per column."""
    first = values[0] if values else 0
    if isinstance(first, int) and all(value == first for value in values):
        return int(first)
    return [_constant_or(value, tag) for value in values]


def _read_per_column(top: Fields, key: str, tag: int, n: int, columns: int) -> list[int | bytes]:
    value = top.take(key)
    if isinstance(value, list | tuple):
        if len(value) != columns:
            raise top.error(key, "not one entry per column", len(value), str(columns))
        return [_read_constant_or(each, tag, n, f"batch.{key}[{index}]") for index, each in enumerate(value)]
    return [_read_constant_or(value, tag, -1, f"batch.{key}")] * columns


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
    if variable.dtype not in _VARIABLE_LENGTH:
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


def _read_statistics(top: Fields) -> Statistics | None:
    if not top.has("st"):
        return None
    raw = top.array("st")
    numbers = [None if each is None else as_number(each) for each in raw]
    if len(raw) != 4 or numbers.count(None) != raw.count(None) or not isinstance(numbers[0], int):
        raise top.error("st", "not [n_valid, min, max, mean]", raw, "count and three numbers or nulls")
    mean = numbers[3]
    return Statistics(numbers[0], numbers[1], numbers[2], None if mean is None else float(mean))
