"""The clock of a stand-in board: the machine's own, or one that a test moves."""

from __future__ import annotations

import select
import time
from collections.abc import Callable


class Clock:
    """The machine's monotonic clock."""

    def now_us(self) -> int:
        """Time since some moment [us]."""
        return time.monotonic_ns() // 1000

    def sleep_us(self, us: int) -> None:
        """Sleep; a negative time does not."""
        time.sleep(max(0, us) / 1e6)

    def readable(self, fd: int, within_us: int) -> bool:
        """Whether there is something to read, or the other side hung up; waits for it."""
        poller = select.poll()
        poller.register(fd, select.POLLIN)
        return bool(poller.poll(max(0, within_us) / 1000))


class FakeClock(Clock):
    """A clock that stands still until somebody sleeps or `sleep_us` is called from outside.

    Args:
        start_us: first reading [us].
        on_sleep: called with the new time after each sleep; where a test feeds a port or a broker.
    """

    def __init__(self, start_us: int = 0, on_sleep: Callable[[int], None] | None = None) -> None:
        self._now_us = start_us
        self._on_sleep = on_sleep

    def now_us(self) -> int:
        """See `Clock.now_us`."""
        return self._now_us

    def sleep_us(self, us: int) -> None:
        """See `Clock.sleep_us`."""
        self._now_us += max(0, us)
        if self._on_sleep is not None:
            self._on_sleep(self._now_us)

    def readable(self, fd: int, within_us: int) -> bool:
        """See `Clock.readable`; what is not there at once may come while the time passes."""
        if super().readable(fd, 0):
            return True
        self.sleep_us(within_us)
        return super().readable(fd, 0)
