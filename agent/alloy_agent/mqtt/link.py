"""The MQTT seam: what the daemon asks of any client.

Two implementations: `session.py` (native trio over the sans-I/O `mqtt5` codec) and `aiomqtt_adapter.py` (MQTT
3.1.1 brokers, through trio-asyncio). One contract suite, `tests/agent/mqtt/`, runs on both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypedDict, Unpack

from ..errors import LinkError


@dataclass(frozen=True, slots=True)
class Will:
    """Published by the broker when this client vanishes; `delay_s` after the connection is lost."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True
    delay_s: int = 10


@dataclass(frozen=True, slots=True)
class LinkOptions:
    """How to reach a broker. Every limit has its unit."""

    host: str
    port: int
    client_id: str
    username: str | None = None
    password: bytes | None = None
    tls: bool = False
    ca_file: str | None = None
    keepalive_s: int = 30
    session_expiry_s: int = 86_400
    receive_maximum: int = 64  # inbound QoS 1 messages not yet acknowledged by us
    inflight_maximum: int = 256  # outbound QoS 1 messages not yet acknowledged by the broker
    max_packet_bytes: int = 1 << 20
    inbound_bytes: int = 16 << 20  # memory of inbound QoS 1 messages not yet acknowledged by us
    connect_timeout_s: float = 10.0
    ack_timeout_s: float = 30.0  # oldest publish without PUBACK: reconnect and send again
    stall_s: float = 1.0  # a full QoS 0 queue may delay the broker's answers this long, then QoS 0 is dropped
    unclaimed_hold_s: float = 30.0  # a message of the session that no subscription wants waits this long
    backoff_first_s: float = 0.2
    backoff_max_s: float = 30.0

    def __post_init__(self) -> None:
        bounds = {
            "port": (self.port, 1, 65_535),
            "keepalive_s": (self.keepalive_s, 1, 65_535),
            "session_expiry_s": (self.session_expiry_s, 0, 0xFFFF_FFFF),
            "receive_maximum": (self.receive_maximum, 1, 4096),
            "inflight_maximum": (self.inflight_maximum, 1, 16_384),
            "max_packet_bytes": (self.max_packet_bytes, 1024, 16 << 20),
            "inbound_bytes": (self.inbound_bytes, self.max_packet_bytes, 1 << 30),
            "connect_timeout_s": (self.connect_timeout_s, 0.01, 300),
            "ack_timeout_s": (self.ack_timeout_s, 0.01, 3600),
            "stall_s": (self.stall_s, 0.01, 60),
            "unclaimed_hold_s": (self.unclaimed_hold_s, 0, 3600),
            "backoff_first_s": (self.backoff_first_s, 0.001, 3600),
            "backoff_max_s": (self.backoff_max_s, self.backoff_first_s, 3600),
        }
        for name, (value, low, high) in bounds.items():
            if not low <= value <= high:
                raise LinkError(
                    "mqtt.option",
                    "a link option is out of range",
                    where=name,
                    got=str(value),
                    expected=f"{low} to {high}",
                )
        if not self.host or not self.client_id:
            raise LinkError("mqtt.option", "host and client_id must not be empty", where="link")


@dataclass(frozen=True, slots=True)
class Message:
    """One inbound PUBLISH; `acknowledge` sends the PUBACK (QoS 1), only after the payload is safe."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool
    acknowledge: Callable[[], None]
    content_type: str = ""
    response_topic: str = ""
    correlation_data: bytes = b""
    expiry_s: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    received_ns: int = 0  # UTC, when the packet was read from the socket


class Properties(TypedDict, total=False):
    """What MQTT 5 can say beside a payload; a client without `user_properties` leaves all of it out."""

    content_type: str
    response_topic: str
    correlation_data: bytes
    expiry_s: int
    user_properties: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PublishResult:
    """Reason code of the PUBACK (0 for QoS 0); 16 means acknowledged without any subscriber."""

    reason: int
    seen: bool = True  # False: this client cannot see reason codes

    @property
    def delivered(self) -> bool:
        """True when the broker had somebody to give it to, as far as this client can know."""
        return self.reason == 0


@dataclass(slots=True)
class LinkStats:
    """Counters of the link; read by status."""

    connects: int = 0
    published: int = 0
    acknowledged: int = 0
    received: int = 0
    resent: int = 0
    no_subscriber: int = 0
    dropped: int = 0  # inbound QoS 0 whose consumer stalled
    unclaimed: int = 0  # inbound messages that no subscription wanted
    overrun: int = 0  # inbound messages beyond the Receive Maximum that the broker was told
    stale_acks: int = 0  # acknowledgements of a former connection; the broker sends those messages again
    connected: bool = False
    last_error: str = ""


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this client can do; durable lanes refuse one that cannot see reasons."""

    reason_codes: bool
    user_properties: bool
    manual_acknowledge: bool
    will_delay: bool
    extra: Mapping[str, bool] = field(default_factory=dict)


class Subscription(Protocol):
    """Messages of one subscription, in order; a bounded queue (docs/adr/0006-mqtt.md: what waits)."""

    def __aiter__(self) -> AsyncIterator[Message]: ...

    async def __anext__(self) -> Message: ...

    async def batch(self, limit: int) -> list[Message]:
        """Wait for one message, then take up to `limit` that are there; empty: the subscription ended."""
        ...

    def detach(self) -> None:
        """Stop reading; unread QoS 1 messages wait `unclaimed_hold_s` for a successor of the same filter."""
        ...

    async def close(self) -> None:
        """End this subscription; the broker forgets the filter when nobody else here uses it."""
        ...


class PublishTicket(Protocol):
    """One publish that was accepted in order; `wait` returns when the broker has answered."""

    async def wait(self) -> PublishResult:
        """QoS 0: returns once written. QoS 1: returns when the PUBACK came, across reconnects."""
        ...


class Link(Protocol):
    """A broker connection that outlives disconnects; unacknowledged QoS 1 publishes are sent again (DUP)."""

    capabilities: Capabilities
    stats: LinkStats

    async def run(self) -> None:
        """Connect, serve, reconnect with back-off and jitter, until cancelled."""
        ...

    async def wait_connected(self) -> None:
        """Return once the current connection is up (at once if it is)."""
        ...

    def on_connect(self, hook: Callable[[bool], None]) -> None:
        """Call `hook(session_present)` after each CONNACK, before queued publishes flow."""
        ...

    def set_will(self, will: Will | None) -> None:
        """Will of the next CONNECT (read at each connect)."""
        ...

    async def send(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        **properties: Unpack[Properties],
    ) -> PublishTicket:
        """Accept one publish in the order of the calls; waits while `inflight_maximum` are unacknowledged."""
        ...

    async def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        **properties: Unpack[Properties],
    ) -> PublishResult:
        """`send`, then wait for its ticket. QoS 0: in the bounded write buffer. QoS 1: the PUBACK came.

        A cancelled QoS 1 publish that was already sent may still be delivered: the packet id is in use.
        """
        ...

    async def subscribe(self, topic_filter: str, *, qos: int = 1, queue: int = 64) -> Subscription:
        """Subscribe now and after every reconnect without a session; QoS 2 is lowered to 1.

        `queue` bounds unread QoS 0 messages; unread QoS 1 messages are bounded by `receive_maximum`.
        """
        ...

    async def unsubscribe(self, topic_filter: str) -> None:
        """End every subscription of this filter."""
        ...

    async def disconnect(self) -> None:
        """Send DISCONNECT (the will is not published) and end `run`."""
        ...
