"""The supervisor: one nursery per pipeline; what fails is started again, and never stops another.

This is the only broad handler of the daemon. Cancellation always passes through.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Protocol

import trio

from alloy_agent.native import CodedError
from alloy_agent.patience import within
from alloy_agent.pipeline.records import PipelineStats

from . import logs

LOG = logs.get("supervisor")

FIRST_DELAY_S = 0.5
MAX_DELAY_S = 30.0
CALM_S = 60.0
"""A pipeline that ran this long starts over with the first delay."""


class Running(Protocol):
    """What the supervisor keeps alive."""

    name: str
    state: str
    reason: str
    stats: PipelineStats

    def stop(self) -> None:
        """Ask for a clean end."""
        ...

    async def run(self) -> None:
        """Run until stopped and drained."""
        ...


def describe(error: BaseException) -> str:
    """One line for status and logs; exception groups name their first cause."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) if isinstance(error, CodedError) else f"{type(error).__name__}: {error}"


async def keep(pipeline: Running, stopping: trio.Event) -> bool:
    """Run one pipeline until it is stopped; start it again after a failure, with growing delays.

    A pipeline that waits to be started again when the stop comes gets one more run, to finish what it holds.

    Returns:
        True when it ended drained.
    """
    delay = FIRST_DELAY_S
    while True:
        begun = trio.current_time()
        last = stopping.is_set()
        try:
            await pipeline.run()
        except Exception as error:  # the supervisor is where failures end
            pipeline.state, pipeline.reason = "failed", describe(error)
            pipeline.stats.restarts += 1
            LOG.error("pipeline.failed", pipeline=pipeline.name, error=pipeline.reason)
        else:
            return True
        if last:
            return False
        if trio.current_time() - begun > CALM_S:
            delay = FIRST_DELAY_S
        with trio.move_on_after(delay):
            await stopping.wait()
        delay = min(delay * 2, MAX_DELAY_S)


async def supervise(pipelines: Sequence[Running], stopping: trio.Event, drain_s: float) -> bool:
    """Run all pipelines until `stopping` is set and they have drained.

    Returns:
        False when a pipeline could not finish what it held, or not within `drain_s`, and what was left was
        cancelled; inputs that were not acknowledged are asked for again at the next start.
    """
    finished = trio.Event()
    drained: list[bool] = []

    async def one(pipeline: Running) -> None:
        drained.append(await keep(pipeline, stopping))

    async def until_all_ended() -> None:
        async with trio.open_nursery() as each:
            for pipeline in pipelines:
                each.start_soon(one, pipeline)
        finished.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(until_all_ended)
        await stopping.wait()
        for pipeline in pipelines:
            pipeline.stop()
        with contextlib.suppress(trio.TooSlowError):
            await within(drain_s, finished.wait)
        nursery.cancel_scope.cancel()
    return finished.is_set() and all(drained)
