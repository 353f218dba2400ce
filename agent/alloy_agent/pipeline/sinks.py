"""Sinks: MQTT, file and standard output. Each takes encoded messages in order and says when one is safe."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

import trio

from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link, PublishTicket
from alloy_transforms.wire.typed import Buffer

Parts = Sequence[Buffer]


class Done:
    """A ticket that is safe already."""

    async def wait(self) -> None:
        """Return at once."""


DONE = Done()


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
        if result.reason >= 0x80:
            retryable = result.reason in (0x80, 0x83, 0x97)  # unspecified, implementation, quota exceeded
            raise AgentError(
                "sink.refused",
                "the broker refused the message",
                where=self._topic,
                got=f"reason 0x{result.reason:02x}",
                hint="see the broker's log and its access list for this client",
                retryable=retryable,
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
        """Publish the descriptor retained at QoS 1 and wait for its PUBACK."""
        self._schemas[sid] = descriptor
        while len(self._schemas) > 64:  # files bring one each; retained messages outlive this table
            del self._schemas[next(iter(self._schemas))]
        await self._link.publish(
            self._schema_topic + sid, descriptor, qos=1, retain=True, content_type="application/cbor"
        )

    async def announce_again(self) -> None:
        """After a reconnect: the broker may have lost its retained messages."""
        for sid, descriptor in tuple(self._schemas.items()):
            await self._link.publish(
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


class FileSink:
    """Appends messages to a file, synced before they count as safe; rotated by size, `keep` old files stay."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int, framed_lines: bool) -> None:
        self.name = "file"
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._lines = framed_lines
        self._file: BinaryIO | None = None

    async def announce(self, sid: str, descriptor: bytes) -> None:
        """A CBOR sequence carries its descriptors in line; JSON lines name units in every line."""
        if not self._lines:
            await self.send((descriptor,))

    def _write(self, block: Parts) -> None:
        size = sum(len(part) for part in block)
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("ab", buffering=0)
        start = self._file.seek(0, os.SEEK_END)
        if start and start + size > self._max_bytes:
            self._rotate()
            start = 0
        try:
            data = memoryview(b"".join(block))
            while data:
                data = data[self._file.write(data) or 0 :]
            os.fdatasync(self._file.fileno())
        except OSError:
            os.ftruncate(self._file.fileno(), start)
            raise

    def _rotate(self) -> None:
        if self._file is not None:
            self._file.close()
        for number in range(self._keep, 0, -1):
            older = self.path.with_name(f"{self.path.name}.{number}")
            newer = self.path.with_name(f"{self.path.name}.{number - 1}") if number > 1 else self.path
            if newer.exists():
                newer.replace(older)
        if self._keep == 0:
            self.path.unlink(missing_ok=True)
        self._file = self.path.open("ab", buffering=0)

    async def send(self, block: Parts) -> Done:
        """Write and sync.

        Raises:
            AgentError: `sink.write` (retryable): the disk refused; the file ends where it ended before.
        """
        try:
            await trio.to_thread.run_sync(self._write, block)
        except OSError as error:
            raise AgentError(
                "sink.write",
                "the sink file cannot be written",
                where=str(self.path),
                got=error.strerror or str(error),
                hint="free space or fix the folder's permissions; nothing is lost meanwhile, the source waits",
                retryable=True,
            ) from error
        return DONE

    async def aclose(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None


class StdoutSink:
    """Writes to standard output; a closed pipe ends the daemon like any shell tool."""

    def __init__(self) -> None:
        self.name = "stdout"

    async def announce(self, sid: str, descriptor: bytes) -> None:
        """Lines carry their units; nothing to announce."""

    async def send(self, block: Parts) -> Done:
        """Write one message and flush."""
        data = b"".join(block)
        await trio.to_thread.run_sync(_write_stdout, data)
        return DONE

    async def aclose(self) -> None:
        """Standard output is not ours to close."""


def _write_stdout(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
