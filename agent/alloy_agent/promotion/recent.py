"""The newest inputs of a transform, for the comparison of its tiers. In memory only, a few, bounded in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import take_rows
from alloy_transforms.sandbox.contract import INPUT_DTYPES

BATCHES: Final = 16
INPUTS: Final = 64  # of one batch
BYTES: Final = 256 << 10  # of all batches
EVERY_S: Final = 1.0  # between two batches that are kept


@dataclass(frozen=True, slots=True)
class Recorded:
    """The begin of one batch, and the STATE before it."""

    columns: tuple[Column, ...]
    n: int
    state: bytes
    size: int


class Recent:
    """Keeps one batch a second at most; the oldest goes first."""

    def __init__(self, inputs: Sequence[tuple[str, str]]) -> None:
        self._dtypes = [INPUT_DTYPES[kind] for _, kind in inputs]
        self._kept: deque[Recorded] = deque()
        self._bytes = 0
        self._next_s = float("-inf")

    def note(self, columns: Sequence[Column], n: int, state: bytes, now_s: float) -> None:
        """Keep the first inputs of a batch, if it is time for one."""
        if now_s < self._next_s or n == 0:
            return
        self._next_s = now_s + EVERY_S
        few = min(n, INPUTS)
        kept = tuple(
            take_rows(dtype, column, 0, few, n) for dtype, column in zip(self._dtypes, columns, strict=True)
        )
        size = sum(len(c.values) + len(c.arena) for c in kept)
        if size > BYTES:
            return
        self._kept.append(Recorded(kept, few, state, size))
        self._bytes += size
        while len(self._kept) > BATCHES or self._bytes > BYTES:
            self._bytes -= self._kept.popleft().size

    def batches(self) -> tuple[Recorded, ...]:
        """The oldest first."""
        return tuple(self._kept)
