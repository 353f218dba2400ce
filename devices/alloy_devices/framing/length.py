"""Frames that carry their own length."""

from __future__ import annotations

from typing import Literal, cast

from .spec import FramingSpec
from .sync import SyncFramer


class LengthFramer(SyncFramer):
    """Reads the length field, adds `length_adjust`, and takes that many bytes from the start pattern.

    A length that cannot be (smaller than the header, larger than `max_bytes`) means that this was no
    frame: one byte is dropped and the search goes on, so a wrong length costs no more than its frame.
    """

    def __init__(self, spec: FramingSpec) -> None:
        super().__init__(spec)
        self._header = spec.length_offset + spec.length_bytes
        self._order = cast(Literal["big", "little"], spec.length_order)

    def _size(self) -> int | None:
        if len(self._buffer) < self._header:
            return None
        field = self._buffer.peek(self._spec.length_offset, self._header)
        size = int.from_bytes(field, self._order) + self._spec.length_adjust
        least = max(self._header, len(self._spec.start))
        return size if least <= size <= self._spec.max_bytes else 0
