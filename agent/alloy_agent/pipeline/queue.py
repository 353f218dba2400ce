"""The bounded queue between a source and its stages: counts inputs and bytes, hands out batches."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import trio

from alloy_devices.source import Input

_OVERHEAD = 200
"""Bytes counted for each input beside its payload [B]: the object and its fields."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one batch holds at most, and how long the first input may wait for company."""

    rows: int = 1024
    bytes: int = 1 << 20
    wait_s: float = 0.02


class InputQueue:
    """Single consumer, any number of producers; `put` waits while the queue is full (back-pressure).

    Args:
        max_inputs: bound [inputs].
        max_bytes: bound over payloads [B]; one larger input still passes alone.
    """

    def __init__(self, max_inputs: int, max_bytes: int) -> None:
        self.max_inputs = max_inputs
        self.max_bytes = max_bytes
        self.bytes = 0
        self.closed = False
        self._items: deque[tuple[Input, int]] = deque()  # with what it costs [B]
        self._room = trio.Event()
        self._room.set()
        self._filled = trio.Event()

    def __len__(self) -> int:
        return len(self._items)

    async def put(self, inputs: list[Input]) -> None:
        """Append in order; waits for room before each input that does not fit.

        Cancelled while it waits, it appends the rest at once: what a source has taken is never dropped. The
        bound is then exceeded by the inputs of one call at most.
        """
        for number, item in enumerate(inputs):
            size = cost(item)
            while self._items and (len(self._items) >= self.max_inputs or self.bytes + size > self.max_bytes):
                if self._room.is_set():  # else another producer waits already, for the same event
                    self._room = trio.Event()
                try:
                    await self._room.wait()
                except trio.Cancelled:
                    for rest in inputs[number:]:
                        self._append(rest, cost(rest))
                    raise
            self._append(item, size)
        await trio.lowlevel.checkpoint()

    def _append(self, item: Input, size: int) -> None:
        self._items.append((item, size))
        self.bytes += size
        self._filled.set()

    def close(self) -> None:
        """No more inputs will come; what is inside is still handed out."""
        self.closed = True
        self._filled.set()

    def _full(self, limits: BatchLimits) -> bool:
        return (
            len(self._items) >= min(limits.rows, self.max_inputs)
            or self.bytes >= min(limits.bytes, self.max_bytes)
            or not self._room.is_set()
        )

    async def take(self, limits: BatchLimits) -> list[Input]:
        """The next batch, at least one input; an empty list once the queue is closed and empty."""
        while not self._items:
            if self.closed:
                return []
            self._filled = trio.Event()
            await self._filled.wait()
        if not self.closed and not self._full(limits):
            with trio.move_on_after(limits.wait_s):
                while not self.closed and not self._full(limits):
                    self._filled = trio.Event()
                    await self._filled.wait()
        batch: list[Input] = []
        size = 0
        while self._items and len(batch) < limits.rows:
            item, held = self._items[0]
            if batch and size + len(item.payload) > limits.bytes:
                break
            self._items.popleft()
            self.bytes -= held
            size += len(item.payload)
            batch.append(item)
        self._room.set()
        return batch


def cost(item: Input) -> int:
    """Bytes counted for one input: payload, texts of its fields, and the objects."""
    total = len(item.payload) + _OVERHEAD
    for value in item.fields.values():
        if isinstance(value, str | bytes):
            total += len(value)
    return total
