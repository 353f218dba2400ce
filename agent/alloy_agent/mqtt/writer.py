"""Writing packets in batches: all that is queued in one tick of the loop leaves in one send."""

from __future__ import annotations

from collections.abc import Callable

import trio

MAX_UNWRITTEN = 1 << 16
"""Unwritten packets at which a peer that reads nothing but makes us answer is cut off."""


class PacketWriter:
    """Queue of encoded packets in front of one stream.

    Args:
        stream: written by `loop` only.
        broken: called once when the peer is gone or reads nothing at all.
    """

    def __init__(self, stream: trio.abc.Stream, broken: Callable[[], None]) -> None:
        self._stream = stream
        self._broken = broken
        self._out: list[bytes] = []
        self._writer = trio.lowlevel.ParkingLot()
        self._drained = trio.lowlevel.ParkingLot()
        self._ended = False
        self.unwritten = 0  # bytes
        self.last_sent = trio.current_time()

    def send(self, data: bytes) -> None:
        """Queue one packet."""
        self._out.append(data)
        self.unwritten += len(data)
        if self._writer:
            self._writer.unpark()
        elif len(self._out) > MAX_UNWRITTEN:
            self._broken()

    async def wait_drained(self) -> None:
        """Return when what is queued was handed to the system, or writing ended."""
        if self._ended:
            await trio.lowlevel.checkpoint()
        else:
            await self._drained.park()

    async def loop(self, drained: Callable[[], None] = lambda: None) -> None:
        """Send what is queued until cancelled; `drained` is called after each send."""
        try:
            while True:
                if not self._out:
                    await self._writer.park()
                chunk = self._out[0] if len(self._out) == 1 else b"".join(self._out)
                self._out.clear()
                await self._stream.send_all(chunk)
                self.unwritten -= len(chunk)
                self.last_sent = trio.current_time()
                self._drained.unpark_all()
                drained()
        except trio.BrokenResourceError:
            self._broken()
        finally:
            self._ended = True
            self._drained.unpark_all()
