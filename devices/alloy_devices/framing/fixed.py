"""Frames of one size, found by their start pattern."""

from __future__ import annotations

from .sync import SyncFramer


class FixedFramer(SyncFramer):
    """Takes `size` bytes from each start pattern; without a pattern the stream is cut as it comes."""

    def _size(self) -> int | None:
        return self._spec.size
