"""Columns of the record model from and to Python values; slices and joins of them.

Both sides of the jail use these. Only tests, the command line and small batches turn columns back into values.
Little-endian by construction: the jail exists for x86_64 and aarch64 only, both little-endian.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any

from ..errors import RecordError
from ..record import Column
from .contract import INPUT_DTYPES, Contract, Field
from .reply import Reply

TYPECODES = {"i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "f8": "d"}
"""dtype -> `array` type code."""

_ASCII_BITS = bytes.maketrans(b"\0\1", b"01")
_VARIABLE = ("utf8", "bytes")


def pack_bits(flags: bytes) -> bytes:
    """0/1 bytes -> bits, least significant first, zero past the end."""
    if not flags:
        return b""
    return int(flags[::-1].translate(_ASCII_BITS), 2).to_bytes((len(flags) + 7) // 8, "little")


def unpack_bits(bits: bytes, n: int) -> list[bool]:
    """The first `n` bits as booleans."""
    return [bool(bits[i >> 3] >> (i & 7) & 1) for i in range(n)]


def fixed(dtype: str, values: Sequence[Any]) -> bytes:
    """Numbers as packed values of `dtype`; `TypeError`/`OverflowError` if one does not fit."""
    if dtype == "bool":
        packed = bytes(values)
        if packed.translate(None, b"\0\1"):
            raise OverflowError("a bool is 0 or 1")
        return packed
    return array(TYPECODES[dtype], values).tobytes()


def spans(parts: Sequence[bytes]) -> tuple[bytes, bytes]:
    """(u4 offsets, arena) of byte strings."""
    return array("I", accumulate(map(len, parts), initial=0)).tobytes(), b"".join(parts)


def column(dtype: str, values: Sequence[Any]) -> Column:
    """A column of Python values; None is missing."""
    validity = None
    if None in values:
        validity = pack_bits(bytes([v is not None for v in values]))
        blank: Any = b"" if dtype == "bytes" else "" if dtype == "utf8" else 0
        values = [blank if v is None else v for v in values]
    if dtype == "utf8":
        offsets, arena = spans([v.encode() for v in values])
    elif dtype == "bytes":
        offsets, arena = spans(values)
    else:
        return Column(fixed(dtype, values), validity=validity)
    return Column(offsets, arena, validity)


def input_column(kind: str, values: Sequence[Any]) -> Column:
    """The column of one INPUT of type `kind` (`bytes`, `int`, `float`, `bool`, `text`).

    Raises:
        RecordError: `data.schema`, a value is not of that type.
    """
    try:
        return column(INPUT_DTYPES[kind], values)
    except (TypeError, AttributeError, OverflowError, ValueError) as error:
        raise RecordError("data.schema", f"an input value is no {kind}: {error}") from error


def values_of(dtype: str, col: Column, n: int) -> list[Any]:
    """The Python values of a column; None where it has none."""
    if dtype in _VARIABLE:
        offsets = array("I", col.values)
        out: list[Any] = [col.arena[a:b] for a, b in pairwise(offsets)]
        if dtype == "utf8":
            out = [str(part, "utf-8") for part in out]
    elif dtype == "bool":
        out = [v != 0 for v in col.values]
    else:
        out = array(TYPECODES[dtype], col.values).tolist()
    if col.validity is not None:
        out = [v if ok else None for v, ok in zip(out, unpack_bits(col.validity, n), strict=True)]
    return out


def take_rows(dtype: str, col: Column, start: int, stop: int, n: int) -> Column:
    """Rows `start` to `stop` of a column of `n` rows; whole-column quality stays."""
    if start == 0 and stop == n:
        return col
    validity = None
    if col.validity is not None:
        bits = int.from_bytes(col.validity, "little") >> start & ((1 << (stop - start)) - 1)
        validity = bits.to_bytes((stop - start + 7) // 8, "little")
    if dtype in _VARIABLE:
        offsets = array("I", col.values[4 * start : 4 * (stop + 1)])
        first, last = offsets[0], offsets[-1]
        return Column(array("I", (o - first for o in offsets)).tobytes(), col.arena[first:last], validity)
    size = 1 if dtype == "bool" else array(TYPECODES[dtype]).itemsize
    return Column(col.values[size * start : size * stop], validity=validity)


def join(dtype: str, parts: Sequence[tuple[Column, int]]) -> Column:
    """(column, rows) after each other as one column."""
    validity = None
    if any(col.validity is not None for col, _ in parts):
        bits = at = 0
        for col, n in parts:
            own = (1 << n) - 1 if col.validity is None else int.from_bytes(col.validity, "little")
            bits |= own << at
            at += n
        validity = bits.to_bytes((at + 7) // 8, "little")
    arena = b"".join(col.arena for col, _ in parts)
    if dtype not in _VARIABLE:
        return Column(b"".join(col.values for col, _ in parts), arena, validity)
    starts = accumulate((len(col.arena) for col, _ in parts), initial=0)
    moved: Iterable[Iterable[int]] = (
        [o + start for o in array("I", col.values)[i > 0 :]]
        for i, ((col, _), start) in enumerate(zip(parts, starts, strict=False))
    )
    return Column(array("I", chain.from_iterable(moved)).tobytes(), arena, validity)


def rows_of(contract: Contract, reply: Reply) -> list[dict[str, Any]]:
    """The rows of a reply as the transform gave them: mantissas, enum as names, absent fields left out."""
    named = [(f, _shown(f, col, reply.rows)) for f, col in zip(contract.outputs, reply.columns, strict=True)]
    return [{f.name: v[i] for f, v in named if v[i] is not None} for i in range(reply.rows)]


def _shown(f: Field, col: Column, n: int) -> list[Any]:
    values = values_of(f.dtype, col, n)
    return [None if v is None else f.names[v] for v in values] if f.type == "enum" else values
