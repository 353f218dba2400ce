"""Typed access to the maps of a decoded message: every field is checked where it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..errors import RecordError
from .limits import Limits
from .typed import ITEM_BYTES, TypedArray

T = TypeVar("T")

_ABSENT = object()
I64 = (-(1 << 63), (1 << 63) - 1)
U32 = (0, (1 << 32) - 1)
U63 = (0, (1 << 63) - 1)


class Fields:
    """One map of a message; `close` refuses what nobody asked for.

    Args:
        tree: a decoded map.
        where: path for messages ("vars[3].pack").
        limits: text and row bounds.
    """

    def __init__(self, tree: object, where: str, limits: Limits) -> None:
        if not isinstance(tree, dict):
            raise RecordError(
                "record.field", "not a map", where=where, got=type(tree).__name__, expected="map"
            )
        self._left: dict[object, object] = dict(tree)
        self.where = where
        self.limits = limits

    def has(self, key: str) -> bool:
        """True while `key` is there and was not taken."""
        return key in self._left

    def error(self, key: str, what: str, got: object, expected: str) -> RecordError:
        """An error that names the field."""
        shown = repr(got)
        return RecordError(
            "record.field", what, where=f"{self.where}.{key}", got=shown[:80], expected=expected
        )

    def take(self, key: str, default: object = _ABSENT) -> object:
        """The raw value; without a default the field must be there."""
        value = self._left.pop(key, default)
        if value is _ABSENT:
            raise RecordError("record.field", "a field is missing", where=self.where, expected=f"`{key}`")
        return value

    def inner(self, key: str) -> Fields:
        """A map inside this one."""
        return Fields(self.take(key), f"{self.where}.{key}", self.limits)

    def null(self, key: str) -> bool:
        """True, and the field is taken, when it is there and null."""
        if self._left.get(key, _ABSENT) is not None:
            return False
        del self._left[key]
        return True

    def text(self, key: str, default: object = _ABSENT) -> str:
        """A text, at most `limits.text_bytes` characters."""
        value = self.take(key, default)
        if not isinstance(value, str) or len(value) > self.limits.text_bytes:
            raise self.error(key, "not a text within the limit", value, "text")
        return value

    def maybe_text(self, key: str) -> str | None:
        """A text or None when absent."""
        return self.text(key) if self.has(key) else None

    def integer(self, key: str, bounds: tuple[int, int] = I64, default: object = _ABSENT) -> int:
        """An integer within `bounds` (inclusive)."""
        value = self.take(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not bounds[0] <= value <= bounds[1]:
            raise self.error(key, "not an integer in range", value, f"{bounds[0]}..{bounds[1]}")
        return value

    def real(self, key: str, default: object = _ABSENT) -> float:
        """A floating point number (an integer is taken as one)."""
        value = self.take(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, "not a number", value, "number")
        return float(value)

    def flag(self, key: str, default: bool) -> bool:
        """A boolean."""
        value = self.take(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "not a boolean", value, "boolean")
        return value

    def raw(self, key: str, default: object = _ABSENT) -> bytes:
        """A byte string."""
        value = self.take(key, default)
        if not isinstance(value, bytes):
            raise self.error(key, "not a byte string", value, "bytes")
        return value

    def array(self, key: str, default: object = _ABSENT) -> list[object]:
        """An array."""
        value = self.take(key, default)
        if not isinstance(value, list | tuple):
            raise self.error(key, "not an array", value, "array")
        return list(value)

    def each(self, key: str, read: Callable[[object], T | None], expected: str) -> tuple[T, ...]:
        """An array (absent: empty) whose elements `read` accepts; it answers None for a bad one."""
        found: list[T] = []
        for element in self.array(key, ()):
            value = read(element)
            if value is None:
                raise self.error(key, "an element has the wrong type", element, expected)
            found.append(value)
        return tuple(found)

    def texts(self, key: str) -> tuple[str, ...]:
        """An array of texts; absent: empty."""
        return self.each(key, as_text, "texts")

    def integers(self, key: str) -> tuple[int, ...]:
        """An array of 64-bit integers; absent: empty."""
        return self.each(key, as_integer, "integers")

    def typed(self, key: str, tag: int, count: int) -> bytes:
        """A typed array of exactly `count` elements of `tag`."""
        return typed_bytes(self.take(key), tag, count, f"{self.where}.{key}")

    def close(self) -> None:
        """Refuse fields that were not read."""
        if self._left:
            names = ", ".join(str(key)[:40] for key in list(self._left)[:5])
            raise RecordError("record.field", "unknown fields", where=self.where, got=names)


def as_text(value: object) -> str | None:
    """The value if it is a text."""
    return value if isinstance(value, str) else None


def as_integer(value: object) -> int | None:
    """The value if it is an integer of at most 64 bits."""
    if isinstance(value, bool) or not isinstance(value, int) or not -(1 << 63) <= value < 1 << 64:
        return None
    return value


def as_number(value: object) -> int | float | None:
    """The value if it is a number; integers stay integers."""
    return value if isinstance(value, float) else as_integer(value)


def typed_bytes(value: object, tag: int, count: int, where: str) -> bytes:
    """The bytes of a typed array of exactly `count` elements of `tag`."""
    if not isinstance(value, TypedArray) or value.tag != tag:
        got = f"tag {value.tag}" if isinstance(value, TypedArray) else type(value).__name__
        raise RecordError(
            "record.field", "not the typed array expected here", where=where, got=got, expected=f"tag {tag}"
        )
    if len(value.data) != count * ITEM_BYTES[tag]:
        raise RecordError(
            "record.shape",
            "a typed array has the wrong length",
            where=where,
            got=f"{len(value.data)} bytes",
            expected=f"{count} elements of {ITEM_BYTES[tag]} bytes",
        )
    return bytes(value.data)
