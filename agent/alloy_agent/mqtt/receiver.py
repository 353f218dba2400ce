"""The inbound half of the session: subscribing, routing, back-pressure, acknowledging."""

from __future__ import annotations

import mqtt5
import trio

from ..errors import LinkError
from .codec import QOS, puback
from .connection import Connection
from .filters import check_filter, is_shared
from .inbound import Acknowledgement, InboundStore, Subscriptions, no_acknowledgement, to_message
from .inbox import Inbox
from .link import LinkOptions, LinkStats
from .outbox import Outbox

SUBSCRIBE_CHUNK = 32
"""Filters in one SUBSCRIBE packet."""
MAX_LEFT = 256
"""Filters given up while away; beyond, the broker's copies arrive unclaimed and are dropped then."""


class Receiver:
    """Subscriptions of one session, over all its connections.

    Args:
        outbox: gives packet ids, and says whether a publish waits for its answer.
    """

    def __init__(self, options: LinkOptions, stats: LinkStats, outbox: Outbox) -> None:
        self.subscriptions = Subscriptions(options, stats)
        self._options = options
        self._stats = stats
        self._outbox = outbox
        self._asked: dict[int, list[Inbox]] = {}  # packet id of a SUBSCRIBE -> what it covers
        self._leaving: dict[int, trio.Event] = {}  # packet id of an UNSUBSCRIBE
        self._left: list[str] = []  # filters given up while away; the broker still has to be told
        self._connection: Connection | None = None
        self._store: InboundStore | None = None

    # -- connection comes and goes -----------------------------------------------------------------------

    def connected(self, connection: Connection) -> None:
        """A CONNACK came; `connection` says whether the broker kept the session."""
        self._connection = connection
        self._store = InboundStore(
            self.subscriptions.receive_maximum,
            self._options.inbound_bytes,
            self._stats,
            lambda packet_id: connection.send(puback(packet_id)),
        )
        if connection.connack.session_present:
            self.subscriptions.forget_unread()
            return
        self.subscriptions.trim_unread()
        for inbox in self.subscriptions.inboxes:
            inbox.confirmed = False

    def subscribe_again(self) -> None:
        """Ask for every subscription the broker does not know."""
        for topic_filter in self._left:
            self._send_unsubscribe(topic_filter)
        self._left.clear()
        self._ask([inbox for inbox in self.subscriptions.inboxes if not inbox.confirmed])

    def disconnected(self) -> None:
        """Acknowledgements of this connection are void from here on."""
        self._connection = None
        if self._store is not None:
            self._store.closed = True
        self._asked.clear()
        for left in self._leaving.values():
            left.set()
        self._leaving.clear()

    def end(self, error: LinkError) -> None:
        """The link is over; what was read from the socket can still be consumed."""
        for inbox in self.subscriptions.inboxes:
            inbox.end(None if inbox.confirmed else error)

    # -- messages ----------------------------------------------------------------------------------------

    async def on_publish(self, packet: mqtt5.PublishPacket) -> None:
        """Give a message to the subscriptions that want it.

        Raises:
            LinkError: `mqtt.protocol`, `mqtt.inbound_bytes`.
        """
        qos = int(packet.qos)
        if qos > 1 or packet.topic_alias is not None or not packet.topic:
            raise LinkError("mqtt.protocol", "the broker used QoS 2 or a topic alias, which we did not offer")
        store, subscriptions = self._store, self.subscriptions
        assert store is not None
        self._stats.received += 1
        targets, firm = subscriptions.targets(packet.topic)
        size = len(packet.payload)
        if size > subscriptions.largest:
            subscriptions.largest = size
        packet_id = packet.packet_id or 0
        if qos and not store.take(packet_id, size, firm or 1):
            return
        for inbox in targets:
            if qos and inbox.qos:
                inbox.put(to_message(packet, Acknowledgement(store, packet_id), 1))
                continue
            if not inbox.has_room:
                await self._wait_room(inbox)
            if not inbox.ended:
                inbox.put(to_message(packet, no_acknowledgement, 0))
        if qos and not targets:
            held = to_message(packet, Acknowledgement(store, packet_id), 1)
            subscriptions.unclaimed.append((trio.current_time(), held))
        elif qos and not firm:
            store.acknowledged(packet_id)
        elif not targets:
            self._stats.unclaimed += 1

    async def _wait_room(self, inbox: Inbox) -> None:
        """Do not read while the consumer is slow, unless somebody waits for the broker's answer too long.

        A consumer that takes nothing for `stall_s` may itself be waiting for that answer: from then until it
        takes something, QoS 0 makes way. Nobody waiting: no hurry, nothing is dropped.
        """
        connection = self._connection
        assert connection is not None
        connection.paused = True
        while not inbox.has_room and not inbox.ended:
            if not inbox.stalled:
                with trio.move_on_after(self._options.stall_s) as patience:
                    await inbox.wait_room()
                inbox.stalled = patience.cancelled_caught and self._answer_owed
            elif inbox.drop_oldest_loose():
                self._stats.dropped += 1
        connection.paused = False
        connection.last_received = trio.current_time()

    @property
    def _answer_owed(self) -> bool:
        return bool(len(self._outbox) or self._asked or self._leaving)

    def on_answer(self, packet: mqtt5.Packet) -> None:
        """SUBACK, UNSUBACK, PINGRESP.

        Raises:
            LinkError: `mqtt.protocol`, anything else.
        """
        if isinstance(packet, mqtt5.SubAckPacket):
            self._on_suback(packet)
        elif isinstance(packet, mqtt5.UnsubAckPacket):
            self._outbox.free_id(packet.packet_id)
            left = self._leaving.pop(packet.packet_id, None)
            if left is not None:
                left.set()
        elif not isinstance(packet, mqtt5.PingRespPacket):
            raise LinkError("mqtt.protocol", "the broker sent a packet out of place", got=repr(packet)[:80])

    # -- subscribing -------------------------------------------------------------------------------------

    async def subscribe(self, topic_filter: str, *, qos: int, queue: int) -> Inbox:
        """See `Link.subscribe`."""
        check_filter(topic_filter)
        if is_shared(topic_filter):
            raise LinkError("mqtt.unsupported", "shared subscriptions are not offered", where=topic_filter)
        inbox = Inbox(topic_filter, min(max(qos, 0), 1), max(1, queue), self._leave, self._detach)
        self.subscriptions.add(inbox)
        self._ask([inbox])
        try:
            await inbox.answered.wait()
        except trio.Cancelled:
            self.subscriptions.discard(inbox, trio.current_time())
            raise
        if inbox.error is not None:
            raise inbox.error
        return inbox

    def _ask(self, inboxes: list[Inbox]) -> None:
        connection = self._connection
        if connection is None:
            return
        for start in range(0, len(inboxes), SUBSCRIBE_CHUNK):
            chunk = inboxes[start : start + SUBSCRIBE_CHUNK]
            packet_id = self._outbox.reserve_id()
            self._asked[packet_id] = chunk
            filters = [
                mqtt5.TopicFilter(
                    inbox.topic_filter, max_qos=QOS[self._qos_of(inbox)], retain_as_published=False
                )
                for inbox in chunk
            ]
            connection.send(mqtt5.SubscribePacket(packet_id, filters).write())

    def _qos_of(self, inbox: Inbox) -> int:
        """The broker keeps one subscription a filter: ask for the highest QoS wanted here."""
        same = (other.qos for other in self.subscriptions.inboxes if other.topic_filter == inbox.topic_filter)
        return max(same, default=inbox.qos)

    def _on_suback(self, packet: mqtt5.SubAckPacket) -> None:
        self._outbox.free_id(packet.packet_id)
        inboxes = self._asked.pop(packet.packet_id, [])
        for inbox, code in zip(inboxes, packet.reason_codes, strict=False):
            reason = int(code)
            if reason < 0x80:
                inbox.confirmed = True
                inbox.answered.set()
                continue
            self.subscriptions.discard(inbox, trio.current_time())
            inbox.end(
                LinkError(
                    "mqtt.subscribe_refused",
                    f"the broker refused a subscription with reason {reason} {code.name}",
                    where=inbox.topic_filter,
                    context={"reason": reason},
                )
            )
            self._stats.last_error = str(inbox.error)

    async def unsubscribe(self, topic_filter: str) -> None:
        """See `Link.unsubscribe`; the broker is told even when nobody here reads the filter any more."""
        for inbox in [inbox for inbox in self.subscriptions.inboxes if inbox.topic_filter == topic_filter]:
            self._detach(inbox)
        await self._tell_left(topic_filter)

    def _detach(self, inbox: Inbox) -> None:
        self.subscriptions.discard(inbox, trio.current_time())
        inbox.end()

    async def _leave(self, inbox: Inbox) -> None:
        if inbox in self.subscriptions.inboxes:
            self._detach(inbox)
            await self._tell_left(inbox.topic_filter)

    async def _tell_left(self, topic_filter: str) -> None:
        if any(other.topic_filter == topic_filter for other in self.subscriptions.inboxes):
            return
        if self._connection is None:
            if len(self._left) < MAX_LEFT:
                self._left.append(topic_filter)
            return
        await self._send_unsubscribe(topic_filter).wait()

    def _send_unsubscribe(self, topic_filter: str) -> trio.Event:
        assert self._connection is not None
        packet_id = self._outbox.reserve_id()
        self._leaving[packet_id] = left = trio.Event()
        self._connection.send(mqtt5.UnsubscribePacket(packet_id, [topic_filter]).write())
        return left
