"""What happens to transforms, told to the operator: the log keeps all of it; MQTT gets `event/transform` for the
audit, and the retained `alert/<pipeline>.<transform>` until an empty one clears it.

A notice waits for the broker, a bounded number of them; the durable trail comes with the spool.
"""

from __future__ import annotations

from typing import Any

import msgspec
import trio

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.link import Link
from alloy_agent.mqtt.topics import MAX_SEGMENT, Topics
from alloy_agent.workers.notices import Notice

from . import logs
from .status import clock_ns

LOG = logs.get("transforms")
MAX_EVIDENCE_BYTES = 16 << 10
MAX_WAITING = 64
"""Notices that wait for the broker; further ones are in the log only."""


class TransformNews:
    """Publishes notices one after the other; `run` beside the stages that call `tell`."""

    def __init__(self, link: Link | None, topics: Topics) -> None:
        self.unsaid = 0
        self._link = link
        self._topics = topics
        self._send, self._receive = trio.open_memory_channel[tuple[Notice, int]](MAX_WAITING)

    def tell(self, notice: Notice) -> None:
        """Log and queue one notice; neither raises nor waits."""
        log = LOG.warning if notice.kind == "alert" else LOG.error if notice.code else LOG.info
        log(
            notice.name,
            pipeline=notice.pipeline,
            transform=notice.transform,
            digest=notice.digest[:12],
            code=notice.code,
            why=notice.text,
            count=notice.count,
        )
        if self._link is None:
            return
        try:
            self._send.send_nowait((notice, clock_ns()))
        except trio.WouldBlock:
            self.unsaid += 1

    async def run(self) -> None:
        """Publish until cancelled."""
        if self._link is None:
            return
        async for notice, time_ns in self._receive:
            audit = notice.kind == "audit"
            name = f"{notice.pipeline}.{notice.transform}"[:MAX_SEGMENT]
            topic = self._topics.event("transform") if audit else self._topics.alert(name)
            data = payload(notice, time_ns) if notice.kind != "clear" else b""
            try:
                await self._link.publish(
                    topic, data, qos=1, retain=not audit, content_type="application/json"
                )
            except LinkError as error:
                self.unsaid += 1
                LOG.warning("transforms.unsaid", code=error.code, error=error.what)


def payload(notice: Notice, time_ns: int) -> bytes:
    """One notice as JSON; evidence that is too long is left out and its size told."""
    evidence: dict[str, Any] = dict(notice.evidence)
    if evidence and (size := len(msgspec.json.encode(evidence))) > MAX_EVIDENCE_BYTES:
        evidence = {"left_out_bytes": size}
    return msgspec.json.encode(
        {
            "name": notice.name,
            "time_ns": time_ns,
            "pipeline": notice.pipeline,
            "transform": notice.transform,
            "digest": notice.digest,
            "code": notice.code,
            "text": notice.text[:512],
            "count": notice.count,
            **({"evidence": evidence} if evidence else {}),
        }
    )
