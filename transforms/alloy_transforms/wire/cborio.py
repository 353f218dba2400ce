"""The CBOR items our messages are made of: a writer and a bounded reader (RFC 8949).

The writer always uses the shortest head and definite lengths (section 4.2.1). The reader accepts definite
lengths only, refuses duplicate keys, and builds nothing but int, float, str, bytes, bool, None, list, dict
and `TypedArray`: no bignums, dates, references or other tags a generic decoder would act on.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence

from ..errors import RecordError
from .limits import DEFAULT_LIMITS, Limits
from .typed import ITEM_BYTES, Buffer, TypedArray

COPY_BYTES = 1024
"""Byte strings up to this length are copied into the header; longer ones become buffers of their own [B]."""

_MAX_U64 = (1 << 64) - 1


def write(tree: object, *, ordered: bool = True) -> list[Buffer]:
    """Encode a tree of plain values.

    Args:
        tree: None, bool, int, float, str, bytes-like, TypedArray, sequences and mappings of those.
        ordered: sort the keys of every map by their encoding (RFC 8949 section 4.2.1); False keeps the
            order of insertion, for messages whose last key is the payload.

    Returns:
        Buffers that make one item when joined; long byte strings are not copied.

    Raises:
        RecordError: `record.value`, an integer beyond 64 bits or a type CBOR messages do not have.
    """
    out: list[Buffer] = []
    pending = bytearray()
    pending = _item(tree, out, pending, ordered)
    if pending:
        out.append(bytes(pending))
    return out


def head(major: int, value: int) -> bytes:
    """The shortest head of a major type (RFC 8949 section 3)."""
    top = major << 5
    if value < 24:
        return bytes((top | value,))
    if value < 0x100:
        return bytes((top | 24, value))
    if value < 0x10000:
        return struct.pack(">BH", top | 25, value)
    if value < 0x100000000:
        return struct.pack(">BI", top | 26, value)
    return struct.pack(">BQ", top | 27, value)


def shortest_float(value: float) -> bytes:
    """The shortest of half, single and double that keeps the value (RFC 8949 section 4.2.1)."""
    if math.isnan(value):
        return b"\xf9\x7e\x00"
    for initial, form in ((0xF9, ">e"), (0xFA, ">f")):
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            return bytes((initial,)) + packed
    return b"\xfb" + struct.pack(">d", value)


def _item(tree: object, out: list[Buffer], pending: bytearray, ordered: bool) -> bytearray:
    """Append one item; returns the buffer to go on with."""
    if isinstance(tree, str):
        raw = tree.encode()
        pending += head(3, len(raw))
        pending += raw
    elif tree is None:
        pending.append(0xF6)
    elif isinstance(tree, bool):
        pending.append(0xF5 if tree else 0xF4)
    elif isinstance(tree, int):
        if not -_MAX_U64 - 1 <= tree <= _MAX_U64:
            raise RecordError(
                "record.value", "an integer does not fit 64 bits", got=f"{tree.bit_length()} bits"
            )
        pending += head(0, tree) if tree >= 0 else head(1, -1 - tree)
    elif isinstance(tree, float):
        pending += shortest_float(tree)
    elif isinstance(tree, TypedArray):
        pending += head(6, tree.tag)
        pending = _bytes(tree.data, out, pending)
    elif isinstance(tree, bytes | bytearray | memoryview):
        pending = _bytes(tree, out, pending)
    elif isinstance(tree, Mapping):
        pending = _map(tree, out, pending, ordered)
    elif isinstance(tree, Sequence):
        pending += head(4, len(tree))
        for element in tree:
            pending = _item(element, out, pending, ordered)
    else:
        raise RecordError("record.value", "a value has no encoding", got=type(tree).__name__)
    return pending


def _bytes(data: Buffer, out: list[Buffer], pending: bytearray) -> bytearray:
    size = data.nbytes if isinstance(data, memoryview) else len(data)
    pending += head(2, size)
    if size <= COPY_BYTES:
        pending += data
        return pending
    out.append(bytes(pending))
    out.append(data)
    return bytearray()


def _map(tree: Mapping[object, object], out: list[Buffer], pending: bytearray, ordered: bool) -> bytearray:
    pending += head(5, len(tree))
    keys = [(bytes(_item(key, [], bytearray(), ordered)), value) for key, value in tree.items()]
    if ordered:
        keys.sort(key=lambda pair: pair[0])
    for encoded, value in keys:
        pending += encoded
        pending = _item(value, out, pending, ordered)
    return pending


class Reader:
    """Reads items one after the other from one message or one CBOR sequence (RFC 8742).

    Args:
        data: the whole input; nothing outside it is touched.
        limits: bounds; `nodes` counts per top-level item.
        where: place for messages.
    """

    def __init__(self, data: Buffer, limits: Limits = DEFAULT_LIMITS, where: str = "") -> None:
        self._data = memoryview(data).cast("B")
        self._limits = limits
        self._where = where
        self._nodes = 0
        self.offset = 0
        if len(self._data) > limits.message_bytes:
            raise self._error(
                "record.limit", "the message is too long", len(self._data), limits.message_bytes
            )

    @property
    def at_end(self) -> bool:
        """True when every byte was read."""
        return self.offset == len(self._data)

    def item(self) -> object:
        """The next item.

        Raises:
            RecordError: `record.truncated`, `record.malformed`, `record.limit`.
        """
        self._nodes = 0
        return self._read(0)

    def _error(self, code: str, what: str, got: object = "", expected: object = "") -> RecordError:
        where = f"{self._where} byte {self.offset}".strip()
        return RecordError(code, what, where=where, got=str(got), expected=str(expected))

    def _take(self, count: int) -> memoryview:
        left = len(self._data) - self.offset
        if count > left:
            raise self._error("record.truncated", "the message ends early", f"{left} bytes", f"{count} bytes")
        start = self.offset
        self.offset += count
        return self._data[start : start + count]

    def _count(self, argument: int) -> int:
        """A length of an array or map: every element takes at least one byte."""
        left = len(self._data) - self.offset
        if argument > left:
            raise self._error(
                "record.truncated", "the message ends early", f"{left} bytes", f"{argument} items"
            )
        self._nodes += argument
        if self._nodes > self._limits.nodes:
            raise self._error("record.limit", "too many items", self._nodes, self._limits.nodes)
        return argument

    def _read(self, depth: int) -> object:
        if depth > self._limits.depth:
            raise self._error("record.limit", "nested too deeply", depth, self._limits.depth)
        initial = self._take(1)[0]
        major, info = initial >> 5, initial & 31
        if major == 7:
            return self._simple(info)
        argument = self._argument(info)
        if major == 0:
            return argument
        if major == 1:
            return -1 - argument
        if major == 2:
            return bytes(self._take(argument))
        if major == 3:
            return self._text(argument)
        if major == 4:
            return [self._read(depth + 1) for _ in range(self._count(argument))]
        if major == 5:
            return self._map(argument, depth)
        return self._tagged(argument)

    def _argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise self._error("record.malformed", "indefinite or reserved length", info, "0-27")
        return int.from_bytes(self._take(1 << (info - 24)), "big")

    def _simple(self, info: int) -> object:
        if info == 20:
            return False
        if info == 21:
            return True
        if info == 22:
            return None
        if info in (25, 26, 27):
            form = {25: ">e", 26: ">f", 27: ">d"}[info]
            value: float = struct.unpack(form, self._take(1 << (info - 24)))[0]
            return value
        raise self._error("record.malformed", "a simple value is not one of false, true, null", info)

    def _text(self, size: int) -> str:
        try:
            return str(self._take(size), "utf-8")
        except UnicodeDecodeError:
            raise self._error("record.malformed", "a text is not valid UTF-8") from None

    def _map(self, argument: int, depth: int) -> dict[object, object]:
        found: dict[object, object] = {}
        for _ in range(self._count(argument)):
            key = self._read(depth + 1)
            if not isinstance(key, str | int) or isinstance(key, bool):
                raise self._error("record.malformed", "a key is neither text nor integer", type(key).__name__)
            if key in found:
                raise self._error("record.malformed", "a key occurs twice", repr(key)[:80])
            found[key] = self._read(depth + 1)
        return found

    def _tagged(self, tag: int) -> TypedArray:
        if tag not in ITEM_BYTES:
            raise self._error("record.malformed", "the tag is not a little-endian typed array", tag)
        initial = self._take(1)[0]
        if initial >> 5 != 2:
            raise self._error("record.malformed", "a typed array holds no byte string", initial >> 5, 2)
        data = self._take(self._argument(initial & 31))
        if len(data) % ITEM_BYTES[tag]:
            raise self._error("record.malformed", "a typed array ends inside an element", len(data))
        return TypedArray(tag, bytes(data))
