"""The bounded log of a transform: what its `print` writes, at most 8 KiB per batch."""

from __future__ import annotations

from typing import Any

from .protocol import MAX_LOG_BYTES

_CUT = "… cut\n".encode()
_ROOM = MAX_LOG_BYTES - len(_CUT)


class Log:
    """Stands for `print` in user code; holds the text of one batch."""

    __slots__ = ("_full", "_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._full = False

    def print(self, *values: Any, sep: str | None = None, end: str | None = None, **_: Any) -> None:
        """Like `print`; past the bound nothing is kept. `file` and `flush` have no meaning here."""
        if self._full:
            return
        text = (" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end)
        room = _ROOM - self._size
        data = text[:room].encode("utf-8", "replace")
        if len(data) > room or len(text) > room:
            data = data[:room].decode("utf-8", "ignore").encode()
            self._full = True
        self._parts.append(data)
        self._size += len(data)

    def take(self) -> bytes:
        """The batch's text; the log is empty after it."""
        if not self._parts:
            return b""
        data = b"".join(self._parts) + (_CUT if self._full else b"")
        self._parts, self._size, self._full = [], 0, False
        return data
