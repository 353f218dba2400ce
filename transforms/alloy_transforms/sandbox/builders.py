"""Checks the values of OUTPUT fields and packs them: a fast way for whole columns, an exact one for one value.

The fast way lets C code (`array`, `bytes`, `join`) find the fault; only when it does, each value is looked at by
`exact`, which says which row and why.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from .columns import TYPECODES, pack_bits, spans
from .contract import Field
from .protocol import Sections

INT_RANGES: dict[str, tuple[int, int]] = {
    "i8": (-(1 << 7), (1 << 7) - 1),
    "i16": (-(1 << 15), (1 << 15) - 1),
    "i32": (-(1 << 31), (1 << 31) - 1),
    "i64": (-(1 << 63), (1 << 63) - 1),
    "time_ns": (-(1 << 63), (1 << 63) - 1),
    "u8": (0, (1 << 8) - 1),
    "u16": (0, (1 << 16) - 1),
    "u32": (0, (1 << 32) - 1),
}
Builder = Callable[[Sequence[Any]], Sections]
_NAN = float("nan")  # the one NaN that leaves a transform: positive, quiet, no payload


class BadValueError(Exception):
    """A value that its field does not take."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(code, text)
        self.code = code
        self.text = text


def exact(f: Field, value: Any) -> Any:
    """The value as its field stores it, of the exact built-in type; enum becomes its index.

    Raises:
        BadValueError: `data.range` or `data.schema`.
    """
    kind = f.type
    if value is None:
        raise BadValueError("data.schema", f"`{f.name}` is missing and not optional")
    if kind in INT_RANGES:
        try:
            whole = int(operator.index(value))
        except TypeError:
            raise BadValueError("data.schema", f"`{f.name}` is {kind}, got {_name(value)}") from None
        low, high = INT_RANGES[kind]
        if not low <= whole <= high:
            raise BadValueError("data.range", f"`{f.name}` does not fit {kind}: {_short(whole)}")
        return whole
    if kind == "f64":
        return _float(f, value)
    if kind == "bool":
        try:
            bit = operator.index(value)
        except TypeError:
            raise BadValueError("data.schema", f"`{f.name}` is bool, got {_name(value)}") from None
        if bit not in (0, 1):
            raise BadValueError("data.range", f"`{f.name}` is bool, got {_short(bit)}")
        return bit == 1
    if kind == "enum":
        return _enum(f, value)
    data = _encoded(f, value)
    if len(data) > f.max:
        raise BadValueError("data.range", f"`{f.name}` takes {f.max} bytes, got {len(data)}")
    return data.decode() if kind == "text" else data


def _float(f: Field, value: Any) -> float:
    try:
        number = array("d", [value])[0]  # not float(): that reads texts and buffers
    except TypeError:
        raise BadValueError("data.schema", f"`{f.name}` is f64, got {_name(value)}") from None
    except OverflowError:
        raise BadValueError("data.overflow", f"`{f.name}` is beyond f64") from None
    return _NAN if math.isnan(number) else number


def _enum(f: Field, value: Any) -> int:
    if isinstance(value, str):
        if value in f.names:
            return f.names.index(value)
        raise BadValueError("data.range", f"`{f.name}` has no name {value[:32]!r}")
    try:
        index = int(operator.index(value))
    except TypeError:
        raise BadValueError(
            "data.schema", f"`{f.name}` is an enum: a name or its index, got {_name(value)}"
        ) from None
    if 0 <= index < len(f.names):
        return index
    raise BadValueError("data.range", f"`{f.name}` has no index {_short(index)}")


def _encoded(f: Field, value: Any) -> bytes:
    if f.type == "bytes" and type(value) is bytes:
        return value
    if f.type == "text" and type(value) is bytes:  # what a portable file cuts out of its input
        try:
            value.decode()
        except UnicodeDecodeError:
            raise BadValueError("data.value", f"`{f.name}` is text, got bytes that are no UTF-8") from None
        return value
    if f.type == "text" and isinstance(value, str):
        try:
            return str.encode(value)  # not value.encode(): a subclass may have its own
        except UnicodeEncodeError:
            raise BadValueError("data.value", f"`{f.name}` holds half a surrogate pair") from None
    raise BadValueError("data.schema", f"`{f.name}` is {f.type}, got {_name(value)}")


def _name(value: object) -> str:
    return type(value).__name__[:32]


def _short(number: int) -> str:
    return str(number) if abs(number) < 1 << 64 else f"an integer of {number.bit_length()} bits"


def builder(f: Field) -> Builder:
    """The fast packer of a field's column; any exception of it means: look at each value with `exact`."""
    return {"f64": _f64, "bool": _bool, "enum": _enums, "text": _texts, "bytes": _bytes}.get(f.type, _ints)(f)


def _holes(values: Sequence[Any], blank: Any) -> tuple[Sequence[Any], bytes]:
    return [blank if v is None else v for v in values], pack_bits(bytes([v is not None for v in values]))


def _ints(f: Field) -> Builder:
    code = TYPECODES[f.dtype]
    optional = f.optional

    def build(values: Sequence[Any]) -> Sections:
        validity = b""
        if optional and None in values:
            values, validity = _holes(values, 0)
        return array(code, values).tobytes(), b"", validity

    return build


def _f64(f: Field) -> Builder:
    optional = f.optional

    def build(values: Sequence[Any]) -> Sections:
        validity = b""
        if optional and None in values:
            values, validity = _holes(values, 0.0)
        packed = array("d", values)
        # A sum is finite only if no value is NaN; only then is each one looked at.
        if not math.isfinite(sum(packed)):
            packed = array("d", [_NAN if v != v else v for v in packed])
        return packed.tobytes(), b"", validity

    return build


def _bool(f: Field) -> Builder:
    optional = f.optional

    def build(values: Sequence[Any]) -> Sections:
        validity = b""
        if optional and None in values:
            values, validity = _holes(values, False)
        packed = bytes(values)
        if packed.translate(None, b"\0\1"):
            raise ValueError("not a bool")
        return packed, b"", validity

    return build


def _enums(f: Field) -> Builder:
    optional = f.optional
    count = len(f.names)
    index = {name: i for i, name in enumerate(f.names)}

    def build(values: Sequence[Any]) -> Sections:
        validity = b""
        if optional and None in values:
            values, validity = _holes(values, 0)
        packed = bytes([v if v.__class__ is int else index[v] for v in values])
        if packed and max(packed) >= count:
            raise ValueError("no such index")
        return packed, b"", validity

    return build


def _texts(f: Field) -> Builder:
    optional, limit = f.optional, f.max

    def build(values: Sequence[Any]) -> Sections:
        validity = b""
        if optional and None in values:
            values, validity = _holes(values, "")
        if bytes in set(map(type, values)):
            values = [v.decode() if type(v) is bytes else v for v in values]
        return _spanned(list(map(str.encode, values)), limit, validity)

    return build


def _bytes(f: Field) -> Builder:
    optional, limit = f.optional, f.max

    def build(values: Sequence[Any]) -> Sections:
        validity = b""
        if optional and None in values:
            values, validity = _holes(values, b"")
        if set(map(type, values)) - {bytes}:
            raise TypeError("not bytes")
        return _spanned(values, limit, validity)

    return build


def _spanned(parts: Sequence[bytes], limit: int, validity: bytes) -> Sections:
    offsets, arena = spans(parts)
    if parts and max(map(len, parts)) > limit:
        raise ValueError("longer than max")
    return offsets, arena, validity
