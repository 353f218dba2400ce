"""Who gets a message: the subscription table and the rules of delivery. No I/O; time is handed in."""

from __future__ import annotations

import mqtt5

from ..mqtt.filters import matches
from .options import BrokerOptions, BrokerStats
from .store import Retained, Session, Stored, Subscribed

ROUTES = 1024
"""Topics whose receivers are remembered; the memory starts anew when it is full."""
SUCCESS, NO_SUBSCRIBERS, QUOTA_EXCEEDED = 0x00, 0x10, 0x97

Target = tuple[Session, int, bool, bool]
"""Receiver, granted QoS, no local, retain as published: overlapping filters merged into one copy."""


class Router:
    """All sessions, their subscriptions, and the retained messages."""

    def __init__(self, options: BrokerOptions, stats: BrokerStats) -> None:
        self.sessions: dict[str, Session] = {}
        self._stats = stats
        self._retained = Retained(options)
        self._routes: dict[str, tuple[Target, ...]] = {}

    def subscribe(self, session: Session, subscribed: Subscribed) -> bool:
        """Add or replace a subscription; True when it is new."""
        new = subscribed.topic_filter not in session.subscriptions
        session.subscriptions[subscribed.topic_filter] = subscribed
        self._routes.clear()
        return new

    def unsubscribe(self, session: Session, topic_filter: str) -> bool:
        """Remove a subscription; False when there was none."""
        self._routes.clear()
        return session.subscriptions.pop(topic_filter, None) is not None

    def forget(self, session: Session) -> None:
        """The session ended."""
        if self.sessions.get(session.client_id) is session:
            del self.sessions[session.client_id]
        self._routes.clear()

    def replay_retained(self, session: Session, subscribed: Subscribed, now: float) -> None:
        """Retained messages for a subscription just made."""
        for message in self._retained.matching(lambda topic: matches(subscribed.topic_filter, topic), now):
            qos = min(int(message.packet.qos), subscribed.qos)
            give = session.deliver if qos else session.deliver_plain
            if not give(message, now, retain=True):
                self._stats.dropped += 1

    def targets(self, topic: str) -> tuple[Target, ...]:
        """Receivers of a topic."""
        found = self._routes.get(topic)
        if found is None:
            if len(self._routes) >= ROUTES:
                self._routes.clear()
            found = self._routes[topic] = tuple(self._find(topic))
        return found

    def _find(self, topic: str) -> list[Target]:
        found: list[Target] = []
        for session in self.sessions.values():
            hits = [s for s in session.subscriptions.values() if matches(s.topic_filter, topic)]
            if hits:
                found.append(
                    (
                        session,
                        max(hit.qos for hit in hits),
                        all(hit.no_local for hit in hits),
                        any(hit.retain_as_published for hit in hits),
                    )
                )
        return found

    def blocked(self, packet: mqtt5.PublishPacket) -> Session | None:
        """A connected receiver whose queue is full and who is still worth waiting for."""
        for session, qos, _, _ in self.targets(packet.topic):
            if qos and session.full and session.send is not None and not session.stalled:
                return session
        return None

    def publish(self, packet: mqtt5.PublishPacket, sender: Session | None, now: float) -> int:
        """Give the message to everybody who wants it.

        Returns:
            The reason for the PUBACK: success, no matching subscribers, or quota exceeded (nobody had room).
        """
        message = Stored(packet, now)
        kept = not packet.retain or self._retained.keep(message)
        taken = refused = 0
        firm = int(packet.qos) > 0
        for session, qos, no_local, as_published in self.targets(packet.topic):
            if no_local and session is sender:
                continue
            give = session.deliver if firm and qos else session.deliver_plain
            if give(message, now, retain=packet.retain and as_published):
                taken += 1
            elif firm and qos:
                refused += 1
        self._stats.delivered += taken
        self._stats.dropped += refused
        if (refused and not taken) or not kept:
            return QUOTA_EXCEEDED
        if not taken:
            self._stats.unclaimed += 1
        return SUCCESS if taken else NO_SUBSCRIBERS
