"""What has been handed to the sinks and is not safe yet, in order and bounded.

This is the seam of the durable spool: today an entry lives in memory until every sink has acknowledged it, and
only then are its inputs acknowledged at their source. A source that cannot be told (a serial line) may lose what
is in here on a power cut.

`add` only puts an entry into its place, so a pipeline that fails anywhere has an entry in here once or not at
all; sending and settling belong to `run`, which goes on where it was when it is started again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import trio

from alloy_agent.errors import AgentError
from alloy_transforms.wire.typed import Buffer

ENTRY_BYTES = 256
"""Counted for each entry beside its messages [B]: the objects that hold it."""
WAITED_OUT = ("sink.write", "sink.no_consumer")
"""The sink as a whole takes nothing (full disk, no consumer): no other block would fare better, so the source
waits instead, however long; `attempts` and `timeout_s` are for blocks that are refused."""


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


@dataclass(frozen=True, slots=True)
class Refusal:
    """The ticket of a block that a sink would not even take."""

    error: AgentError

    async def wait(self) -> None:
        """Raise why."""
        raise self.error


@dataclass(slots=True)
class Entry:
    """One block at all sinks.

    Attributes:
        messages: the encoded block for each sink, kept to be sent again.
        size: bytes counted against the window.
        safe: awaited until it returns once every sink has it.
        failed: the same once a sink refuses for good; it must make the inputs safe elsewhere.
        tickets: of the sinks it was sent to so far.
        done: sinks that have it safe.
        attempts: how often the sink in turn was asked again, since `since` [s].
    """

    messages: Sequence[Sequence[Buffer]]
    size: int
    safe: Callable[[], Awaitable[None]]
    failed: Callable[[AgentError], Awaitable[None]]
    tickets: list[Ticket] = field(default_factory=list)
    done: int = 0
    attempts: int = 0
    since: float = 0.0
    refused: AgentError | None = None

    @property
    def sent(self) -> bool:
        """Whether every sink has been given it."""
        return len(self.tickets) == len(self.messages)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and for how long, a refused block is sent again before it is given up.

    Attributes:
        attempts: after the first; 0 never.
        first_s, max_s: wait before an attempt, doubled each time.
        timeout_s: for all attempts of one block at one sink together.
    """

    attempts: int = 5
    first_s: float = 0.2
    max_s: float = 5.0
    timeout_s: float = 30.0

    def wait_s(self, attempt: int) -> float:
        """Wait before attempt number `attempt`, counted from 1."""
        return min(self.first_s * 2.0 ** min(attempt - 1, 32), self.max_s)


class Window:
    """Bounded, ordered set of entries; `run` sends them and settles them oldest first.

    Args:
        max_bytes: bound of all entries together [B]; one entry larger than this still passes alone.
    """

    def __init__(self, sinks: Sequence[Sink], max_bytes: int, retry: Retry) -> None:
        self.sinks = sinks
        self.max_bytes = max_bytes
        self.retry = retry
        self.used = 0
        self.delivered = 0
        self.refused = 0
        self.retried = 0
        self.trouble = ""  # why the sink in turn takes nothing now; empty when all is well
        self._entries: deque[Entry] = deque()
        self._changed = trio.Event()
        self._recovered = False  # the last entry arrived when it was sent again: the next may try at once

    def __len__(self) -> int:
        return len(self._entries)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    async def add(
        self,
        messages: Sequence[Sequence[Buffer]],
        safe: Callable[[], Awaitable[None]],
        failed: Callable[[AgentError], Awaitable[None]],
        *,
        held: int = 0,
    ) -> None:
        """Take one block (one encoded message for each sink); waits for room. All or nothing when cancelled.

        With no messages the entry only keeps its place in the order of acknowledgements.

        Args:
            held: bytes that stay in memory with the entry beside its messages: its inputs.
        """
        size = sum(len(part) for message in messages for part in message) + ENTRY_BYTES + held
        while self.used and self.used + size > self.max_bytes:
            await self._changed.wait()
        self.used += size
        self._entries.append(Entry(messages, size, safe, failed))
        self._wake()

    async def run(self) -> None:
        """Send and settle entries in order until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._send_all)
            nursery.start_soon(self._settle_all)

    async def drained(self) -> None:
        """Return when nothing is waiting."""
        while self._entries:
            await self._changed.wait()

    async def _send_all(self) -> None:
        while True:
            entry = next((entry for entry in self._entries if not entry.sent), None)
            if entry is None:
                await self._changed.wait()
                continue
            while not entry.sent:
                number = len(entry.tickets)
                entry.tickets.append(await self._send(self.sinks[number], entry.messages[number]))
            self._wake()

    async def _send(self, sink: Sink, message: Sequence[Buffer]) -> Ticket:
        """Give a message to a sink; waits out a sink that takes nothing.

        Raises:
            AgentError: `mqtt.closed`, there is no link any more.
        """
        attempt = 0
        while True:
            try:
                ticket = await sink.send(message)
            except AgentError as error:
                if error.code == "mqtt.closed":
                    raise
                if error.code not in WAITED_OUT:
                    return Refusal(error)
                self.trouble = str(error)
                attempt += 1
                self.retried += 1
                await trio.sleep(self.retry.wait_s(attempt))
                continue
            if attempt:
                self.trouble = ""
            return ticket

    async def _settle_all(self) -> None:
        while True:
            while not self._entries or not self._entries[0].sent:
                await self._changed.wait()
            entry = self._entries[0]
            await self._settle(entry)
            self._entries.popleft()
            self.used -= entry.size
            self._wake()

    async def _settle(self, entry: Entry) -> None:
        while entry.refused is None and entry.done < len(entry.tickets):
            try:
                await entry.tickets[entry.done].wait()
            except AgentError as error:
                if error.code == "mqtt.closed":
                    raise
                await self._again(entry, error)
                continue
            self._recovered = entry.attempts > 0
            if entry.attempts:
                self.trouble = ""
            entry.done += 1
            entry.attempts = 0
        if entry.refused is not None:
            await entry.failed(entry.refused)
            self.refused += 1
            self.trouble = ""
        else:
            await entry.safe()
            self.delivered += 1

    async def _again(self, entry: Entry, error: AgentError) -> None:
        """Send an entry again to the sink in turn after a wait, or give it up."""
        now = trio.current_time()
        if not entry.attempts:
            entry.since = now
        entry.attempts += 1
        wait_s = self.retry.wait_s(entry.attempts)
        spent = entry.attempts > self.retry.attempts or now + wait_s - entry.since > self.retry.timeout_s
        if not error.retryable or (spent and error.code not in WAITED_OUT):
            entry.refused = error
            return
        self.trouble = str(error)
        self.retried += 1
        if entry.attempts > 1 or not self._recovered:
            await trio.sleep(wait_s)
        number = entry.done
        entry.tickets[number] = await self._send(self.sinks[number], entry.messages[number])
