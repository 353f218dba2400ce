"""One client's connection: handshake, reading, acknowledging, faults. The server owns everything shared."""

from __future__ import annotations

from collections import deque
from functools import partial
from typing import Protocol

import mqtt5
import trio

from ..errors import LinkError
from ..mqtt.codec import CONNACK_311_WRONG_VERSION, PINGRESP, PacketReader
from ..mqtt.filters import check_filter, check_topic, is_shared
from ..mqtt.writer import PacketWriter
from ..patience import within
from .options import BrokerOptions, BrokerStats, Faults
from .router import NO_SUBSCRIBERS, QUOTA_EXCEEDED, SUCCESS, Router
from .store import Session, Subscribed

READ_BYTES = 1 << 16
GOODBYE_S = 1.0
"""How long a DISCONNECT of ours may take to leave."""
Leave = mqtt5.DisconnectReasonCode
_REASONS = {
    SUCCESS: mqtt5.PubAckReasonCode.SUCCESS,
    NO_SUBSCRIBERS: mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS,
    QUOTA_EXCEEDED: mqtt5.PubAckReasonCode.QUOTA_EXCEEDED,
}


class GoneError(Exception):
    """This connection ends; `reason` is sent as DISCONNECT when it is set."""

    def __init__(self, reason: mqtt5.DisconnectReasonCode | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class Shared(Protocol):
    """What a connection needs of the server."""

    options: BrokerOptions
    faults: Faults
    stats: BrokerStats
    router: Router

    def admit(self, client: Client, connect: mqtt5.ConnectPacket) -> tuple[Session, bool]:
        """Find or make the session; a former connection of the same client id is sent away."""
        ...

    def leave(self, client: Client, session: Session, *, publish_will: bool) -> None:
        """The connection ended."""
        ...

    def wake_publishers(self) -> None:
        """A queue has room again."""
        ...


class Client:
    """Serves one stream until it ends."""

    def __init__(self, stream: trio.abc.Stream, server: Shared) -> None:
        self._stream = stream
        self._server = server
        self._reader = PacketReader(server.options.max_packet_bytes)
        self._scope = trio.CancelScope()
        self._writer = PacketWriter(stream, self._scope.cancel)
        self._early: list[mqtt5.Packet] = []
        self._session: Session | None = None
        self._blocked: deque[tuple[mqtt5.PublishPacket, float]] = deque()  # (publish, came at [s])
        self._unanswered = 0  # QoS 1 publishes of this client without PUBACK
        self._publishes = 0
        self._keepalive_s = 0.0
        self._last_reason: mqtt5.DisconnectReasonCode | None = None
        self._will_due = True
        self._nursery: trio.Nursery | None = None

    # -- life --------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """From CONNECT to the end of the stream; never raises for what the peer does."""
        server = self._server
        try:
            connect = await self._expect_connect()
            if connect is None:
                return
            session, present = server.admit(self, connect)
            self._session = session
            try:
                with self._scope:
                    await self._connected(connect, session, present)
            finally:
                server.leave(self, session, publish_will=self._will_due)
            await self._farewell()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        finally:
            await trio.aclose_forcefully(self._stream)

    def send_away(self, reason: mqtt5.DisconnectReasonCode | None) -> None:
        """End this connection from outside; None: cut it without a word."""
        self._last_reason = reason
        self._scope.cancel()

    async def _farewell(self) -> None:
        if self._last_reason is not None:
            with trio.move_on_after(GOODBYE_S):
                await self._stream.send_all(mqtt5.DisconnectPacket(reason_code=self._last_reason).write())

    async def _expect_connect(self) -> mqtt5.ConnectPacket | None:
        seen = b""

        async def first_packets() -> None:
            nonlocal seen
            while not self._early:
                data = bytes(await self._stream.receive_some(READ_BYTES))
                if not data:
                    return
                seen = (seen + data)[:16]
                self._early = self._reader.feed(data)

        try:
            await within(self._server.options.connect_timeout_s, first_packets)
        except trio.TooSlowError:
            return None
        except LinkError:
            # A client of MQTT 3.1.1 or 3.1 gets the refusal of its own version (3.1.1, 3.2.2.3).
            if seen[:1] == b"\x10" and (b"MQTT\x04" in seen or b"MQIsdp\x03" in seen):
                with trio.move_on_after(GOODBYE_S):
                    await self._stream.send_all(CONNACK_311_WRONG_VERSION)
            return None
        if not self._early:
            return None
        packet = self._early.pop(0)
        if not isinstance(packet, mqtt5.ConnectPacket):
            return None
        refusal = self._refusal(packet)
        if refusal is None:
            return packet
        await self._stream.send_all(mqtt5.ConnAckPacket(reason_code=refusal).write())
        return None

    def _refusal(self, connect: mqtt5.ConnectPacket) -> mqtt5.ConnAckReasonCode | None:
        if connect.authentication_method is not None:
            return mqtt5.ConnAckReasonCode.BAD_AUTHENTICATION_METHOD
        wanted = self._server.options.credentials
        if wanted is not None and (connect.username, connect.password) != wanted:
            return mqtt5.ConnAckReasonCode.BAD_USER_NAME_OR_PASSWORD
        will = connect.will
        if will is not None:
            if will.qos == mqtt5.QoS.EXACTLY_ONCE:
                return mqtt5.ConnAckReasonCode.QUALITY_NOT_SUPPORTED
            try:
                check_topic(will.topic)
            except LinkError:
                return mqtt5.ConnAckReasonCode.TOPIC_NAME_INVALID
        if len(connect.client_id) > 256:
            return mqtt5.ConnAckReasonCode.CLIENT_ID_NOT_VALID
        return None

    async def _connected(self, connect: mqtt5.ConnectPacket, session: Session, present: bool) -> None:
        options = self._server.options
        self._keepalive_s = float(connect.keep_alive)
        connack = mqtt5.ConnAckPacket(
            session_present=present,
            session_expiry_interval=session.expiry_s,
            assigned_client_id=None if connect.client_id else session.client_id,
            receive_max=options.receive_maximum,
            max_qos=mqtt5.QoS.AT_LEAST_ONCE,
            max_packet_size=options.max_packet_bytes,
            subscription_id_available=False,
            shared_subscription_available=False,
        )
        self._writer.send(connack.write())
        session.attach(
            self._writer.send,
            lambda: self._writer.unwritten,
            connect.receive_max,
            connect.max_packet_size or (256 << 20),
        )
        session.pump(trio.current_time())
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            nursery.start_soon(self._writer.loop, self._on_drained)
            nursery.start_soon(self._watch_blocked)
            await self._read_loop()

    def _on_drained(self) -> None:
        assert self._session is not None
        if self._session.waiting:
            self._session.pump(trio.current_time())

    async def _read_loop(self) -> None:
        patience = self._keepalive_s * 1.5 or float("inf")  # MQTT 5.0, section 3.1.2.10
        reason: mqtt5.DisconnectReasonCode | None = None  # it went, or broke the connection
        packets = self._early
        try:
            while True:
                for packet in packets:
                    self._handle(packet)
                data = bytes(await within(patience, partial(self._stream.receive_some, READ_BYTES)))
                if not data:
                    break
                packets = self._reader.feed(data)
        except trio.TooSlowError:
            reason = Leave.KEEP_ALIVE_TIMEOUT
        except GoneError as gone:
            reason = gone.reason
        except LinkError as error:
            large = error.code == "mqtt.packet_too_large"
            reason = Leave.PACKET_TOO_LARGE if large else Leave.MALFORMED_PACKET
        except trio.BrokenResourceError:
            pass
        with trio.move_on_after(GOODBYE_S):  # what was answered before the end still leaves
            while self._writer.unwritten:
                await self._writer.wait_drained()
        self.send_away(reason)

    # -- packets -----------------------------------------------------------------------------------------

    def _handle(self, packet: mqtt5.Packet) -> None:
        if isinstance(packet, mqtt5.PublishPacket):
            self._on_publish(packet)
        elif isinstance(packet, mqtt5.PubAckPacket):
            self._on_puback(packet)
        elif isinstance(packet, mqtt5.PingReqPacket):
            self._writer.send(PINGRESP)
        elif isinstance(packet, mqtt5.SubscribePacket):
            self._on_subscribe(packet)
        elif isinstance(packet, mqtt5.UnsubscribePacket):
            self._on_unsubscribe(packet)
        elif isinstance(packet, mqtt5.DisconnectPacket):
            self._on_disconnect(packet)
        else:
            raise GoneError(Leave.PROTOCOL_ERROR)

    def _on_disconnect(self, packet: mqtt5.DisconnectPacket) -> None:
        assert self._session is not None
        self._will_due = packet.reason_code == Leave.DISCONNECT_WITH_WILL_MESSAGE
        if packet.session_expiry_interval is not None:
            if not self._session.expiry_s and packet.session_expiry_interval:
                raise GoneError(Leave.PROTOCOL_ERROR)  # MQTT 5.0, section 3.14.2.2.2
            limit = self._server.options.max_session_expiry_s
            self._session.expiry_s = min(packet.session_expiry_interval, limit)
        raise GoneError(None)

    def _on_puback(self, packet: mqtt5.PubAckPacket) -> None:
        session = self._session
        assert session is not None
        was_full = session.full
        if session.acknowledged(packet.packet_id):
            session.pump(trio.current_time())
            if was_full and not session.full:
                self._server.wake_publishers()

    def _on_publish(self, packet: mqtt5.PublishPacket) -> None:
        server = self._server
        if packet.qos == mqtt5.QoS.EXACTLY_ONCE:
            raise GoneError(Leave.QOS_NOT_SUPPORTED)
        if packet.topic_alias is not None or not packet.topic:
            raise GoneError(Leave.TOPIC_ALIAS_INVALID)
        if "\0" in packet.topic:
            raise GoneError(Leave.TOPIC_NAME_INVALID)
        server.stats.received += 1
        self._publishes += 1
        faults = server.faults
        cut = bool(faults.drop_after) and self._publishes >= faults.drop_after and faults.drops != 0
        if packet.qos == mqtt5.QoS.AT_MOST_ONCE:
            server.router.publish(packet, self._session, trio.current_time())
        else:
            self._unanswered += 1
            if self._unanswered > server.options.receive_maximum:
                raise GoneError(Leave.RECEIVE_MAX_EXCEEDED)
            self._blocked.append((packet, trio.current_time()))
            self.settle_blocked(acknowledge=not cut)
        if cut:
            faults.drops -= 1 if faults.drops > 0 else 0
            server.stats.faults += 1
            raise GoneError(None)

    def settle_blocked(self, *, acknowledge: bool = True) -> None:
        """Route waiting publishes in their order, as far as their receivers have room."""
        server = self._server
        now = trio.current_time()
        while self._blocked:
            packet, came = self._blocked[0]
            if server.faults.reason16:
                reason = NO_SUBSCRIBERS
                server.stats.faults += 1
            else:
                target = server.router.blocked(packet)
                if target is not None and now - came < server.options.stall_s:
                    return
                if target is not None:
                    target.stalled = True
                reason = server.router.publish(packet, self._session, now)
            self._blocked.popleft()
            if acknowledge or self._blocked:
                self._confirm(packet.packet_id or 0, reason)

    async def _watch_blocked(self) -> None:
        """Give up on consumers that stall; the publisher keeps its connection and its pings."""
        while True:
            await trio.sleep(self._server.options.stall_s / 4)
            self.settle_blocked()

    def _confirm(self, packet_id: int, reason: int) -> None:
        faults = self._server.faults
        if faults.wrong_ids:
            faults.wrong_ids -= 1
            self._server.stats.faults += 1
            packet_id = packet_id % 65_535 + 1
        data = mqtt5.PubAckPacket(packet_id, reason_code=_REASONS[reason]).write()
        if faults.delay_puback_s:
            assert self._nursery is not None
            self._nursery.start_soon(self._confirm_later, data, faults.delay_puback_s)
        else:
            self._unanswered -= 1
            self._writer.send(data)

    async def _confirm_later(self, data: bytes, delay_s: float) -> None:
        await trio.sleep(delay_s)
        self._unanswered -= 1
        self._writer.send(data)

    def _on_subscribe(self, packet: mqtt5.SubscribePacket) -> None:
        if packet.subscription_id is not None:
            raise GoneError(Leave.SUBSCRIPTION_IDS_NOT_SUPPORTED)
        codes: list[mqtt5.SubAckReasonCode] = []
        replay: list[Subscribed] = []
        for wanted in packet.topic_filters:
            code, subscribed = self._grant(wanted)
            codes.append(code)
            if subscribed is not None:
                replay.append(subscribed)
        self._writer.send(mqtt5.SubAckPacket(packet.packet_id, codes).write())
        assert self._session is not None
        for subscribed in replay:
            self._server.router.replay_retained(self._session, subscribed, trio.current_time())

    def _grant(self, wanted: mqtt5.TopicFilter) -> tuple[mqtt5.SubAckReasonCode, Subscribed | None]:
        session, server = self._session, self._server
        assert session is not None
        if is_shared(wanted.pattern):
            return mqtt5.SubAckReasonCode.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED, None
        try:
            check_filter(wanted.pattern)
        except LinkError:
            return mqtt5.SubAckReasonCode.TOPIC_FILTER_INVALID, None
        known = wanted.pattern in session.subscriptions
        if not known and len(session.subscriptions) >= server.options.max_subscriptions:
            return mqtt5.SubAckReasonCode.QUOTA_EXCEEDED, None
        firm = wanted.max_qos != mqtt5.QoS.AT_MOST_ONCE
        subscribed = Subscribed(wanted.pattern, int(firm), wanted.no_local, wanted.retain_as_published)
        new = server.router.subscribe(session, subscribed)
        codes = mqtt5.SubAckReasonCode
        granted = codes.GRANTED_QOS_AT_LEAST_ONCE if firm else codes.GRANTED_QOS_AT_MOST_ONCE
        always = wanted.retain_handling == mqtt5.RetainHandling.SEND_ALWAYS
        if_new = wanted.retain_handling == mqtt5.RetainHandling.SEND_IF_SUBSCRIPTION_NOT_EXISTS and new
        return granted, subscribed if always or if_new else None

    def _on_unsubscribe(self, packet: mqtt5.UnsubscribePacket) -> None:
        assert self._session is not None
        codes = mqtt5.UnsubAckReasonCode
        answers = [
            codes.SUCCESS
            if self._server.router.unsubscribe(self._session, pattern)
            else codes.NO_SUBSCRIPTION_EXISTED
            for pattern in packet.patterns
        ]
        self._writer.send(mqtt5.UnsubAckPacket(packet.packet_id, answers).write())
