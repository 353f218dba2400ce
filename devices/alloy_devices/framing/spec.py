"""What a framer is told, what it gives, and what it counts. No I/O and no parsing of payloads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from alloy_devices.errors import FrameError

MAX_FRAME_BYTES = 1 << 20  # ceiling of `max_bytes` [B]
MAX_MARK_BYTES = 16  # longest delimiter or start pattern [B]
KINDS = ("delimiter", "fixed", "length", "burst")


@dataclass(frozen=True, slots=True)
class FramingSpec:
    """How a byte stream is cut; the same fields as the `framing` section of a pipeline.

    Raises:
        FrameError: `framing.invalid`, a field does not fit its kind.
    """

    kind: str  # delimiter | fixed | length | burst
    delimiter: bytes = b"\n"
    strip: bytes = b"\r"  # these bytes are removed from the end of a delimited frame
    start: bytes = b""  # a frame begins with these bytes; anything before is dropped and counted
    size: int = 0  # fixed: bytes of a frame
    length_offset: int = 0  # length: position of the length field [B]
    length_bytes: int = 1
    length_order: str = "big"
    length_adjust: int = 0  # added to the field to get the frame's whole size [B]
    gap_ms: float = 0.0  # burst: silence that ends a frame
    max_bytes: int = 4096  # longer frames are dropped and counted

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise _invalid("kind", self.kind, " | ".join(KINDS))
        if not 1 <= self.max_bytes <= MAX_FRAME_BYTES:
            raise _invalid("max_bytes", str(self.max_bytes), f"1 to {MAX_FRAME_BYTES}")
        if len(self.start) > MAX_MARK_BYTES:
            raise _invalid("start", f"{len(self.start)} bytes", f"at most {MAX_MARK_BYTES}")
        if self.kind == "delimiter" and not 1 <= len(self.delimiter) <= MAX_MARK_BYTES:
            raise _invalid("delimiter", f"{len(self.delimiter)} bytes", f"1 to {MAX_MARK_BYTES}")
        if self.kind == "fixed" and not max(1, len(self.start)) <= self.size <= self.max_bytes:
            raise _invalid("size", str(self.size), "at least the start pattern, at most `max_bytes`")
        if self.kind == "length":
            self._check_length()
        if self.kind == "burst" and not 0.0 < self.gap_ms <= 60_000.0:
            raise _invalid("gap_ms", str(self.gap_ms), "above 0, at most 60000")

    def _check_length(self) -> None:
        if not 1 <= self.length_bytes <= 4:
            raise _invalid("length_bytes", str(self.length_bytes), "1 to 4")
        if self.length_order not in ("big", "little"):
            raise _invalid("length_order", self.length_order, "big | little")
        if self.length_offset < 0 or self.length_offset + self.length_bytes > self.max_bytes:
            raise _invalid("length_offset", str(self.length_offset), "inside `max_bytes`")


def _invalid(name: str, got: str, expected: str) -> FrameError:
    return FrameError(
        "framing.invalid", f"`framing.{name}` cannot be used", where=name, got=got, expected=expected
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame and the time of its first byte [ns, the clock given to `feed`]."""

    payload: bytes
    received_ns: int


@dataclass(slots=True)
class FramerStats:
    """Counters of one framer."""

    frames: int = 0
    dropped_bytes: int = 0
    resynchronisations: int = 0  # runs of dropped bytes, not bytes


class Framer(Protocol):
    """Bytes in, frames out. The times must come from a clock that does not jump (monotonic)."""

    stats: FramerStats

    def feed(self, data: bytes, t_ns: int) -> list[Frame]:
        """Take what one read gave at `t_ns` and return every frame it completed, in order."""
        ...

    def flush(self, t_ns: int) -> list[Frame]:
        """Return what became complete by the passing of time; call it when `deadline` is reached."""
        ...

    def deadline(self) -> int | None:
        """Time at which `flush` should be called, None where time completes nothing [ns]."""
        ...
