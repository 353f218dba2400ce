"""What the broker sent and we have not yet acknowledged; and who gets it.

Each QoS 1 packet id lives for one connection: an acknowledgement of a former connection is dropped, because
the broker sends that message again (MQTT 5.0, section 4.4).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import mqtt5

from ..errors import LinkError
from .filters import matches
from .inbox import Inbox
from .link import LinkOptions, LinkStats, Message

OVERHEAD = 512
"""Memory of one unacknowledged message beside its payload [bytes]: objects, queue entries, topic."""
ROUTES = 1024
"""Topics whose subscriptions are remembered; the memory starts anew when it is full."""


def no_acknowledgement() -> None:
    """QoS 0 has none."""


class Acknowledgement:
    """Sends one PUBACK when every consumer of the message has called its copy; twice is harmless."""

    __slots__ = ("_packet_id", "_store")

    def __init__(self, store: InboundStore, packet_id: int) -> None:
        self._store: InboundStore | None = store
        self._packet_id = packet_id

    def __call__(self) -> None:
        """This consumer is done with the message."""
        store, self._store = self._store, None
        if store is not None:
            store.acknowledged(self._packet_id)


class InboundStore:
    """Unacknowledged inbound messages of one connection.

    Args:
        maximum: Receive Maximum we announced. A broker that sends more is counted, not cut off: mosquitto 2.0.11
            (Debian 12) does it under load, and would do it again after each reconnect, so that nothing got
            through. What bounds memory is `max_bytes`.
        max_bytes: held unacknowledged, OVERHEAD of each message included.
        stats: counters of the link.
        confirm: sends the PUBACK of a packet id.
    """

    def __init__(
        self, maximum: int, max_bytes: int, stats: LinkStats, confirm: Callable[[int], None]
    ) -> None:
        self._maximum = maximum
        self._max_bytes = max_bytes
        self._stats = stats
        self._confirm = confirm
        self._open: dict[int, list[int]] = {}  # packet id -> [copies not acknowledged, payload bytes]
        self._bytes = 0
        self.closed = False

    def __len__(self) -> int:
        return len(self._open)

    def take(self, packet_id: int, size: int, copies: int) -> bool:
        """Remember a QoS 1 message; False when it is already here (the broker repeats itself).

        Raises:
            LinkError: `mqtt.protocol` packet id 0, `mqtt.inbound_bytes`.
        """
        if packet_id in self._open:
            return False
        if not packet_id:
            raise LinkError("mqtt.protocol", "a QoS 1 message has packet id 0")
        if len(self._open) >= self._maximum:
            self._stats.overrun += 1
        size += OVERHEAD
        self._open[packet_id] = [copies, size]
        self._bytes += size
        if self._bytes > self._max_bytes:
            raise LinkError(
                "mqtt.inbound_bytes",
                "unacknowledged messages take too much memory; asking the broker for fewer at a time",
                got=f"{self._bytes} bytes",
                expected=f"at most {self._max_bytes}",
                retryable=True,
            )
        return True

    def acknowledged(self, packet_id: int) -> None:
        """One copy is safe; the PUBACK goes out with the last one."""
        if self.closed:
            self._stats.stale_acks += 1
            return
        entry = self._open[packet_id]
        entry[0] -= 1
        if not entry[0]:
            del self._open[packet_id]
            self._bytes -= entry[1]
            self._confirm(packet_id)


class Subscriptions:
    """Which inboxes want a topic; and messages of the session that nobody wants yet."""

    def __init__(self, options: LinkOptions, stats: LinkStats) -> None:
        self.inboxes: list[Inbox] = []
        self.unclaimed: list[tuple[float, Message]] = []  # (when it came [s], message)
        self.largest = 1  # largest inbound payload seen [bytes]
        self._options = options
        self._stats = stats
        self._routes: dict[str, tuple[tuple[Inbox, ...], int]] = {}

    @property
    def receive_maximum(self) -> int:
        """What to announce: as many of the largest messages seen as fit into the memory allowed."""
        return max(
            1,
            min(self._options.receive_maximum, self._options.inbound_bytes // (self.largest + OVERHEAD) - 1),
        )

    def add(self, inbox: Inbox) -> None:
        """A new subscription; it gets the waiting messages that it matches."""
        self.inboxes.append(inbox)
        self._routes.clear()
        for item in [item for item in self.unclaimed if matches(inbox.topic_filter, item[1].topic)]:
            self.unclaimed.remove(item)
            inbox.put(item[1])

    def discard(self, inbox: Inbox, now: float) -> None:
        """A subscription ended: its unread QoS 1 messages wait for a successor."""
        if inbox in self.inboxes:
            self.inboxes.remove(inbox)
            self._routes.clear()
            unread = inbox.remove(lambda message: message.qos > 0)
            self.unclaimed += [(now, message) for message in unread]

    def targets(self, topic: str) -> tuple[tuple[Inbox, ...], int]:
        """The inboxes that get messages of this topic, and how many of them asked for QoS 1."""
        found = self._routes.get(topic)
        if found is None:
            inboxes = tuple(inbox for inbox in self.inboxes if matches(inbox.topic_filter, topic))
            found = inboxes, sum(inbox.qos for inbox in inboxes)
            if len(self._routes) >= ROUTES:
                self._routes.clear()
            self._routes[topic] = found
        return found

    def expire_unclaimed(self, now: float) -> None:
        """Acknowledge and forget what nobody wanted for the hold time, so that it blocks nothing."""
        limit = now - self._options.unclaimed_hold_s
        while self.unclaimed and self.unclaimed[0][0] <= limit:
            self.unclaimed.pop(0)[1].acknowledge()
            self._stats.unclaimed += 1

    def forget_unread(self) -> None:
        """The session survived a reconnect: unread QoS 1 messages come again, so drop these copies."""
        self.unclaimed.clear()
        for inbox in self.inboxes:
            inbox.remove(lambda message: message.qos > 0)

    def trim_unread(self) -> None:
        """The session was lost: unread messages are the only copies; keep them, within the bound."""
        for inbox in self.inboxes:
            self._stats.dropped += inbox.trim(self._options.receive_maximum)
        surplus = len(self.unclaimed) - self._options.receive_maximum
        if surplus > 0:
            del self.unclaimed[:surplus]
            self._stats.dropped += surplus


def to_message(packet: mqtt5.PublishPacket, acknowledge: Callable[[], None], qos: int) -> Message:
    """The seam's form of a PUBLISH."""
    return Message(
        packet.topic,
        packet.payload,
        qos,
        packet.retain,
        packet.duplicate,
        acknowledge,
        packet.content_type or "",
        packet.response_topic or "",
        packet.correlation_data or b"",
        packet.message_expiry_interval,
        tuple(packet.user_properties),
        time.time_ns(),
    )
