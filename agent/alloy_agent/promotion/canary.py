"""What a native module has to stand while it serves, and when that is enough. Pure: told batches and the time.

Canary: one batch of so many is run in both tiers for a while. Declines: a module that leaves too many records to
Python is not worth its place. Strikes: workers that died with it although Python alone did not.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SLOTS: Final = 20  # of the window of declines: how exactly its begin is known
MAX_STRIKES: Final = 3
STRIKES_S: Final = 600.0
AT_ONCE: Final = ("violation.", "script.crash")
"""Ends of a worker that no honest module brings about."""


class Canary:
    """Which batches are compared.

    Args:
        every: one of so many, the first included.
        left_s: for so long, in running time [s].
        now_s: monotonic clock [s].
    """

    def __init__(self, every: int, left_s: float, now_s: float) -> None:
        self.compared = 0
        self._every = every
        self._end_s = now_s + left_s
        self._batch = 0

    def take(self, now_s: float) -> bool:
        """Whether the batch of now is compared."""
        if now_s >= self._end_s:
            return False
        number, self._batch = self._batch, self._batch + 1
        return number % self._every == 0

    def left_s(self, now_s: float) -> float:
        """What is left of the window [s]."""
        return max(0.0, self._end_s - now_s)


class Declines:
    """The share of records that the module left to Python, over the last `window` records or a little more."""

    def __init__(self, limit: float, window: int) -> None:
        self._limit = limit
        self._window = window
        self._slots: deque[list[int]] = deque()  # [records, declined]
        self.records = 0
        self.declined = 0

    def add(self, records: int, declined: int) -> bool:
        """Count a batch; whether the module declines too much. Never said before a whole window was seen."""
        self.records += records
        self.declined += declined
        if not self._slots or self._slots[-1][0] * SLOTS >= self._window:
            self._slots.append([0, 0])
        self._slots[-1][0] += records
        self._slots[-1][1] += declined
        while self.records - self._slots[0][0] >= self._window:
            gone = self._slots.popleft()
            self.records -= gone[0]
            self.declined -= gone[1]
        return self.records >= self._window and self.declined > self._limit * self.records

    @property
    def rate(self) -> float:
        """Of the window so far."""
        return self.declined / self.records if self.records else 0.0


class Strikes:
    """Deaths of workers with the module that Python alone did not repeat."""

    def __init__(self) -> None:
        self._at: deque[float] = deque(maxlen=MAX_STRIKES)

    def add(self, code: str, now_s: float) -> bool:
        """Count one; whether the module has to go."""
        if code.startswith(AT_ONCE):
            return True
        self._at.append(now_s)
        return len(self._at) == MAX_STRIKES and self._at[0] > now_s - STRIKES_S
