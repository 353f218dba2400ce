"""Frames that carry their own length."""

from __future__ import annotations

from typing import Literal, cast

from .spec import FramingSpec
from .sync import SyncFramer

WINDOW_BYTES = 256  # how far one look for a possible length goes: long enough to be quick in garbage


class LengthFramer(SyncFramer):
    """Reads the length field, adds `length_adjust`, and takes that many bytes from the start pattern.

    A length that cannot be (smaller than the header, larger than `max_bytes`) means that this was no
    frame: the search goes on one byte further, so a wrong length costs no more than its frame.
    """

    def __init__(self, spec: FramingSpec) -> None:
        super().__init__(spec)
        self._header = spec.length_offset + spec.length_bytes
        self._least = max(self._header, len(spec.start))
        self._order = cast(Literal["big", "little"], spec.length_order)

    def _size(self) -> int | None:
        if len(self._buffer) < self._least:
            return None
        return self._length(self._buffer.peek(0, self._header), 0)

    def _align(self) -> bool:
        """Drop what stands before the next start pattern with a length that can be."""
        while super()._align():
            window = self._buffer.peek(0, WINDOW_BYTES + self._least - 1)
            possible = len(window) - self._least + 1
            if possible <= 0:
                return True  # its length has not come yet
            at = 0
            while 0 <= at < possible and not self._least <= self._length(window, at) <= self._spec.max_bytes:
                at = window.find(self._spec.start, at + 1)
            if 0 <= at < possible:
                self._drop(at)
                return True
            self._drop(possible)
        return False

    def _length(self, data: bytes, at: int) -> int:
        field = data[at + self._spec.length_offset : at + self._header]
        return int.from_bytes(field, self._order) + self._spec.length_adjust
