"""Length-prefixed frames on a stream descriptor: u32 little-endian length, then the body.

`read_frame` and `write_frame` are for the worker's blocking end; they make no system call but `read` and
`write`, because the jail allows no other (no readv, no writev, no recvmsg). `FrameSplitter` is the same
format without I/O, for the core's non-blocking end. Nothing here looks inside a body.
"""

from __future__ import annotations

import os
import struct
from collections import deque
from typing import Final

from alloy_transforms.errors import ViolationError

Buffer = bytes | bytearray | memoryview

HEADER: Final = struct.Struct("<I")
HEADER_BYTES: Final = HEADER.size
FRAME_BYTES_MAX: Final = 64 << 20  # bytes; no profile has a use for more in one frame
JOIN_BYTES: Final = 64 << 10  # bytes; up to here one copy is cheaper than one more system call
READ_BYTES: Final = 256 << 10  # bytes asked of one read; a socket buffer holds less


def frame_header(length: int) -> bytes:
    """The four bytes before a body of `length` bytes.

    Raises:
        ValueError: longer than FRAME_BYTES_MAX; a mistake of the caller.
    """
    if not 0 <= length <= FRAME_BYTES_MAX:
        raise ValueError(f"a frame has 0..{FRAME_BYTES_MAX} bytes, not {length}")
    return HEADER.pack(length)


def frame_parts(*buffers: Buffer) -> list[Buffer]:
    """The buffers of one frame, header first, small ones joined so that few writes are needed."""
    length = sum(len(b) if isinstance(b, bytes | bytearray) else b.nbytes for b in buffers)
    header = frame_header(length)
    if length <= JOIN_BYTES:
        return [b"".join((header, *buffers))]
    return [header, *buffers]


def _check(length: int, max_bytes: int) -> None:
    if length > max_bytes:
        raise ViolationError(
            "violation.protocol",
            "a frame is longer than its reader accepts",
            got=f"{length} bytes",
            expected=f"at most {max_bytes} bytes",
        )


def _read_exactly(fd: int, count: int) -> bytes | None:
    """`count` bytes, or None when the stream ended before them."""
    first = os.read(fd, min(count, READ_BYTES))
    if len(first) == count:
        return first
    parts = [first]
    missing = count - len(first)
    while missing and parts[-1]:
        parts.append(os.read(fd, min(missing, READ_BYTES)))
        missing -= len(parts[-1])
    return None if missing else b"".join(parts)


def read_frame(fd: int, max_bytes: int) -> bytes | None:
    """Read one frame from a blocking descriptor (EINTR is retried by `os.read`).

    Returns:
        The body, or None when the stream has ended: also in the middle of a frame, whose writer has died.

    Raises:
        ViolationError: `violation.protocol`, the length is above `max_bytes`; the stream is of no more use.
        OSError: the descriptor failed.
    """
    head = _read_exactly(fd, HEADER_BYTES)
    if head is None:
        return None
    (length,) = HEADER.unpack(head)
    _check(length, max_bytes)
    return _read_exactly(fd, length) if length else b""


def write_frame(fd: int, *buffers: Buffer) -> None:
    """Write one frame whose body is the buffers one after the other; returns when the kernel has all of it.

    Raises:
        ValueError: the body is longer than FRAME_BYTES_MAX.
        OSError: the descriptor failed (EPIPE: the reader is gone).
    """
    for part in frame_parts(*buffers):
        written = os.write(fd, part)
        size = len(part) if isinstance(part, bytes) else memoryview(part).nbytes
        if written < size:
            rest = memoryview(part).cast("B")[written:]
            while rest:
                rest = rest[os.write(fd, rest) :]


class FrameSplitter:
    """Cuts a byte stream into frames; holds at most one unfinished frame and what was fed with it.

    `feed` takes bytes, `pop` gives the next whole body or None ("need more").
    """

    def __init__(self) -> None:
        self._parts: deque[bytes] = deque()
        self._held = 0  # bytes in _parts
        self._length: int | None = None  # of the frame under way

    @property
    def held(self) -> int:
        """Bytes fed and not yet popped."""
        return self._held

    def missing(self) -> int:
        """Bytes until the frame under way is whole, as far as known; at least 1 when `pop` gave None."""
        if self._length is None:
            return max(HEADER_BYTES - self._held, 0)
        return max(self._length - self._held, 0)

    def feed(self, data: bytes) -> None:
        """Add what was read."""
        if data:
            self._parts.append(data)
            self._held += len(data)

    def pop(self, max_bytes: int) -> bytes | None:
        """The next body.

        Raises:
            ViolationError: `violation.protocol`, the length is above `max_bytes`.
        """
        if self._length is None:
            if self._held < HEADER_BYTES:
                return None
            (self._length,) = HEADER.unpack(self._take(HEADER_BYTES))
        length = self._length
        assert length is not None
        _check(length, max_bytes)
        if self._held < length:
            return None
        self._length = None
        return self._take(length)

    def _take(self, count: int) -> bytes:
        self._held -= count
        if not count:
            return b""
        first = self._parts.popleft()
        if len(first) == count:
            return first
        if len(first) > count:
            self._parts.appendleft(first[count:])
            return first[:count]
        taken = [first]
        missing = count - len(first)
        while missing:
            part = self._parts.popleft()
            if len(part) > missing:
                self._parts.appendleft(part[missing:])
                part = part[:missing]
            taken.append(part)
            missing -= len(part)
        return b"".join(taken)
