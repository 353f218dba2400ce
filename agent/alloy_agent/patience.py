"""A limit on how long the core waits for another process, in time in which the core itself ran.

A host can stand still for seconds: a virtual machine is moved, a card swallows its writes. Its clock goes on, so a
plain deadline has passed when everything wakes, although nobody had the time to answer; and in the moment of waking
a deadline wins against an answer that is there. So the wait is cut into slices, and a slice counts as one however
long it took: a standstill costs a slice, not the limit.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

SLICES: Final = 5

T = TypeVar("T")


async def within(limit_s: float, wait: Callable[[], Awaitable[T]]) -> T:
    """What `wait` returns.

    Args:
        limit_s: time for it [s].
        wait: may be cancelled and called again: what it had before must not be lost.

    Raises:
        trio.TooSlowError: it took longer.
    """
    for _ in range(SLICES):
        with trio.move_on_after(limit_s / SLICES):
            return await wait()
    raise trio.TooSlowError
