"""Dead letters told to the operator: `dlq/<pipeline>` on MQTT, a few a second at most, never more than one on its way.

The file of the pipeline keeps every letter; what is said here is news, and news may be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import trio

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.link import Link
from alloy_agent.pipeline.deadletter import Letter

from . import logs

LOG = logs.get("letters")
PER_SECOND = 5.0
"""Announcements of all pipelines together."""
SAMPLE_BYTES = 64


class LetterNews:
    """Announces dead letters of all pipelines.

    Args:
        nursery: where an announcement is sent from.
        link: None where there is no broker.
    """

    def __init__(self, nursery: trio.Nursery, link: Link | None) -> None:
        self.held = 0  # letters since the last announcement
        self._nursery = nursery
        self._link = link
        self._next = 0.0
        self._busy = False

    def publisher(self, topic: str) -> Callable[[Sequence[Letter]], None]:
        """What a pipeline calls with letters that are safe; neither raises nor waits."""

        def publish(letters: Sequence[Letter]) -> None:
            if not letters or self._link is None:
                return
            now = trio.current_time()
            if self._busy or now < self._next or not self._link.stats.connected:
                self.held += len(letters)
                return
            self._next = now + 1 / PER_SECOND
            payload = news(letters[-1], len(letters) - 1 + self.held)
            self.held = 0
            self._busy = True
            self._nursery.start_soon(self._publish, self._link, topic, payload)

        return publish

    async def _publish(self, link: Link, topic: str, payload: bytes) -> None:
        try:
            await link.publish(topic, payload, qos=1, content_type="application/json")
        except LinkError as error:
            LOG.warning("letters.unsaid", code=error.code, error=error.what)
        finally:
            self._busy = False


def news(letter: Letter, others: int) -> bytes:
    """The announcement of one letter, and of how many others it stands for."""
    return msgspec.json.encode(
        {
            "code": letter.code,
            "message": letter.message[:512],
            "stage": letter.stage,
            "line": letter.line,
            "received_ns": letter.received_ns,
            "size": len(letter.payload),
            "sample": letter.payload[:SAMPLE_BYTES].hex(),
            "note": letter.note,
            "others": others,
        }
    )
