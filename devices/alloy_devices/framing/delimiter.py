"""Frames that end with a delimiter: lines of text, or binary frames with an end byte."""

from __future__ import annotations

from .buffer import ByteBuffer
from .spec import Frame, FramerStats, FramingSpec


class DelimiterFramer:
    """Cuts after each delimiter; empty frames are nothing and are not given.

    With a `start` pattern the frame runs from there to its delimiter, and a frame that grows longer than
    `max_bytes` is given up for the next start inside it. Without one, a frame that is too long is dropped
    up to its delimiter, and nothing of it is kept meanwhile. Line ends between frames are not counted.
    """

    def __init__(self, spec: FramingSpec) -> None:
        self.stats = FramerStats()
        self._spec = spec
        self._buffer = ByteBuffer()
        self._scanned = 0  # bytes of the buffer known to hold no delimiter
        self._skipping = False  # inside a frame that is too long
        self._aligned = True  # a run of dropped bytes counts once, however the reads split it
        self._ends = bytes(set(spec.delimiter + spec.strip))

    def feed(self, data: bytes, t_ns: int) -> list[Frame]:
        """See `Framer.feed`."""
        frames: list[Frame] = []
        self._buffer.append(data, t_ns)
        keep = len(self._spec.delimiter) - 1
        while len(self._buffer) and self._align():
            at = self._buffer.find(self._spec.delimiter, self._scanned)
            self._scanned = max(0, len(self._buffer) - keep)
            if at >= 0 and not self._skipping and at <= self._spec.max_bytes:
                self._take(at, frames)
            elif (
                self._spec.start and (excess := (at if at >= 0 else self._scanned) - self._spec.max_bytes) > 0
            ):
                self._drop(excess)  # too long: look for another start inside it
            elif at >= 0:
                self._drop(at + len(self._spec.delimiter))
                self._skipping = False
            else:
                if self._skipping or len(self._buffer) > self._spec.max_bytes + keep:
                    self._skipping = True
                    self._drop(len(self._buffer) - self._buffer.partial(self._spec.delimiter))
                break
            self._scanned = 0 if at >= 0 else self._scanned
        return frames

    def flush(self, t_ns: int) -> list[Frame]:
        """Time completes no delimited frame."""
        return []

    def deadline(self) -> int | None:
        """Time completes no delimited frame."""
        return None

    def _take(self, at: int, frames: list[Frame]) -> None:
        """Give the frame of `at` bytes before the delimiter that was found."""
        received_ns = self._buffer.time_ns()
        payload = self._buffer.peek(0, at).rstrip(self._spec.strip)
        self._buffer.drop(at + len(self._spec.delimiter))
        if payload:
            self.stats.frames += 1
            self._aligned = True
            frames.append(Frame(payload, received_ns))

    def _align(self) -> bool:
        """Drop what stands before the next start pattern; False when it has not come yet."""
        start = self._spec.start
        if not start:
            return True
        at = self._buffer.find(start)
        self._drop(at if at >= 0 else len(self._buffer) - self._buffer.partial(start))
        return at >= 0

    def _drop(self, count: int) -> None:
        """Drop and count; line ends are no loss."""
        if not count:
            return
        lost = len(self._buffer.peek(0, count).translate(None, self._ends))
        self._buffer.drop(count)
        self._scanned = max(0, self._scanned - count)
        if lost and self._aligned:
            self._aligned = False
            self.stats.resynchronisations += 1
        self.stats.dropped_bytes += lost
