"""What a source is: it hands raw inputs to a pipeline and is told when they are safe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from alloy_transforms.record import ClockState

Scalar = int | float | bool | bytes | str


@dataclass(frozen=True, slots=True)
class Input:
    """One raw input: a frame, a message.

    Attributes:
        payload: the bytes as received, untouched.
        received_ns: UTC ns of the first byte.
        clock: state of the host's clock at that moment.
        fields: further inputs by name ("topic"); a transform takes those it declares in INPUT.
        acknowledge: called once, after every block made of this input is safe; None: cannot be told.
    """

    payload: bytes
    received_ns: int
    clock: ClockState
    fields: Mapping[str, Scalar] = field(default_factory=dict)
    acknowledge: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class FileInput:
    """One finished file: an open read-only descriptor, owned by the receiver, who closes it.

    Attributes:
        fd: opened O_RDONLY | O_NOFOLLOW under the watched folder's descriptor.
        name: name inside the watched folder, never an absolute path.
        size: bytes at the time of opening.
        settle: called once with "done", "failed" (coded error, do not offer again) or "retry".
    """

    fd: int
    name: str
    size: int
    mtime_ns: int
    received_ns: int
    clock: ClockState
    settle: Callable[[str], None]


Emit = Callable[[list[Input]], Awaitable[None]]
EmitFile = Callable[[FileInput], Awaitable[None]]


@dataclass(slots=True)
class SourceStats:
    """Counters of one source; read by status and the demo."""

    inputs: int = 0
    bytes: int = 0
    resynchronisations: int = 0  # bytes were dropped to find the next frame
    dropped_bytes: int = 0
    reconnects: int = 0
    connected: bool = False
    last_error: str = ""


class Source(Protocol):
    """A source of records; `run` returns only when cancelled, or when a finite source is exhausted."""

    name: str
    can_acknowledge: bool
    stats: SourceStats

    async def run(self, emit: Emit) -> None:
        """Emit inputs in order; `emit` waits while the pipeline is full (back-pressure)."""
        ...
