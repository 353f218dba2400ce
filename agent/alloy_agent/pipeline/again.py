"""Asking a stage again where no worker could be had for a moment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

import trio

from alloy_agent.native import CodedError

TRIES: Final = 5
"""How often stages are asked while their worker cannot be had, before the pipeline fails."""
FIRST_S: Final = 0.1  # before the second; then twice as long each time

T = TypeVar("T")


async def again(ask: Callable[[], Awaitable[T]], on_error: Callable[[CodedError], None]) -> T:
    """What `ask` returns; called anew after an error that may be gone the next time (a zygote that died).

    Args:
        ask: does nothing where it raises.
        on_error: told of each error that does not end this.

    Raises:
        CodedError: not retryable, or the last.
    """
    delay = FIRST_S
    for _ in range(TRIES - 1):
        try:
            return await ask()
        except CodedError as error:
            if not error.retryable:
                raise
            on_error(error)
        await trio.sleep(delay)
        delay *= 2
    return await ask()
