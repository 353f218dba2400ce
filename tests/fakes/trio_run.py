"""Run an async test in trio under a deadline: no test waits for ever, and none needs a plugin."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec

import trio

P = ParamSpec("P")
DEADLINE_S = 90.0  # a host may stand still for seconds and be slow between


def in_trio(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Decorate an async test."""

    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            with trio.fail_after(DEADLINE_S):
                await test(*args, **kwargs)

        trio.run(main)

    return run


async def until(condition: Callable[[], bool], *, step_s: float = 0.002) -> None:
    """Return once the condition holds; the test's deadline bounds it."""
    while not condition():  # noqa: ASYNC110 - any condition, not only events
        await trio.sleep(step_s)
