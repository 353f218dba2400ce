"""Messages that the broker does not have yet: bounded, oldest first out; what has no room is counted."""

from collections import deque

MAX_MESSAGES = 128
MAX_BYTES = 16384


class Outbox:
    """A queue of (number, message); a full one loses its oldest message, so the newest readings arrive."""

    def __init__(self) -> None:
        self.queue = deque((), MAX_MESSAGES + 1)
        self.bytes = 0
        self.number = 0  # of the next message: a gap in what arrives is what was lost
        self.lost = 0

    def put(self, message: bytes) -> None:
        """Add a message, which carries `number`."""
        self.queue.append((self.number, message))
        self.number += 1
        self.bytes += len(message)
        while len(self.queue) > MAX_MESSAGES or self.bytes > MAX_BYTES:
            self.take()
            self.lost += 1

    def take(self) -> None:
        """Drop the oldest message."""
        self.bytes -= len(self.queue.popleft()[1])

    def first(self):
        """The oldest (number, message), or None."""
        return self.queue[0] if self.queue else None

    def done(self, number: int) -> None:
        """The broker has this message; it may have been lost from the queue meanwhile."""
        if self.queue and self.queue[0][0] == number:
            self.take()
