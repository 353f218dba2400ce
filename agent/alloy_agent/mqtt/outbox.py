"""What was published and is not yet acknowledged: packet ids, order, windows. Pure; nothing here waits.

Rules (MQTT 5.0): 2.2.1 an id is free only after its acknowledgement; 4.4 after a reconnect with a session,
unacknowledged PUBLISH packets go out again in their first order with DUP and their old id; 4.9 never more
unacknowledged packets than the peer's Receive Maximum.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from ..errors import LinkError
from .codec import as_duplicate

MAX_ID = 65_535


class Pending:
    """One QoS 1 publish on its way."""

    __slots__ = ("data", "done", "error", "on_wire", "packet_id", "reason", "sent")

    def __init__(self, packet_id: int, data: bytes) -> None:
        self.packet_id = packet_id
        self.data = data
        self.sent = False  # written to some connection at least once
        self.on_wire = False  # written to this connection
        self.reason = -1
        self.error: LinkError | None = None
        self.done: Callable[[], None] | None = None  # wakes the waiting task


class Outbox:
    """Unacknowledged publishes in order.

    Args:
        capacity: most publishes held, sent or not.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._unacked: dict[int, Pending] = {}
        self._ready: deque[Pending] = deque()  # not yet sent on this connection
        self._reserved: set[int] = set()  # ids of SUBSCRIBE and UNSUBSCRIBE
        self._window = 0  # how many more may be sent now
        self._last_id = 0
        self._duplicate = False
        self.resent = 0

    def __len__(self) -> int:
        return len(self._unacked)

    @property
    def full(self) -> bool:
        """True when no more publish can be taken."""
        return len(self._unacked) >= self._capacity

    @property
    def oldest_sent(self) -> Pending | None:
        """The publish that has waited longest for its acknowledgement; None when all are answered."""
        first = next(iter(self._unacked.values()), None)
        return first if first is not None and first.on_wire else None

    def take_id(self) -> int:
        """A free packet id, kept until `free_id` or the acknowledgement."""
        candidate = self._last_id
        for _ in range(MAX_ID):
            candidate = candidate % MAX_ID + 1
            if candidate not in self._unacked and candidate not in self._reserved:
                self._last_id = candidate
                return candidate
        raise LinkError("mqtt.protocol", "no packet id is free")

    def reserve_id(self) -> int:
        """A packet id for a SUBSCRIBE or UNSUBSCRIBE."""
        packet_id = self.take_id()
        self._reserved.add(packet_id)
        return packet_id

    def free_id(self, packet_id: int) -> None:
        """The SUBSCRIBE or UNSUBSCRIBE was answered."""
        self._reserved.discard(packet_id)

    def add(self, packet_id: int, data: bytes) -> Pending:
        """Hold one encoded PUBLISH (without DUP) until it is acknowledged."""
        pending = Pending(packet_id, data)
        self._unacked[packet_id] = pending
        self._ready.append(pending)
        return pending

    def connected(self, *, session_present: bool, receive_maximum: int) -> None:
        """A new connection: everything unacknowledged goes out again, oldest first."""
        self._ready = deque(self._unacked.values())
        for pending in self._ready:
            pending.on_wire = False
        self._duplicate = session_present
        self._window = receive_maximum

    def disconnected(self) -> None:
        """Nothing may be sent until the next connection."""
        self._window = 0
        self._reserved.clear()

    def next_packets(self, max_packet_bytes: int) -> list[bytes]:
        """Packets that may be written now; a packet the peer would refuse fails instead of being sent."""
        out: list[bytes] = []
        ready = self._ready
        while ready and self._window:
            pending = ready.popleft()
            if len(pending.data) > max_packet_bytes:
                self._refuse(pending, max_packet_bytes)
                continue
            self._window -= 1
            pending.on_wire = True
            if pending.sent:
                self.resent += 1
                out.append(as_duplicate(pending.data) if self._duplicate else pending.data)
            else:
                pending.sent = True
                out.append(pending.data)
        return out

    def _refuse(self, pending: Pending, limit: int) -> None:
        del self._unacked[pending.packet_id]
        pending.error = too_large(len(pending.data), limit)
        if pending.done is not None:
            pending.done()

    def acknowledge(self, packet_id: int, reason: int) -> bool:
        """A PUBACK came; False when nothing sent has this id (the peer is confused, nothing changes)."""
        pending = self._unacked.get(packet_id)
        if pending is None or not pending.on_wire:
            return False
        del self._unacked[packet_id]
        self._window += 1
        pending.reason = reason
        if pending.done is not None:
            pending.done()
        return True

    def withdraw(self, pending: Pending) -> bool:
        """Its publisher was cancelled: forget it if it was never sent.

        Returns:
            True when it was forgotten.
        """
        if pending.sent or self._unacked.get(pending.packet_id) is not pending:
            return False
        del self._unacked[pending.packet_id]
        self._ready.remove(pending)
        return True

    def fail_all(self, error: LinkError) -> None:
        """The link ends: every waiter gets the error."""
        held = list(self._unacked.values())
        self._unacked.clear()
        self._ready.clear()
        for pending in held:
            pending.error = error
            if pending.done is not None:
                pending.done()


def too_large(length: int, limit: int) -> LinkError:
    """The error of a publish that its receiver would refuse."""
    return LinkError(
        "mqtt.packet_too_large",
        "the broker does not accept a packet of this size",
        got=f"{length} bytes",
        expected=f"at most {limit}",
        hint="send smaller batches or raise the broker's packet size limit",
    )
