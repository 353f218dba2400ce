"""The reading side of one subscription: a bounded queue between the link and one consumer."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable

import trio

from ..errors import LinkError
from .link import Message

QUEUE_BYTES = 4 << 20
"""Payload of unread QoS 0 messages in one queue."""


class Inbox:
    """One `Subscription`; filled by the link, emptied by its consumer.

    QoS 1 messages are always taken: the connection bounds them (receive maximum, inbound bytes). QoS 0
    messages are bounded here, in number and bytes; `has_room` false means: wait or drop, the link decides.
    """

    def __init__(
        self,
        topic_filter: str,
        qos: int,
        limit: int,
        on_close: Callable[[Inbox], Awaitable[None]],
        on_detach: Callable[[Inbox], None],
    ) -> None:
        self.topic_filter = topic_filter
        self.qos = qos
        self.confirmed = False  # a SUBACK of the present session covers it
        self.error: LinkError | None = None
        self.ended = False
        self.stalled = False  # the consumer took nothing while others waited; cleared when it takes again
        self._limit = limit
        self._on_close = on_close
        self._on_detach = on_detach
        self._queue: deque[Message] = deque()
        self._loose = 0  # QoS 0 messages in the queue
        self._loose_bytes = 0
        self._readers = trio.lowlevel.ParkingLot()
        self._room = trio.lowlevel.ParkingLot()
        self.answered = trio.Event()

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """True when one more QoS 0 message fits."""
        return self._loose < self._limit and self._loose_bytes < QUEUE_BYTES

    def put(self, message: Message) -> None:
        """Add a message; the caller has checked `has_room` for QoS 0."""
        self._queue.append(message)
        if message.qos == 0:
            self._loose += 1
            self._loose_bytes += len(message.payload)
        if self._readers:
            self._readers.unpark()

    async def wait_room(self) -> None:
        """Return when the consumer took something or the subscription ended."""
        if not self.has_room and not self.ended:
            await self._room.park()

    def drop_oldest_loose(self) -> bool:
        """Throw away the oldest QoS 0 message; False when there is none."""
        for index, message in enumerate(self._queue):
            if message.qos == 0:
                del self._queue[index]
                self._taken(message)
                return True
        return False

    def remove(self, wanted: Callable[[Message], bool]) -> list[Message]:
        """Take out the messages that satisfy `wanted`, in order."""
        found = [message for message in self._queue if wanted(message)]
        if found:
            self._queue = deque(message for message in self._queue if not wanted(message))
            for message in found:
                self._taken(message)
        return found

    def trim(self, keep: int) -> int:
        """Throw away the oldest until `keep` (and the bound of QoS 0) are left; return how many went."""
        surplus = max(0, len(self._queue) - keep - self._limit)
        for _ in range(surplus):
            self._taken(self._queue.popleft())
        return surplus

    def end(self, error: LinkError | None = None) -> None:
        """No more messages will come; what is queued can still be read."""
        self.ended = True
        self.error = self.error or error
        self.answered.set()
        self._readers.unpark_all()
        self._room.unpark_all()

    def detach(self) -> None:
        """Stop reading; the broker keeps the subscription."""
        self._on_detach(self)

    async def close(self) -> None:
        """End this subscription."""
        await self._on_close(self)

    def _taken(self, message: Message) -> None:
        if message.qos == 0:
            self._loose -= 1
            self._loose_bytes -= len(message.payload)
            if self._room:
                self._room.unpark_all()

    async def batch(self, limit: int) -> list[Message]:
        """Wait for one message, then take up to `limit`; empty when the subscription ended.

        Raises:
            LinkError: `mqtt.subscribe_refused`, the broker took the subscription away; `mqtt.closed`.
        """
        await trio.lowlevel.checkpoint()
        while not self._queue:
            if self.ended:
                if self.error is not None:
                    raise self.error
                return []
            await self._readers.park()
        out: list[Message] = []
        while self._queue and len(out) < limit:
            message = self._queue.popleft()
            self._taken(message)
            out.append(message)
        self.stalled = False
        return out

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        taken = await self.batch(1)
        if not taken:
            raise StopAsyncIteration
        return taken[0]
