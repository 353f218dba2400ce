"""The MQTT seam: what the daemon asks of any client.

Two implementations: `session.py` (native trio over the sans-I/O `mqtt5` codec) and `aiomqtt_adapter.py` (MQTT
3.1.1 brokers, through trio-asyncio). One contract suite, `tests/agent/mqtt/`, runs on both.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol


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
    connect_timeout_s: float = 10.0
    backoff_first_s: float = 0.2
    backoff_max_s: float = 30.0


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
    """Messages of one subscription, in order; a bounded queue: when it is full the socket is not read."""

    def __aiter__(self) -> AsyncIterator[Message]: ...

    async def __anext__(self) -> Message: ...


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
        content_type: str = "",
        response_topic: str = "",
        correlation_data: bytes = b"",
        expiry_s: int | None = None,
        user_properties: tuple[tuple[str, str], ...] = (),
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
        content_type: str = "",
        response_topic: str = "",
        correlation_data: bytes = b"",
        expiry_s: int | None = None,
        user_properties: tuple[tuple[str, str], ...] = (),
    ) -> PublishResult:
        """`send`, then wait for its ticket."""
        ...

    async def subscribe(self, topic_filter: str, *, qos: int = 1, queue: int = 64) -> Subscription:
        """Subscribe now and after every reconnect without a session; `queue` bounds unread messages."""
        ...

    async def unsubscribe(self, topic_filter: str) -> None:
        """End a subscription."""
        ...

    async def disconnect(self) -> None:
        """Send DISCONNECT (the will is not published) and end `run`."""
        ...
