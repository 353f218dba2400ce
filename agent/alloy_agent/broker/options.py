"""Limits of the demo broker, and the faults it can play."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from ..errors import BrokerError


@dataclass(frozen=True, slots=True)
class BrokerOptions:
    """Every bound of the broker. It refuses to listen on anything but loopback."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free port
    max_clients: int = 64
    max_sessions: int = 256
    max_subscriptions: int = 256  # of one session
    max_packet_bytes: int = 1 << 20
    receive_maximum: int = 256  # publishes of one client not yet acknowledged by us
    queue_messages: int = 1000  # waiting for one client
    queue_bytes: int = 8 << 20
    retained_messages: int = 10_000
    retained_bytes: int = 16 << 20
    max_session_expiry_s: int = 86_400
    connect_timeout_s: float = 5.0
    stall_s: float = 5.0  # a publisher waits this long for a connected consumer whose queue is full
    credentials: tuple[str, bytes] | None = None  # the one user; None: everybody may connect

    def __post_init__(self) -> None:
        try:
            loopback = self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise BrokerError(
                "broker.address",
                "this broker is for demo and tests and listens on loopback only",
                got=self.host,
                expected="127.0.0.1, ::1 or localhost",
                hint="use mosquitto or another production broker",
            )
        limits = (self.max_clients, self.max_sessions, self.max_subscriptions, self.queue_messages)
        if not 0 <= self.port <= 65_535 or min(limits) < 1 or not 1 <= self.receive_maximum <= 65_535:
            raise BrokerError("broker.option", "a broker option is out of range", where="BrokerOptions")


@dataclass(slots=True)
class Faults:
    """What goes wrong on purpose; may be changed while the broker runs.

    Attributes:
        drop_after: cut a connection when its n-th PUBLISH came, after routing and before its PUBACK; 0 never.
        drops: how many connections may still be cut this way; -1 without end.
        delay_puback_s: hold every PUBACK this long.
        reason16: say "no matching subscribers" to every publish, and give it to nobody.
        wrong_ids: this many PUBACKs still go out with a packet id that nobody used.
    """

    drop_after: int = 0
    drops: int = -1
    delay_puback_s: float = 0.0
    reason16: bool = False
    wrong_ids: int = 0

    def __post_init__(self) -> None:
        if self.drop_after < 0 or self.drop_after == 1 or self.delay_puback_s < 0 or self.wrong_ids < 0:
            raise BrokerError(
                "broker.option",
                "a fault is out of range",
                expected="drop after 2 or more publishes (after 1 nothing would ever be acknowledged)",
            )


@dataclass(slots=True)
class BrokerStats:
    """Counters of the broker."""

    connects: int = 0
    received: int = 0
    delivered: int = 0
    dropped: int = 0  # QoS 0 to a slow client, QoS 1 to a full queue
    unclaimed: int = 0  # publishes without any subscriber
    faults: int = 0
