"""Sinks: MQTT and standard output. Each takes encoded messages in order and says when one is safe."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import trio

from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link, PublishResult, PublishTicket
from alloy_transforms.wire.typed import Buffer

from .filesink import DONE, Done, FileSink

__all__ = ["FileSink", "MqttSink", "MqttTicket", "StdoutSink"]

Parts = Sequence[Buffer]
MAX_SCHEMAS = 64
"""Descriptors published again after a reconnect; files bring one each, retained messages outlive this table."""


class MqttTicket:
    """Safe when the broker's PUBACK says so, and, if asked for, when it had a consumer."""

    def __init__(self, ticket: PublishTicket, topic: str, require_consumer: bool) -> None:
        self._ticket = ticket
        self._topic = topic
        self._require_consumer = require_consumer

    async def wait(self) -> None:
        """Wait for the PUBACK across reconnects; MQTT 5.0 section 3.4.2.1 lists the reasons."""
        result = await self._ticket.wait()
        if result.reason == 16 and self._require_consumer:
            raise AgentError(
                "sink.no_consumer",
                "the broker has no subscriber for this topic",
                where=self._topic,
                hint="start the consumer, or set `require_consumer: false` on this sink",
                retryable=True,
            )
        _check_taken(result, self._topic)


def _check_taken(result: PublishResult, topic: str) -> None:
    if result.reason >= 0x80:
        raise AgentError(
            "sink.refused",
            "the broker refused the message",
            where=topic,
            got=f"reason 0x{result.reason:02x}",
            hint="see the broker's log and its access list for this client",
            retryable=result.reason in (0x80, 0x83, 0x97),  # unspecified, implementation, quota exceeded
        )


class MqttSink:
    """Publishes to one topic; the descriptor goes retained to `schema/<sid>` and again after each reconnect."""

    def __init__(
        self,
        link: Link,
        topic: str,
        schema_topic: str,
        *,
        qos: int,
        content_type: str,
        require_consumer: bool,
    ) -> None:
        self.name = "mqtt"
        self._link = link
        self._topic = topic
        self._schema_topic = schema_topic
        self._qos = qos
        self._content_type = content_type
        self._require_consumer = require_consumer
        self._schemas: dict[str, bytes] = {}

    async def announce(self, sid: str, descriptor: bytes) -> None:
        """Publish the descriptor retained at QoS 1 and wait for its PUBACK.

        Raises:
            AgentError: `sink.refused`; blocks whose descriptor nobody can get must not follow.
        """
        self._schemas.pop(sid, None)
        self._schemas[sid] = descriptor
        while len(self._schemas) > MAX_SCHEMAS:
            del self._schemas[next(iter(self._schemas))]
        _check_taken(await self._say(sid, descriptor), self._schema_topic + sid)

    async def announce_again(self) -> None:
        """After a reconnect: the broker may have lost its retained messages. What it refuses is left out."""
        for sid, descriptor in tuple(self._schemas.items()):
            await self._say(sid, descriptor)

    async def _say(self, sid: str, descriptor: bytes) -> PublishResult:
        return await self._link.publish(
            self._schema_topic + sid, descriptor, qos=1, retain=True, content_type="application/cbor"
        )

    async def send(self, block: Parts) -> MqttTicket:
        """Queue one message; waits while too many are unacknowledged."""
        ticket = await self._link.send(
            self._topic, b"".join(block), qos=self._qos, content_type=self._content_type
        )
        return MqttTicket(ticket, self._topic, self._require_consumer)

    async def aclose(self) -> None:
        """Nothing is held here; the link belongs to the daemon."""


class StdoutSink:
    """Writes to standard output; while nobody reads, the source waits."""

    def __init__(self) -> None:
        self.name = "stdout"

    async def announce(self, sid: str, descriptor: bytes) -> None:
        """Lines carry their units; nothing to announce."""

    async def send(self, block: Parts) -> Done:
        """Write one message and flush.

        Cancelled in the middle, the write is left to its thread: a reader that stopped must not hold up the end
        of the daemon.

        Raises:
            AgentError: `sink.write` (retryable): the other end is closed.
        """
        data = b"".join(block)
        try:
            await trio.to_thread.run_sync(_write_stdout, data, abandon_on_cancel=True)
        except OSError as error:
            raise AgentError(
                "sink.write",
                "standard output takes nothing",
                where="stdout",
                got=error.strerror or str(error),
                hint="has the reader of the pipe ended?",
                retryable=True,
            ) from error
        return DONE

    async def aclose(self) -> None:
        """Standard output is not ours to close."""


def _write_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
