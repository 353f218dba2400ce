"""Chunks as trees of plain values, and back; lengths are checked against the descriptor.

The last key of a tree is `p`, the payload, so that an encoder can write the header and hand the payload on
uncopied.
"""

from __future__ import annotations

from math import prod

from ..errors import RecordError
from ..native import crc32c
from ..record import DTYPES, Chunk, Descriptor, Level, Statistics, Variable
from ..record_checks import MAX_RANK
from .documents import VERSION, Tree
from .fields import I64, U32, U63, Fields, as_number, typed_bytes
from .limits import DEFAULT_LIMITS, Limits
from .marks import VARIABLE_LENGTH, constant_or, open_block, read_clock, read_constant_or
from .typed import ITEM_BYTES, TAGS, UINT8, UINT16, TypedArray


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
    tree["q"] = constant_or(chunk.quality, UINT8)
    tree["r"] = constant_or(chunk.reasons, UINT16)
    if chunk.stats is not None:
        stats = chunk.stats
        tree["st"] = [stats.n_valid, stats.minimum, stats.maximum, stats.mean]
    tree["p"] = chunk.payload if tag is None else TypedArray(tag, chunk.payload)
    return tree


def read_chunk(tree: object, descriptor: Descriptor, limits: Limits = DEFAULT_LIMITS) -> Chunk:
    """A chunk from its tree. The checksum is not computed here: see `check_crc`.

    Raises:
        RecordError: `record.field`, `record.shape`.
    """
    top = Fields(tree, "chunk", limits)
    open_block(top)
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
        quality=read_constant_or(top.take("q"), UINT8, count, "chunk.q"),
        reasons=read_constant_or(top.take("r"), UINT16, count, "chunk.r"),
        stats=_read_statistics(top),
        received_ns=top.integer("rt", I64),
        clock=read_clock(top),
    )
    top.close()
    _check_chunk(chunk, variable, tag)
    return chunk


def check_crc(chunk: Chunk) -> None:
    """Compare the payload with its checksum; for receivers, no decoder does it on its own.

    Raises:
        RecordError: `record.crc`, the payload is not what was sent.
    """
    found = crc32c(chunk.payload)
    if found != chunk.crc:
        raise RecordError(
            "record.crc",
            "the payload is not what was sent",
            where=f"chunk seq {chunk.seq} of variable {chunk.var}",
            got=f"{found:08x}",
            expected=f"{chunk.crc:08x}",
        )


def payload_tag(level: Level, codec: tuple[str, ...], variable: Variable) -> int | None:
    """Tag of a chunk's payload; None where it is a plain byte string.

    Plain bytes: level 0, an encoded payload (`codec` not empty), and variable-length elements.
    """
    if level is Level.STORED or codec or variable.dtype in VARIABLE_LENGTH:
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


def _read_statistics(top: Fields) -> Statistics | None:
    if not top.has("st"):
        return None
    raw = top.array("st")
    numbers = [None if each is None else as_number(each) for each in raw]
    if len(raw) != 4 or numbers.count(None) != raw.count(None) or not isinstance(numbers[0], int):
        raise top.error("st", "not [n_valid, min, max, mean]", raw, "count and three numbers or nulls")
    mean = numbers[3]
    return Statistics(numbers[0], numbers[1], numbers[2], None if mean is None else float(mean))
