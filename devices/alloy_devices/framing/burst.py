"""Frames that end with silence, as Modbus RTU and many older instruments do it."""

from __future__ import annotations

from .buffer import ByteBuffer
from .spec import Frame, FramerStats, FramingSpec


class BurstFramer:
    """Gives what came between two silences of at least `gap_ms`.

    A burst longer than `max_bytes` is dropped whole and counted; a burst that does not begin with
    `start` loses what stands before it.
    """

    def __init__(self, spec: FramingSpec) -> None:
        self.stats = FramerStats()
        self._spec = spec
        self._gap_ns = max(1, round(spec.gap_ms * 1_000_000))
        self._buffer = ByteBuffer()
        self._last_ns: int | None = None  # time of the last byte of an open burst
        self._skipping = False

    def feed(self, data: bytes, t_ns: int) -> list[Frame]:
        """See `Framer.feed`."""
        frames = self.flush(t_ns)
        if not data:
            return frames
        self._last_ns = t_ns
        if self._skipping:
            self.stats.dropped_bytes += len(data)
            return frames
        self._buffer.append(data, t_ns)
        if len(self._buffer) > self._spec.max_bytes:
            self._skipping = True
            self.stats.resynchronisations += 1
            self.stats.dropped_bytes += len(self._buffer)
            self._buffer.drop(len(self._buffer))
        return frames

    def flush(self, t_ns: int) -> list[Frame]:
        """Give the burst if its silence has lasted long enough."""
        if self._last_ns is None or t_ns - self._last_ns < self._gap_ns:
            return []
        self._last_ns = None
        self._skipping = False
        if not len(self._buffer):
            return []
        begin = self._buffer.find(self._spec.start)
        dropped = begin if begin >= 0 else len(self._buffer)
        if dropped:
            self.stats.resynchronisations += 1
            self.stats.dropped_bytes += dropped
            self._buffer.drop(dropped)
        if not len(self._buffer):
            return []
        self.stats.frames += 1
        received_ns = self._buffer.time_ns()
        return [Frame(self._buffer.take(len(self._buffer)), received_ns)]

    def deadline(self) -> int | None:
        """When the silence after the last byte will have lasted long enough."""
        return None if self._last_ns is None else self._last_ns + self._gap_ns
