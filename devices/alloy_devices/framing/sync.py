"""What the framers with a start pattern share: finding it again, and counting what that cost."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .buffer import ByteBuffer
from .spec import Frame, FramerStats, FramingSpec


class SyncFramer(ABC):
    """Base of `FixedFramer` and `LengthFramer`: align on `start`, take a frame, repeat."""

    def __init__(self, spec: FramingSpec) -> None:
        self.stats = FramerStats()
        self._spec = spec
        self._buffer = ByteBuffer()
        self._aligned = True  # a run of dropped bytes counts once, however the reads split it

    def feed(self, data: bytes, t_ns: int) -> list[Frame]:
        """See `Framer.feed`."""
        frames: list[Frame] = []
        self._buffer.append(data, t_ns)
        while self._align() and len(self._buffer):
            size = self._size()
            if size is None or size > len(self._buffer):
                break
            received_ns = self._buffer.time_ns()
            frames.append(Frame(self._buffer.take(size), received_ns))
            self.stats.frames += 1
            self._aligned = True
        return frames

    def flush(self, t_ns: int) -> list[Frame]:
        """Time completes no such frame."""
        return []

    def deadline(self) -> int | None:
        """Time completes no such frame."""
        return None

    @abstractmethod
    def _size(self) -> int | None:
        """Bytes of the frame at the start of the aligned buffer; None: not known yet."""

    def _align(self) -> bool:
        """Drop what stands before the next start pattern; False when it has not come yet."""
        start = self._spec.start
        if not start:
            return True
        at = self._buffer.find(start)
        if at < 0:
            self._drop(len(self._buffer) - self._buffer.partial(start))
            return False
        self._drop(at)
        return True

    def _drop(self, count: int) -> None:
        if not count:
            return
        if self._aligned:
            self._aligned = False
            self.stats.resynchronisations += 1
        self.stats.dropped_bytes += count
        self._buffer.drop(count)
