"""`time` of a board: what CPython's has, and ticks that wrap around as on boards.

The time of day is CPython's. Boards count it from 1970 or from 2000, most in whole seconds: a program that must be the
same everywhere does not ask for it.
"""

from __future__ import annotations

import time
import types
from typing import TYPE_CHECKING

from .names import superset

if TYPE_CHECKING:
    from .board import Board

PERIOD = 1 << 30  # where ticks wrap around on boards with 32-bit words
HALF = PERIOD // 2


def ticks_add(ticks: int, delta: int) -> int:
    """The ticks `delta` later; it must be less than half a period, as on boards."""
    if not -HALF < delta < HALF:
        raise OverflowError("ticks interval overflow")
    return (ticks + delta) % PERIOD


def ticks_diff(end: int, start: int) -> int:
    """How much later `end` is than `start`, within half a period to either side."""
    return (end - start + HALF) % PERIOD - HALF


def module(board: Board) -> types.ModuleType:
    """`time`."""

    def ticks_us() -> int:
        return board.clock.now_us() % PERIOD

    def ticks_ms() -> int:
        return board.clock.now_us() // 1000 % PERIOD

    def sleep(seconds: float) -> None:
        board.clock.sleep_us(int(seconds * 1e6))

    def sleep_ms(ms: int) -> None:
        board.clock.sleep_us(ms * 1000)

    def sleep_us(us: int) -> None:
        board.clock.sleep_us(us)

    own = (ticks_add, ticks_diff, ticks_us, ticks_ms, sleep, sleep_ms, sleep_us)
    return superset(time, **{function.__name__: function for function in own})
