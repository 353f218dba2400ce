"""What has been handed to the sinks and is not safe yet, in order and bounded.

This is the seam of the durable spool: today an entry lives in memory until every sink has acknowledged it, and
only then are its inputs acknowledged at their source. A source that cannot be told (a serial line) may lose what
is in here on a power cut.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import trio

from alloy_agent.errors import AgentError
from alloy_transforms.wire.typed import Buffer


class Ticket(Protocol):
    """One block at one sink."""

    async def wait(self) -> None:
        """Return when the sink has it safe.

        Raises:
            AgentError: `sink.*`; `retryable` says whether sending it again can help.
        """
        ...


class Sink(Protocol):
    """Where blocks go. `send` keeps the order of its calls."""

    name: str

    async def announce(self, sid: str, descriptor: bytes) -> None:
        """Make the descriptor known and safe before its first block."""
        ...

    async def send(self, block: Sequence[Buffer]) -> Ticket:
        """Take one encoded message; waits while the sink is full."""
        ...

    async def aclose(self) -> None:
        """Flush and release."""
        ...


@dataclass(slots=True)
class Entry:
    """One block at all sinks.

    Attributes:
        message: the encoded block, kept to be sent again.
        size: bytes counted against the window.
        tickets: one for each sink, in sink order.
        safe: awaited once when every sink has it.
        failed: awaited once when a sink refuses for good; it must make the inputs safe elsewhere.
    """

    message: Sequence[Sequence[Buffer]]
    size: int
    tickets: list[Ticket]
    safe: Callable[[], Awaitable[None]]
    failed: Callable[[AgentError], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a refused block is sent again before it is given up."""

    attempts: int = 5
    first_s: float = 0.2
    max_s: float = 5.0
    timeout_s: float = 30.0


class Window:
    """Bounded, ordered set of entries; `run` settles them oldest first.

    Args:
        max_bytes: bound of all entries together [B]; one entry larger than this still passes alone.
    """

    def __init__(self, sinks: Sequence[Sink], max_bytes: int, retry: Retry) -> None:
        self.sinks = sinks
        self.max_bytes = max_bytes
        self.retry = retry
        self.used = 0
        self.delivered = 0
        self.retried = 0
        self._entries: deque[Entry] = deque()
        self._changed = trio.Condition()

    def __len__(self) -> int:
        return len(self._entries)

    async def add(
        self,
        messages: Sequence[Sequence[Buffer]],
        safe: Callable[[], Awaitable[None]],
        failed: Callable[[AgentError], Awaitable[None]],
    ) -> None:
        """Send one block (one encoded message for each sink) and remember it until it is safe.

        With no messages the entry only keeps its place in the order of acknowledgements.
        """
        size = sum(len(part) for message in messages for part in message) + 256
        async with self._changed:
            while self.used and self.used + size > self.max_bytes:
                await self._changed.wait()
            self.used += size
        tickets = []
        try:
            for sink, message in zip(self.sinks, messages, strict=False):
                tickets.append(await sink.send(message))
        except BaseException:
            self.used -= size  # cancelled, or a sink is gone: the pipeline ends with this
            raise
        self._entries.append(Entry(messages, size, tickets, safe, failed))
        async with self._changed:
            self._changed.notify_all()

    async def _settle(self, entry: Entry) -> None:
        for number, sink in enumerate(self.sinks[: len(entry.tickets)]):
            attempt = 0
            while True:
                try:
                    await entry.tickets[number].wait()
                    break
                except AgentError as error:
                    attempt += 1
                    if not error.retryable or (
                        attempt > self.retry.attempts and error.code != "sink.no_consumer"
                    ):
                        await entry.failed(error)
                        return
                self.retried += 1
                await trio.sleep(min(self.retry.first_s * 2 ** (attempt - 1), self.retry.max_s))
                entry.tickets[number] = await sink.send(entry.message[number])
        await entry.safe()

    async def run(self) -> None:
        """Settle entries in order until cancelled."""
        while True:
            async with self._changed:
                while not self._entries:
                    await self._changed.wait()
            entry = self._entries[0]
            await self._settle(entry)
            self._entries.popleft()
            self.used -= entry.size
            self.delivered += 1
            async with self._changed:
                self._changed.notify_all()

    async def drained(self) -> None:
        """Return when nothing is waiting."""
        async with self._changed:
            while self._entries:
                await self._changed.wait()
