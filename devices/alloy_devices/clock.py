"""The host's clock and how far it can be trusted.

The standard library cannot ask the kernel for its clock status, so this reads what time services leave
behind. What cannot be proved is `free`; a date before this program was written is `unset`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from alloy_transforms.record import ClockState

EARLIEST_NS = 1_767_225_600 * 1_000_000_000  # 2026-01-01 UTC: no record can be older than the program
RECHECK_NS = 10 * 1_000_000_000  # how long an answer is kept
TIMESYNCD = "/run/systemd/timesync/synchronized"  # exists while systemd-timesyncd has had a good answer


class HostClock:
    """UTC, monotonic time and the clock's state; the paths and clocks are parameters for tests."""

    def __init__(
        self,
        *,
        synchronized: str = TIMESYNCD,
        utc_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.utc_ns = utc_ns
        self.monotonic_ns = monotonic_ns
        self._synchronized = synchronized
        self._state = ClockState.UNSET
        self._asked_ns: int | None = None

    def state(self) -> ClockState:
        """Where the time comes from; the file system is asked at most every ten seconds."""
        if self.utc_ns() < EARLIEST_NS:
            self._asked_ns = None
            return ClockState.UNSET
        now_ns = self.monotonic_ns()
        if self._asked_ns is None or now_ns - self._asked_ns >= RECHECK_NS:
            self._asked_ns = now_ns
            self._state = ClockState.NTP if os.path.exists(self._synchronized) else ClockState.FREE
        return self._state


def utc_ns() -> int:
    """Nanoseconds since 1970-01-01 UTC by the host's clock."""
    return time.time_ns()
