"""One connection to a broker, from CONNECT to its end: framing, writing in batches, keep-alive.

Knows packets and time, but neither subscriptions nor what is unacknowledged: `session.py` does.
"""

from __future__ import annotations

import mqtt5
import trio

from ..errors import LinkError
from .codec import CONNACK_311_WRONG_VERSION, PINGREQ, QOS, PacketReader
from .link import LinkOptions, Will
from .writer import PacketWriter

READ_BYTES = 1 << 16
WRITE_HIGH_BYTES = 1 << 16
"""A QoS 0 publisher waits while more than this is unwritten."""
PING_WAIT_S = 10.0
"""Longest wait for a PINGRESP (or the keep-alive time, when that is shorter)."""
LASTING_REFUSALS = (0x81, 0x82, 0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C, 0x90, 0x95, 0x99, 0x9A, 0x9B, 0x9D)
"""CONNACK reasons that will not go away by themselves: retry slowly."""


def connect_packet(options: LinkOptions, will: Will | None, receive_maximum: int) -> bytes:
    """The CONNECT of this client: clean start false, so that a session survives our restarts."""
    last = None
    if will is not None:
        last = mqtt5.Will(
            will.topic,
            payload=will.payload,
            qos=QOS[min(will.qos, 1)],
            retain=will.retain,
            will_delay_interval=will.delay_s,
        )
    return mqtt5.ConnectPacket(
        options.client_id,
        username=options.username,
        password=options.password,
        clean_start=False,
        will=last,
        keep_alive=options.keepalive_s,
        session_expiry_interval=options.session_expiry_s,
        receive_max=receive_maximum,
        topic_alias_max=0,
        max_packet_size=options.max_packet_bytes,
    ).write()


def _refusal(packet: mqtt5.ConnAckPacket, where: str) -> LinkError:
    reason = int(packet.reason_code)
    hints = {0x86: "check user name and password", 0x87: "check the broker's access rules for this client"}
    detail = f": {packet.reason_str}" if packet.reason_str else ""
    return LinkError(
        "mqtt.refused",
        f"the broker refused the connection with reason {reason} {packet.reason_code.name}{detail}",
        where=where,
        hint=hints.get(reason, ""),
        retryable=reason not in LASTING_REFUSALS,
        context={"reason": reason},
    )


class Connection:
    """A stream on which MQTT is spoken.

    Attributes:
        connack: answer of the broker, after `handshake`.
        failed: why the connection ended, once it did.
        paused: the reader waits for a consumer, so silence of the broker proves nothing.
    """

    def __init__(self, stream: trio.abc.Stream, options: LinkOptions) -> None:
        self._stream = stream
        self._options = options
        self._reader = PacketReader(options.max_packet_bytes)
        self._writer = PacketWriter(stream, self._unwritable)
        self.send = self._writer.send
        self.wait_drained = self._writer.wait_drained
        self._scope = trio.CancelScope()
        self.where = f"{options.host}:{options.port}"
        self.connack = mqtt5.ConnAckPacket()
        self.failed: LinkError | None = None
        self.paused = False
        self.last_received = self._writer.last_sent = trio.current_time()
        self.keepalive_s = float(options.keepalive_s)
        self.early: list[mqtt5.Packet] = []  # arrived in the same read as the CONNACK

    async def handshake(self, will: Will | None, receive_maximum: int) -> None:
        """CONNECT and wait for CONNACK; the caller bounds the time.

        Raises:
            LinkError: `mqtt.refused`, `mqtt.version`, `mqtt.lost`, `mqtt.malformed`, `mqtt.protocol`.
        """
        seen = b""
        try:
            await self._stream.send_all(connect_packet(self._options, will, receive_maximum))
            while not self.early:
                data = bytes(await self._stream.receive_some(READ_BYTES))
                if not data:
                    raise LinkError(
                        "mqtt.lost", "the broker closed the connection before its answer", where=self.where
                    )
                seen = (seen + data)[:4]
                if seen == CONNACK_311_WRONG_VERSION:
                    raise LinkError(
                        "mqtt.version",
                        "the broker does not speak MQTT 5",
                        where=self.where,
                        hint='set `mqtt: {version: "3.1.1"}` and install `alloy-edge[mqtt311]`',
                    )
                self.early = self._reader.feed(data)
        except trio.BrokenResourceError as error:
            raise LinkError("mqtt.lost", "the broker broke the connection", where=self.where) from error
        packet = self.early.pop(0)
        if not isinstance(packet, mqtt5.ConnAckPacket):
            raise LinkError("mqtt.protocol", "the first packet of the broker is no CONNACK", where=self.where)
        if packet.reason_code != mqtt5.ConnAckReasonCode.SUCCESS:
            raise _refusal(packet, self.where)
        if packet.max_qos == mqtt5.QoS.AT_MOST_ONCE:
            raise LinkError(
                "mqtt.unsupported", "the broker offers QoS 0 only, nothing could be safe", where=self.where
            )
        self.connack = packet
        if packet.server_keep_alive is not None:
            self.keepalive_s = float(packet.server_keep_alive)
        self.last_received = self._writer.last_sent = trio.current_time()

    @property
    def scope(self) -> trio.CancelScope:
        """Cancelled by `fail`: everything that serves this connection runs inside it."""
        return self._scope

    def fail(self, error: LinkError) -> None:
        """End the connection; the first reason is kept."""
        if self.failed is None:
            self.failed = error
        self._scope.cancel()

    def _unwritable(self) -> None:
        self.fail(
            LinkError("mqtt.lost", "the broker broke the connection or reads nothing", where=self.where)
        )

    @property
    def congested(self) -> bool:
        """True while a publisher should wait."""
        return self._writer.unwritten > WRITE_HIGH_BYTES

    async def write_loop(self) -> None:
        """Send what is queued until cancelled."""
        await self._writer.loop()

    async def receive(self) -> list[mqtt5.Packet]:
        """The next packets.

        Raises:
            LinkError: `mqtt.lost`, `mqtt.malformed`, `mqtt.packet_too_large`.
        """
        if self.early:
            early, self.early = self.early, []
            return early
        try:
            data = bytes(await self._stream.receive_some(READ_BYTES))
        except trio.BrokenResourceError as error:
            raise LinkError("mqtt.lost", "the broker broke the connection", where=self.where) from error
        if not data:
            raise LinkError("mqtt.lost", "the broker closed the connection", where=self.where)
        self.last_received = trio.current_time()
        return self._reader.feed(data)

    async def keepalive_loop(self) -> None:
        """Ping in quiet times, both ways; a broker that answers nothing is gone.

        A sender that never stops still pings: bytes that leave prove nothing about the other side.
        """
        if not self.keepalive_s:
            return
        patience = min(PING_WAIT_S, self.keepalive_s)
        tick = min(1.0, self.keepalive_s / 8)
        pinged_at: float | None = None
        waited = 0.0  # for its answer, in ticks: however long the host stood still in one, it is one
        while True:
            await trio.sleep(tick)
            now = trio.current_time()
            waited += tick
            if pinged_at is not None and (self.last_received >= pinged_at or self.paused):
                pinged_at = None
            if pinged_at is not None and waited > patience:
                self.fail(LinkError("mqtt.keepalive", "the broker answered no ping", where=self.where))
            quiet = now - min(self._writer.last_sent, self.last_received)
            if pinged_at is None and quiet >= self.keepalive_s / 2:
                pinged_at, waited = now, 0.0
                self.send(PINGREQ)

    async def close(self) -> None:
        """Close the stream at once; what must arrive was sent before."""
        await trio.aclose_forcefully(self._stream)
