"""How long to wait before the next connection: exponential, full jitter, pure."""

from __future__ import annotations

from collections.abc import Callable

FLOOR_S = 0.01
"""Never spin, whatever the dice say."""
STEADY_S = 5.0
"""A connection that lived this long was a good one: start again from the first step."""


class Backoff:
    """Full jitter: a random part of a step that doubles up to a maximum.

    Args:
        first_s: first step [s].
        max_s: largest step [s].
        dice: returns a number in [0, 1).
    """

    def __init__(self, first_s: float, max_s: float, dice: Callable[[], float]) -> None:
        self._first = first_s
        self._max = max_s
        self._dice = dice
        self._step = first_s

    def next_s(self, *, slow: bool = False) -> float:
        """Pause before the next attempt [s]; `slow` (a lasting refusal): half to all of the maximum."""
        if slow:
            return max(FLOOR_S, self._max * (0.5 + 0.5 * self._dice()))
        step = self._step
        self._step = min(step * 2, self._max)
        return max(FLOOR_S, step * self._dice())

    def lived(self, seconds: float) -> None:
        """Tell how long the last connection was up."""
        if seconds >= STEADY_S:
            self._step = self._first
