"""Waiting for the answer to one publish: cheap enough for one on every message."""

from __future__ import annotations

import trio

from .link import PublishResult
from .outbox import Pending


class Ticket:
    """A `PublishTicket`; may be waited for late, again, or by several tasks."""

    __slots__ = ("_seen", "_tasks", "pending")

    def __init__(self, pending: Pending, *, seen: bool = True) -> None:
        self.pending = pending
        self._seen = seen  # the client can see reason codes
        self._tasks: list[trio.lowlevel.Task] = []

    def _wake(self) -> None:
        for task in self._tasks:
            trio.lowlevel.reschedule(task)
        self._tasks.clear()

    async def wait(self) -> PublishResult:
        """Return when the PUBACK came, across reconnects.

        Raises:
            LinkError: `mqtt.packet_too_large` (a new connection has a smaller limit), `mqtt.closed`.
        """
        pending = self.pending
        if pending.reason < 0 and pending.error is None:
            task = trio.lowlevel.current_task()
            self._tasks.append(task)
            pending.done = self._wake

            def abandon(_: object) -> trio.lowlevel.Abort:
                self._tasks.remove(task)
                return trio.lowlevel.Abort.SUCCEEDED

            await trio.lowlevel.wait_task_rescheduled(abandon)
        else:
            await trio.lowlevel.checkpoint_if_cancelled()
        if pending.error is not None:
            raise pending.error
        return PublishResult(pending.reason, self._seen)


def _written() -> Ticket:
    pending = Pending(0, b"")
    pending.sent = True
    pending.reason = 0
    return Ticket(pending)


WRITTEN = _written()
"""The ticket of every QoS 0 publish: there is nothing to wait for."""
