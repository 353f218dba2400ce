"""The native MQTT 5 link: one session that outlives its connections. trio only.

    connect -> CONNACK -> hooks -> SUBSCRIBE what the broker does not know -> unacknowledged publishes (DUP)
    -> serve -> (connection ends) -> back-off -> connect …

What waits when a consumer is slow, and why nothing here can wait for itself, is in docs/adr/0006-mqtt.md.
All methods belong to the trio thread.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable
from functools import partial
from typing import Unpack

import mqtt5
import trio

from ..errors import LinkError
from ..patience import within
from .backoff import Backoff
from .codec import QOS
from .connection import Connection
from .filters import check_topic
from .inbox import Inbox
from .link import Capabilities, LinkOptions, LinkStats, Properties, PublishResult, Will
from .outbox import Outbox, too_large
from .receiver import Receiver
from .ticket import WRITTEN, Ticket
from .transport import Dial, dial

GOODBYE_S = 1.0
"""How long a clean end waits for the broker to close."""
SESSION_TAKEN_OVER = 0x8E
LASTING_DISCONNECTS = (SESSION_TAKEN_OVER, 0x87, 0x98)
"""DISCONNECT reasons after which hurrying back does harm: taken over, not authorised, administrative."""
NO_SUBSCRIBERS = 0x10


class MqttSession:
    """A `Link` over the `mqtt5` codec.

    Args:
        options: where and how.
        dial: opens the byte stream; tests hand in their own.
        dice: randomness of the back-off.
    """

    def __init__(
        self, options: LinkOptions, *, dial: Dial = dial, dice: Callable[[], float] = random.random
    ) -> None:
        self.capabilities = Capabilities(
            reason_codes=True, user_properties=True, manual_acknowledge=True, will_delay=True
        )
        self.stats = LinkStats()
        self._options = options
        self._dial = dial
        self._backoff = Backoff(options.backoff_first_s, options.backoff_max_s, dice)
        self._will: Will | None = None
        self._hooks: list[Callable[[bool], None]] = []
        self._outbox = Outbox(options.inflight_maximum)
        self._slots = trio.lowlevel.ParkingLot()
        self._receiver = Receiver(options, self.stats, self._outbox)
        self._connection: Connection | None = None
        self._up = trio.Event()
        self._peer_max_bytes = options.max_packet_bytes
        self._goodbye = trio.Event()
        self._closed: LinkError | None = None

    # -- life --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, serve, reconnect; returns after `disconnect`."""
        if self._closed is not None:
            raise self._closed
        try:
            while not self._goodbye.is_set():
                slow = await self._attempt()
                if self._goodbye.is_set():
                    break
                with trio.move_on_after(self._backoff.next_s(slow=slow)):
                    await self._goodbye.wait()
        finally:
            self._closed = LinkError("mqtt.closed", "the link has ended")
            self._outbox.fail_all(self._closed)
            self._slots.unpark_all()
            self._up.set()
            self._receiver.end(self._closed)

    async def _attempt(self) -> bool:
        """One connection, from dialling to its end; True when the next try should wait long."""
        options = self._options
        connection: Connection | None = None
        slow = False
        try:
            with trio.move_on_after(options.connect_timeout_s) as patience:
                connection = Connection(await self._dial(options), options)
                await connection.handshake(self._will, self._receiver.subscriptions.receive_maximum)
            if patience.cancelled_caught or connection is None:
                raise LinkError(
                    "mqtt.unreachable",
                    "the broker did not answer in time",
                    where=f"{options.host}:{options.port}",
                    expected=f"CONNACK within {options.connect_timeout_s} s",
                    retryable=True,
                )
            started = trio.current_time()
            await self._serve(connection)
            self._backoff.lived(trio.current_time() - started)
            if connection.failed is not None and not self._goodbye.is_set():
                raise connection.failed
        except LinkError as error:
            self.stats.last_error = str(error)
            lasting = error.code in ("mqtt.refused", "mqtt.disconnected") and not error.retryable
            slow = lasting or error.code in ("mqtt.version", "mqtt.unsupported")
        finally:
            if connection is not None:
                await connection.close()
        return slow

    async def _serve(self, connection: Connection) -> None:
        self._begin(connection)
        try:
            with connection.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(connection.write_loop)
                    nursery.start_soon(connection.keepalive_loop)
                    nursery.start_soon(self._watch, connection)
                    nursery.start_soon(self._read_loop, connection)
        finally:
            self._end()

    def _begin(self, connection: Connection) -> None:
        connack = connection.connack
        self._connection = connection
        self._peer_max_bytes = connack.max_packet_size or (256 << 20)
        self.stats.connects += 1
        self.stats.connected = True
        self._receiver.connected(connection)
        for hook in self._hooks:
            hook(connack.session_present)
        self._receiver.subscribe_again()
        self._outbox.connected(
            session_present=connack.session_present,
            receive_maximum=min(connack.receive_max, self._options.inflight_maximum),
        )
        self._up.set()
        self._pump()

    def _end(self) -> None:
        self._connection = None
        self._receiver.disconnected()
        self._outbox.disconnected()
        self.stats.connected = False
        self._up = trio.Event()

    async def wait_connected(self) -> None:
        """Return once the connection is up.

        Raises:
            LinkError: `mqtt.closed`.
        """
        await self._up.wait()
        if self._closed is not None:
            raise self._closed

    def on_connect(self, hook: Callable[[bool], None]) -> None:
        """Call `hook(session_present)` after each CONNACK, before queued publishes flow."""
        self._hooks.append(hook)

    def set_will(self, will: Will | None) -> None:
        """Will of the next CONNECT."""
        if will is not None:
            check_topic(will.topic)
        self._will = will

    async def disconnect(self) -> None:
        """Send what is queued, then DISCONNECT (no will), and end `run`."""
        self._goodbye.set()
        connection = self._connection
        if connection is not None:
            connection.send(mqtt5.DisconnectPacket().write())
            with contextlib.suppress(trio.TooSlowError):
                await within(GOODBYE_S, partial(self._drained, connection))
            connection.fail(LinkError("mqtt.closed", "the link has ended"))
        await trio.lowlevel.checkpoint()

    async def _drained(self, connection: Connection) -> None:
        """Until the broker has closed it."""
        while connection.failed is None:
            await connection.wait_drained()

    # -- outbound ----------------------------------------------------------------------------------------

    def _pump(self) -> None:
        connection = self._connection
        if connection is not None:
            for packet in self._outbox.next_packets(self._peer_max_bytes):
                connection.send(packet)
            self.stats.resent = self._outbox.resent

    async def send(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        **properties: Unpack[Properties],
    ) -> Ticket:
        """See `Link.send`. QoS 0 waits for a connection.

        Raises:
            LinkError: `mqtt.topic`, `mqtt.packet_too_large`, `mqtt.unsupported` (QoS 2), `mqtt.closed`.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        if qos not in (0, 1):
            raise LinkError("mqtt.unsupported", "this client publishes with QoS 0 or 1", got=f"QoS {qos}")
        if qos and self._slots:
            await self._slots.park()  # others wait already: stay behind them
        while qos and self._outbox.full and self._closed is None:
            await self._slots.park()
        while not qos and (self._connection is None or self._connection.congested):
            await self._wait_writable()
        if self._closed is not None:
            raise self._closed
        if "\0" in topic:
            check_topic(topic)
        packet_id = self._outbox.take_id() if qos else None
        try:
            data = mqtt5.PublishPacket(
                topic,
                payload,
                qos=QOS[qos],
                retain=retain,
                packet_id=packet_id,
                content_type=properties.get("content_type") or None,
                response_topic=properties.get("response_topic") or None,
                correlation_data=properties.get("correlation_data") or None,
                message_expiry_interval=properties.get("expiry_s"),
                user_properties=list(properties.get("user_properties", ())),
            ).write()
        except (ValueError, OverflowError) as error:
            check_topic(topic)
            raise LinkError("mqtt.topic", f"a field of the publish is not allowed: {error}") from error
        limit = min(self._peer_max_bytes, self._options.max_packet_bytes)
        if len(data) > limit:
            self._slots.unpark()
            raise too_large(len(data), limit)
        self.stats.published += 1
        if packet_id is None:
            assert self._connection is not None
            self._connection.send(data)
            return WRITTEN
        pending = self._outbox.add(packet_id, data)
        self._pump()
        return Ticket(pending)

    async def _wait_writable(self) -> None:
        if self._connection is None:
            await self.wait_connected()
        else:
            await self._connection.wait_drained()

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        **properties: Unpack[Properties],
    ) -> PublishResult:
        """See `Link.publish`; errors as in `send`. Cancelled before it was ever sent: it is not sent at all."""
        ticket = await self.send(topic, payload, qos=qos, retain=retain, **properties)
        try:
            return await ticket.wait()
        except trio.Cancelled:
            if self._outbox.withdraw(ticket.pending):
                self._slots.unpark()
            raise

    # -- while connected ---------------------------------------------------------------------------------

    async def _read_loop(self, connection: Connection) -> None:
        receiver = self._receiver
        try:
            while True:
                for packet in await connection.receive():
                    if isinstance(packet, mqtt5.PubAckPacket):
                        self._on_puback(packet)
                    elif isinstance(packet, mqtt5.PublishPacket):
                        await receiver.on_publish(packet)
                    elif isinstance(packet, mqtt5.DisconnectPacket):
                        raise self._told_to_leave(packet)
                    else:
                        receiver.on_answer(packet)
                self._pump()
        except LinkError as error:
            connection.fail(error)

    def _on_puback(self, packet: mqtt5.PubAckPacket) -> None:
        reason = int(packet.reason_code)
        if not self._outbox.acknowledge(packet.packet_id, reason):
            self.stats.last_error = f"PUBACK for packet id {packet.packet_id}, which nothing waits for"
            return
        self.stats.acknowledged += 1
        if reason == NO_SUBSCRIBERS:
            self.stats.no_subscriber += 1
        if self._slots:
            self._slots.unpark()

    def _told_to_leave(self, packet: mqtt5.DisconnectPacket) -> LinkError:
        reason = int(packet.reason_code)
        return LinkError(
            "mqtt.disconnected",
            f"the broker ended the connection with reason {reason} {packet.reason_code.name}",
            where=f"{self._options.host}:{self._options.port}",
            hint="does another client use this client id?" if reason == SESSION_TAKEN_OVER else "",
            retryable=reason not in LASTING_DISCONNECTS,
            context={"reason": reason},
        )

    async def _watch(self, connection: Connection) -> None:
        """Reconnect when the oldest publish gets no answer; forget messages that nobody claims."""
        options = self._options
        oldest, since = None, trio.current_time()
        while True:
            await trio.sleep(min(1.0, options.ack_timeout_s / 4))
            now = trio.current_time()
            self._receiver.subscriptions.expire_unclaimed(now)
            if self._outbox.oldest_sent is not oldest or oldest is None or connection.paused:
                oldest, since = self._outbox.oldest_sent, now
            elif now - since > options.ack_timeout_s:
                connection.fail(
                    LinkError(
                        "mqtt.ack_timeout",
                        "the broker did not acknowledge a publish in time",
                        where=connection.where,
                        expected=f"PUBACK within {options.ack_timeout_s} s",
                        retryable=True,
                    )
                )

    # -- subscriptions -----------------------------------------------------------------------------------

    async def subscribe(self, topic_filter: str, *, qos: int = 1, queue: int = 64) -> Inbox:
        """See `Link.subscribe`; returns once the broker has confirmed.

        Raises:
            LinkError: `mqtt.topic`, `mqtt.subscribe_refused`, `mqtt.unsupported` (shared), `mqtt.closed`.
        """
        if self._closed is not None:
            raise self._closed
        return await self._receiver.subscribe(topic_filter, qos=qos, queue=queue)

    async def unsubscribe(self, topic_filter: str) -> None:
        """End every subscription of this filter."""
        await self._receiver.unsubscribe(topic_filter)
