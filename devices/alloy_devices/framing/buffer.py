"""The one bounded buffer of a framer: bytes not yet framed, and when each of them came."""

from __future__ import annotations

from collections import deque


class ByteBuffer:
    """A byte queue that knows the receive time of its first byte.

    Holds what the framer keeps plus one read; the framer bounds what it keeps. All operations are
    linear in the bytes that pass, whatever the sizes of the reads.
    """

    __slots__ = ("_base", "_data", "_marks", "_position")

    def __init__(self) -> None:
        self._data = bytearray()
        self._position = 0  # first byte not yet taken
        self._base = 0  # stream offset of `_data[0]`
        self._marks: deque[tuple[int, int]] = deque()  # (stream offset, t_ns) of each read still held

    def __len__(self) -> int:
        return len(self._data) - self._position

    def append(self, data: bytes, t_ns: int) -> None:
        """Add what one read gave."""
        if not data:
            return
        if self._position:
            del self._data[: self._position]  # once a read, so its cost stays linear
            self._base += self._position
            self._position = 0
        self._marks.append((self._base + len(self._data), t_ns))
        self._data += data

    def find(self, pattern: bytes, start: int = 0) -> int:
        """Offset of `pattern` at or after `start`, -1 if absent; offsets count from the first byte held."""
        found = self._data.find(pattern, self._position + start)
        return found - self._position if found >= 0 else -1

    def peek(self, start: int, stop: int) -> bytes:
        """Copy of the bytes `start` to `stop`."""
        return bytes(self._data[self._position + start : self._position + stop])

    def time_ns(self) -> int:
        """Receive time of the first byte held; there must be one."""
        offset = self._base + self._position
        while len(self._marks) > 1 and self._marks[1][0] <= offset:
            self._marks.popleft()
        return self._marks[0][1]

    def take(self, count: int) -> bytes:
        """Remove and return the first `count` bytes."""
        taken = self.peek(0, count)
        self.drop(count)
        return taken

    def drop(self, count: int) -> None:
        """Remove the first `count` bytes."""
        self._position += count
        if self._position >= len(self._data):
            self._base += len(self._data)
            self._data.clear()
            self._position = 0
            self._marks.clear()

    def partial(self, pattern: bytes) -> int:
        """Length of the longest proper prefix of `pattern` that the held bytes end with."""
        for length in range(min(len(pattern) - 1, len(self)), 0, -1):
            if self._data.endswith(pattern[:length]):
                return length
        return 0
