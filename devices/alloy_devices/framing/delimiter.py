"""Frames that end with a delimiter: lines of text, or binary frames with an end byte."""

from __future__ import annotations

from .buffer import ByteBuffer
from .spec import Frame, FramerStats, FramingSpec


class DelimiterFramer:
    """Cuts after each delimiter; empty frames are nothing and are not given.

    A frame longer than `max_bytes` is dropped with its delimiter and counted; while it lasts nothing of
    it is kept.
    """

    def __init__(self, spec: FramingSpec) -> None:
        self.stats = FramerStats()
        self._spec = spec
        self._buffer = ByteBuffer()
        self._scanned = 0  # bytes of the buffer known to hold no delimiter
        self._skipping = False  # inside a frame that is too long

    def feed(self, data: bytes, t_ns: int) -> list[Frame]:
        """See `Framer.feed`."""
        frames: list[Frame] = []
        self._buffer.append(data, t_ns)
        delimiter = self._spec.delimiter
        while (at := self._buffer.find(delimiter, self._scanned)) >= 0:
            self._end(at, frames)
            self._scanned = 0
        keep = len(delimiter) - 1
        if len(self._buffer) > self._spec.max_bytes + keep or self._skipping:
            self._skip(len(self._buffer) - self._buffer.partial(delimiter))
        self._scanned = max(0, len(self._buffer) - keep)
        return frames

    def flush(self, t_ns: int) -> list[Frame]:
        """Time completes no delimited frame."""
        return []

    def deadline(self) -> int | None:
        """Time completes no delimited frame."""
        return None

    def _end(self, at: int, frames: list[Frame]) -> None:
        """Deal with the frame of `at` bytes before the delimiter that was found."""
        whole = at + len(self._spec.delimiter)
        if self._skipping or at > self._spec.max_bytes:
            self._skip(whole)
            self._skipping = False
            return
        if self._spec.start:
            begin = self._buffer.find(self._spec.start)
            if begin < 0 or begin + len(self._spec.start) > at:
                self._drop(at)
                self._buffer.drop(whole - at)
                return
            if begin:
                self._drop(begin)
                at, whole = at - begin, whole - begin
        received_ns = self._buffer.time_ns()
        payload = self._buffer.peek(0, at).rstrip(self._spec.strip)
        self._buffer.drop(whole)
        if payload:
            self.stats.frames += 1
            frames.append(Frame(payload, received_ns))

    def _drop(self, count: int) -> None:
        if count:
            self.stats.resynchronisations += 1
            self.stats.dropped_bytes += count
            self._buffer.drop(count)

    def _skip(self, count: int) -> None:
        if not self._skipping:
            self._skipping = True
            self.stats.resynchronisations += 1
        self.stats.dropped_bytes += count
        self._buffer.drop(count)
