"""What batches and chunks have in common: kind and version, clock, quality and reasons."""

from __future__ import annotations

from ..record import DTYPES, ClockState
from .documents import VERSION
from .fields import Fields, typed_bytes
from .typed import TypedArray

VARIABLE_LENGTH = frozenset(name for name, size in DTYPES.items() if size == 0)


def open_block(top: Fields) -> None:
    """Take kind and version of a block, refusing any other."""
    kind, version = top.text("k"), top.integer("v")
    if kind != "b":
        raise top.error("k", "another kind of message", kind, "'b'")
    if version != VERSION:
        raise top.error("v", "unknown version of the record model", version, str(VERSION))


def read_clock(top: Fields) -> ClockState:
    """The clock state of a block."""
    name = top.text("clk")
    try:
        return ClockState(name)
    except ValueError:
        raise top.error("clk", "unknown clock state", name, ", ".join(ClockState)) from None


def constant_or(value: int | bytes, tag: int) -> object:
    """One number for all values, or a typed array with one per value."""
    return TypedArray(tag, value) if isinstance(value, bytes) else int(value)


def read_constant_or(value: object, tag: int, count: int, where: str) -> int | bytes:
    """The inverse of `constant_or` for `count` values."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0xFFFF:
        return value
    return typed_bytes(value, tag, count, where)
