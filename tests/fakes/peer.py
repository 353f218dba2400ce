"""A broker that says exactly what the test tells it, over a stream in memory."""

from __future__ import annotations

from collections.abc import Sequence

import trio
import trio.testing

from alloy_agent.mqtt.link import LinkOptions


class Peer:
    """Answers each dial with the next of `scripts` (the last one again and again).

    Args:
        scripts: bytes sent on each connection, after the first bytes of the client.
        hang_up: close after the script; else stay silent.
    """

    def __init__(self, scripts: Sequence[bytes], *, hang_up: bool = True) -> None:
        self._scripts = scripts
        self._hang_up = hang_up
        self.dialled = 0
        self.received = bytearray()
        self._far: list[
            trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]
        ] = []

    async def dial(self, options: LinkOptions) -> trio.abc.Stream:
        """Hand in as `dial` of a session."""
        await trio.lowlevel.checkpoint()
        near, far = trio.testing.memory_stream_pair()
        script = self._scripts[min(self.dialled, len(self._scripts) - 1)]
        self.dialled += 1
        self._far.append(far)
        if script:
            await far.send_all(script)
        if self._hang_up:
            await far.send_stream.aclose()
        near.send_stream.send_all_hook = self._collect(near)
        return near

    def _collect(
        self, near: trio.StapledStream[trio.testing.MemorySendStream, trio.testing.MemoryReceiveStream]
    ):  # type: ignore[no-untyped-def]
        async def hook() -> None:
            self.received += near.send_stream.get_data_nowait()

        return hook
