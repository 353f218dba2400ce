"""`socket` of a board: CPython's, whose sockets are also streams with `read`, `readinto`, `readline` and `write`.

Names, options and addresses stay CPython's. A time-out is an OSError whose `errno` is ETIMEDOUT, as boards say it.
"""

from __future__ import annotations

import errno
import socket
import types
from collections.abc import Callable
from typing import Any, Self

from .names import superset


def _timed(call: Callable[..., Any], *given: Any) -> Any:
    """Call; CPython's time-out has no errno."""
    try:
        return call(*given)
    except TimeoutError:
        raise OSError(errno.ETIMEDOUT, "timed out") from None


class BoardSocket(socket.socket):
    """A socket with the stream methods of boards; non-blocking they give None where nothing can be done."""

    def connect(self, address: Any, /) -> None:
        """See `socket.connect`."""
        _timed(super().connect, address)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """See `socket.recv`."""
        return bytes(_timed(super().recv, size, flags))

    def send(self, data: Any, flags: int = 0, /) -> int:
        """See `socket.send`."""
        return int(_timed(super().send, data, flags))

    def read(self, size: int = -1) -> bytes | None:
        """`size` bytes, fewer at the end of the stream; all up to the end without a size."""
        out = bytearray()
        while size < 0 or len(out) < size:
            try:
                data = self.recv(4096 if size < 0 else size - len(out))
            except BlockingIOError:
                return bytes(out) if out else None
            if not data:
                break
            out += data
        return bytes(out)

    def readinto(self, buffer: Any, size: int = -1) -> int | None:
        """Fill the buffer, or its first `size` bytes; how many came before the end of the stream."""
        room = len(memoryview(buffer).cast("B"))
        data = self.read(room if size < 0 else min(size, room))
        if data is None:
            return None
        memoryview(buffer).cast("B")[: len(data)] = data
        return len(data)

    def readline(self) -> bytes | None:
        """Up to and with the next line feed, less at the end of the stream."""
        out = bytearray()
        while out[-1:] != b"\n":
            data = self.read(1)
            if data is None and not out:
                return None
            if not data:
                break
            out += data
        return bytes(out)

    def write(self, data: Any, size: int = -1) -> int | None:
        """Send all of it, or its first `size` bytes; how many went, fewer only where the socket does not block."""
        view = memoryview(data).cast("B")
        view = view if size < 0 else view[:size]
        done = 0
        while done < len(view):
            try:
                done += self.send(view[done:])
            except BlockingIOError:
                return done or None
        return done

    def makefile(self, *_: Any, **__: Any) -> Self:  # type: ignore[override]
        """The socket itself: on boards it is the stream."""
        return self


def module() -> types.ModuleType:
    """`socket`."""
    return superset(socket, socket=BoardSocket)
