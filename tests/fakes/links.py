"""The contract suite's view of a link: one implementation on one kind of broker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio
from tests.fakes.brokers import Running, mini_broker, mosquitto

from alloy_agent.mqtt.link import Link, LinkOptions
from alloy_agent.mqtt.session import MqttSession

FAST = {"backoff_first_s": 0.005, "backoff_max_s": 0.02}


@dataclass(frozen=True)
class Case:
    """One implementation on one kind of broker."""

    implementation: str
    kind: str
    folder: Path

    @property
    def native(self) -> bool:
        return self.implementation == "session"

    def broker(self) -> AbstractAsyncContextManager[Running]:
        return mini_broker() if self.kind == "mini" else mosquitto(self.folder)

    def make(self, port: int, name: str = "device", **options: object) -> Link:
        wanted = LinkOptions(**{"host": "127.0.0.1", "port": port, "client_id": name, **FAST, **options})  # type: ignore[arg-type]
        if self.native:
            return MqttSession(wanted)
        from alloy_agent.mqtt.aiomqtt_adapter import AiomqttLink

        return AiomqttLink(wanted)


@asynccontextmanager
async def running(link: Link) -> AsyncIterator[Link]:
    """The link runs inside; it is disconnected at the end."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        await link.wait_connected()
        yield link
        await link.disconnect()
