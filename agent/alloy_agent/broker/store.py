"""What the broker remembers: messages, sessions, retained messages. No I/O; time is handed in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import mqtt5

from ..mqtt.codec import QOS, as_duplicate
from .options import BrokerOptions

MAX_ID = 65_535


class Stored:
    """One published message, shared by all who get it."""

    __slots__ = ("_plain", "expires_at", "packet", "size")

    def __init__(self, packet: mqtt5.PublishPacket, now: float) -> None:
        self.packet = packet
        self.size = len(packet.payload) + len(packet.topic)
        expiry = packet.message_expiry_interval
        self.expires_at = None if expiry is None else now + expiry
        self._plain: bytes | None = None

    def expired(self, now: float) -> bool:
        """True when the message must not be delivered any more (MQTT 5.0, section 3.3.2.3.3)."""
        return self.expires_at is not None and now >= self.expires_at

    def encode(self, now: float, *, packet_id: int | None, retain: bool) -> bytes:
        """The PUBLISH for one receiver; the QoS 0 form is made once."""
        shared = packet_id is None and not retain and self.expires_at is None
        if shared and self._plain is not None:
            return self._plain
        packet = self.packet
        left = None if self.expires_at is None else max(1, int(self.expires_at - now))
        data = mqtt5.PublishPacket(
            packet.topic,
            packet.payload,
            qos=QOS[0 if packet_id is None else 1],
            retain=retain,
            packet_id=packet_id,
            payload_format_indicator=packet.payload_format_indicator,
            message_expiry_interval=left,
            content_type=packet.content_type,
            response_topic=packet.response_topic,
            correlation_data=packet.correlation_data,
            user_properties=packet.user_properties,
        ).write()
        if shared:
            self._plain = data
        return data


@dataclass(frozen=True, slots=True)
class Subscribed:
    """Options of one subscription (MQTT 5.0, section 3.8.3.1)."""

    topic_filter: str
    qos: int
    no_local: bool
    retain_as_published: bool


class Session:
    """State of one client id; survives its connections until it expires.

    Attributes:
        send: writes to the present connection; None while the client is away.
        window: how many more QoS 1 messages the client takes now.
    """

    def __init__(self, client_id: str, options: BrokerOptions) -> None:
        self.client_id = client_id
        self.subscriptions: dict[str, Subscribed] = {}
        self.expiry_s = 0
        self.will: mqtt5.Will | None = None
        self.send: Callable[[bytes], None] | None = None
        self.unwritten: Callable[[], int] = lambda: 0
        self.window = 0
        self.max_packet_bytes = 0
        self.stalled = False
        self._options = options
        self._queue: deque[tuple[Stored, bool]] = deque()  # (message, retain flag)
        self._queue_bytes = 0
        self._inflight: dict[int, bytes] = {}  # packet id -> the packet, for sending it again
        self._again: deque[int] = deque()  # ids of a former connection, not yet sent on this one
        self._last_id = 0

    @property
    def waiting(self) -> int:
        """Messages held for this client."""
        return len(self._queue) + len(self._inflight)

    @property
    def full(self) -> bool:
        """True when no further QoS 1 message is taken."""
        options = self._options
        return len(self._queue) >= options.queue_messages or self._queue_bytes >= options.queue_bytes

    def attach(
        self, send: Callable[[bytes], None], unwritten: Callable[[], int], window: int, max_packet_bytes: int
    ) -> None:
        """A connection takes the session over: unacknowledged messages go out again with DUP."""
        self.send, self.unwritten = send, unwritten
        self.max_packet_bytes = max_packet_bytes
        self.window = window
        self.stalled = False
        self._again = deque(self._inflight)

    def detach(self) -> None:
        """The client went away."""
        self.send = None
        self.window = 0

    def deliver_plain(self, message: Stored, now: float, *, retain: bool) -> bool:
        """QoS 0: written now or dropped."""
        if self.send is None or self.unwritten() > self._options.queue_bytes:
            return False
        data = message.encode(now, packet_id=None, retain=retain)
        if len(data) > self.max_packet_bytes:
            return False
        self.send(data)
        return True

    def deliver(self, message: Stored, now: float, *, retain: bool) -> bool:
        """QoS 1: written now or queued; False when the queue is full."""
        if self.full:
            return False
        self._queue.append((message, retain))
        self._queue_bytes += message.size
        self.pump(now)
        return True

    def pump(self, now: float) -> None:
        """Write what the client's window and the socket allow; what was sent before goes first (4.4, 4.6)."""
        while self._again and self.window > 0 and self.send is not None:
            data = self._inflight.get(self._again.popleft())
            if data is not None:
                self.window -= 1
                self.send(as_duplicate(data))
        if self._again:
            return
        while self._queue and self.window > 0 and self.send is not None:
            if self.unwritten() > self._options.queue_bytes:
                return
            message, retain = self._queue.popleft()
            self._queue_bytes -= message.size
            if message.expired(now):
                continue
            packet_id = self._take_id()
            data = message.encode(now, packet_id=packet_id, retain=retain)
            if len(data) > self.max_packet_bytes:
                continue  # the client said it would not take it (MQTT 5.0, section 3.1.2.11.4)
            self._inflight[packet_id] = data
            self.window -= 1
            self.send(data)

    def acknowledged(self, packet_id: int) -> bool:
        """The client has the message; False for an id that was not sent."""
        if self._inflight.pop(packet_id, None) is None:
            return False
        self.window += 1
        self.stalled = False
        return True

    def _take_id(self) -> int:
        while True:  # ends: at most `window` ids are in use, and a window is smaller than the id space
            self._last_id = self._last_id % MAX_ID + 1
            if self._last_id not in self._inflight:
                return self._last_id


class Retained:
    """Last retained message of each topic, bounded in number and bytes."""

    def __init__(self, options: BrokerOptions) -> None:
        self._options = options
        self._messages: dict[str, Stored] = {}
        self._bytes = 0

    def keep(self, message: Stored) -> bool:
        """Replace the topic's message, or remove it (empty payload); False when there is no room."""
        topic = message.packet.topic
        old = self._messages.pop(topic, None)
        if old is not None:
            self._bytes -= old.size
        if not message.packet.payload:
            return True
        options = self._options
        if (
            len(self._messages) >= options.retained_messages
            or self._bytes + message.size > options.retained_bytes
        ):
            return False
        self._messages[topic] = message
        self._bytes += message.size
        return True

    def matching(self, wanted: Callable[[str], bool], now: float) -> list[Stored]:
        """Retained messages whose topic is wanted; expired ones are forgotten."""
        for topic in [topic for topic, message in self._messages.items() if message.expired(now)]:
            self._bytes -= self._messages.pop(topic).size
        return [message for topic, message in self._messages.items() if wanted(topic)]
