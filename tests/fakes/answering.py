"""A link without a broker, for tests: keeps what is published and answers with one reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Never

import trio

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.link import Capabilities, LinkStats, PublishResult, Will


@dataclass(frozen=True)
class Published:
    """One message."""

    topic: str
    payload: bytes
    qos: int
    retain: bool


@dataclass
class Answered:
    """A ticket that is answered already."""

    reason: int

    async def wait(self) -> PublishResult:
        await trio.lowlevel.checkpoint()
        return PublishResult(self.reason)


class FakeLink:
    """What sinks and news use of a link.

    Attributes:
        hold: `publish` waits for it while it is set.
        error: raised by `publish` and `send` while it is set.
    """

    def __init__(self, reason: int = 0, *, connected: bool = True) -> None:
        self.capabilities = Capabilities(True, True, True, True)
        self.stats = LinkStats(connected=connected)
        self.reason = reason
        self.published: list[Published] = []
        self.hold: trio.Event | None = None
        self.error: LinkError | None = None

    async def send(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, **_: Any
    ) -> Answered:
        await trio.lowlevel.checkpoint()
        if self.error is not None:
            raise self.error
        self.published.append(Published(topic, payload, qos, retain))
        return Answered(self.reason)

    async def publish(
        self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False, **_: Any
    ) -> PublishResult:
        ticket = await self.send(topic, payload, qos=qos, retain=retain)
        if self.hold is not None:
            await self.hold.wait()
        return await ticket.wait()

    async def run(self) -> None:
        await trio.sleep_forever()

    async def wait_connected(self) -> None:
        await trio.lowlevel.checkpoint()

    def on_connect(self, hook: Callable[[bool], None]) -> None:
        hook(False)

    def set_will(self, will: Will | None) -> None:
        """Nobody to tell."""

    async def subscribe(self, topic_filter: str, *, qos: int = 1, queue: int = 64) -> Never:
        raise LinkError("mqtt.closed", "nobody to subscribe at", where=topic_filter, got=f"{qos} {queue}")

    async def unsubscribe(self, topic_filter: str) -> None:
        """Nothing was subscribed."""

    async def disconnect(self) -> None:
        self.stats.connected = False
