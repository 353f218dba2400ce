"""Typed arrays: RFC 8746 tags of the element types, always little-endian.

MessagePack uses the same numbers as extension codes, so a receiver needs one table for both encodings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Buffer = bytes | bytearray | memoryview

UINT8 = 64
UINT16 = 69
INT64 = 79

TAGS: Mapping[str, int] = {
    "bool": UINT8,
    "u1": UINT8,
    "u2": UINT16,
    "u4": 70,
    "u8": 71,
    "i1": 72,
    "i2": 77,
    "i4": 78,
    "i8": INT64,
    "f2": 84,
    "f4": 85,
    "f8": 86,
    "c8": 85,  # (re, im) pairs: RFC 8746 has no complex element
    "c16": 86,
}
"""dtype of the record model -> tag (RFC 8746 section 2.1, little-endian forms)."""

ITEM_BYTES: Mapping[int, int] = {
    UINT8: 1,
    UINT16: 2,
    70: 4,
    71: 8,
    72: 1,
    77: 2,
    78: 4,
    INT64: 8,
    84: 2,
    85: 4,
    86: 8,
}
"""tag -> bytes per element [B]; the only tags a reader accepts."""


@dataclass(frozen=True, slots=True)
class TypedArray:
    """A run of packed little-endian numbers and the tag that says which."""

    tag: int
    data: Buffer
