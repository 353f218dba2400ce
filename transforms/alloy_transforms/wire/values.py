"""Values one by one, for people and text formats; nothing on the hot path comes here.

Physical values follow the record model: with `exp10` one correctly rounded division, else scale and offset
in binary64, rounded once more where the physical type is f4 or f2. The kernels compute the same bits.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from ..record import Column, Packing, Reason, Variable

Value = int | float | complex | bool | str | bytes

_FORMS = {
    "bool": "?",
    "i1": "b",
    "i2": "h",
    "i4": "i",
    "i8": "q",
    "u1": "B",
    "u2": "H",
    "u4": "I",
    "u8": "Q",
    "f2": "e",
    "f4": "f",
    "f8": "d",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NS = 1_000_000_000


def physical(value: int | float, variable: Variable) -> int | float:
    """A stored number as a number of the variable's unit; without packing it is what is stored.

    Args:
        value: as stored [counts]; a mantissa where `exp10` is set.
        variable: whose packing applies.

    Returns:
        The physical value [variable.unit]; infinite where it exceeds the type of the result.
    """
    pack = variable.pack
    if pack is None:
        return value
    if pack.exp10 is not None:
        return mantissa(value, pack.exp10)
    if pack.unsigned and isinstance(value, int) and value < 0:
        value += 1 << 8 * struct.calcsize(_FORMS[variable.dtype])
    if pack.scale == 1.0 and pack.offset == 0.0:
        return value
    return _rounded(float(value) * pack.scale + pack.offset, pack)


def mantissa(value: int | float, exp10: int) -> int | float:
    """value * 10**exp10 with one rounding: an exact product, or one correctly rounded division."""
    if exp10 == 0:
        return value
    try:
        return value / 10**-exp10 if exp10 < 0 else float(value * 10**exp10)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _rounded(value: float, pack: Packing) -> float:
    form = _FORMS.get(pack.out, "d")
    if form not in "ef":
        return value
    try:
        rounded: float = struct.unpack(form, struct.pack(form, value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return rounded


def numbers(data: bytes, dtype: str) -> Sequence[int | float | bool | complex]:
    """The elements of packed little-endian `data`."""
    if dtype in ("c8", "c16"):
        parts = numbers(data, "f4" if dtype == "c8" else "f8")
        return [complex(*parts[at : at + 2]) for at in range(0, len(parts), 2)]
    form = _FORMS[dtype]
    return struct.unpack(f"<{len(data) // struct.calcsize('<' + form)}{form}", data)


def items(values: bytes, arena: bytes, dtype: str) -> list[str | bytes]:
    """The elements of a utf8 or bytes column; text that is not UTF-8 stays bytes."""
    offsets = struct.unpack(f"<{len(values) // 4}I", values)
    found: list[str | bytes] = []
    for start, end in pairwise(offsets):
        raw = arena[start:end]
        try:
            found.append(raw.decode() if dtype == "utf8" else raw)
        except UnicodeDecodeError:
            found.append(raw)
    return found


def column_values(column: Column, variable: Variable, n: int) -> list[Value | None]:
    """Stored values of a column; None where the validity bit is clear."""
    stored: Sequence[Value]
    if variable.dtype in ("utf8", "bytes"):
        stored = items(column.values, column.arena, variable.dtype)
    else:
        stored = numbers(column.values, variable.dtype)
    mask = column.validity
    if mask is None:
        return list(stored)
    return [stored[row] if mask[row >> 3] >> (row & 7) & 1 else None for row in range(n)]


def per_row(value: int | bytes, n: int, width: int) -> Sequence[int]:
    """Quality (`width` 1) or reasons (`width` 2) of every row [B]."""
    if isinstance(value, int):
        return (int(value),) * n
    return struct.unpack(f"<{n}{'B' if width == 1 else 'H'}", value)


def reason_names(mask: int) -> list[str]:
    """Names of the bits of a reason mask, in order; an unknown bit is `bit<n>`."""
    known = {reason.value: (reason.name or "").lower() for reason in Reason if reason.value}
    return [known.get(1 << bit, f"bit{bit}") for bit in range(16) if mask >> bit & 1]


def iso_ns(time_ns: int) -> str:
    """UTC ns since 1970 as ISO 8601 with nine decimals; any int64 is within datetime's years."""
    seconds, ns = divmod(time_ns, _NS)
    return (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S") + f".{ns:09d}Z"
