"""Which inputs of a batch a transform worker is asked for next; finds the one that kills. Pure.

a range is answered              -> the next range
a worker dies over it once       -> the same range again (the world may have been at fault)
it dies over it again            -> halves, each asked once, down to the one input that kills
`kills` reached, or a violation  -> everything not answered is given up
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

MAX_KILLS = 24  # worker deaths one batch may cost; at 250 ms each a batch holds its pipeline for 6 s at most
MAX_INPUTS_PER_REQUEST = 4096


@dataclass(frozen=True, slots=True)
class Given:
    """Inputs `start` to `stop` that will never be answered, and why."""

    start: int
    stop: int
    code: str
    message: str


class Offers:
    """The inputs 0 to `n` of one batch, in order, until each is answered or given up."""

    def __init__(self, n: int, kills: int = MAX_KILLS) -> None:
        starts = range(0, n, MAX_INPUTS_PER_REQUEST)
        self._ranges = deque((at, min(at + MAX_INPUTS_PER_REQUEST, n), True) for at in starts)
        self._kills_left = kills
        self.kills = 0
        self.given_up: list[Given] = []

    def next(self) -> tuple[int, int] | None:
        """The range to ask for; None when all is done."""
        return self._ranges[0][:2] if self._ranges else None

    def answered(self, count: int) -> None:
        """The first `count` inputs of the range were answered."""
        start, stop, _ = self._ranges.popleft()
        if start + count < stop:
            self._ranges.appendleft((start + count, stop, True))

    def too_large(self, message: str) -> None:
        """The range does not fit one request; nothing was asked."""
        start, stop, again = self._ranges.popleft()
        if stop - start == 1:
            self.given_up.append(Given(start, stop, "data.length", message))
        else:
            self._halve(start, stop, again)

    def died(self, code: str, message: str) -> None:
        """The worker ended before it answered the range."""
        self.kills += 1
        self._kills_left -= 1
        start, stop, again = self._ranges.popleft()
        if code.startswith("violation.") or self._kills_left <= 0:
            end = self._ranges[-1][1] if self._ranges else stop
            self._ranges.clear()
            self.given_up.append(Given(start, end, code, message))
        elif again:
            self._ranges.appendleft((start, stop, False))
        elif stop - start == 1:
            self.given_up.append(Given(start, stop, code, message))
        else:
            self._halve(start, stop, False)

    def _halve(self, start: int, stop: int, again: bool) -> None:
        middle = (start + stop) // 2
        self._ranges.appendleft((middle, stop, again))
        self._ranges.appendleft((start, middle, again))
