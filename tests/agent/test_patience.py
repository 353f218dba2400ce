"""Another process is given its time in which the core ran too: a host that stands still is nobody's fault."""

from __future__ import annotations

import os
import signal
import time

import pytest
import trio
import trio.testing
from tests.fakes.stages import HEAD, values, with_stage
from trio.testing import MockClock

from alloy_agent.config.model import Workers
from alloy_agent.patience import within
from alloy_agent.workers.transform import TransformStage, WorkerPool

WALL_S = 1.0


def test_an_answer_is_taken_when_the_host_stood_still_past_the_limit() -> None:
    clock = MockClock()
    answer = trio.Event()

    async def standstill() -> None:
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(100)
        await trio.testing.wait_all_tasks_blocked()
        answer.set()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(standstill)
            await within(10, answer.wait)

    trio.run(main, clock=clock)


def test_too_slow_is_raised_when_the_time_has_passed() -> None:
    async def main() -> float:
        with pytest.raises(trio.TooSlowError):
            await within(10, trio.sleep_forever)
        return trio.current_time()

    clock = MockClock(autojump_threshold=0)
    assert trio.run(main, clock=clock) == pytest.approx(10)


@pytest.mark.slow
def test_no_worker_is_killed_when_the_host_stood_still_over_its_batch() -> None:
    async def standstill(pid: int) -> None:
        os.kill(pid, signal.SIGSTOP)
        await trio.sleep(0.01)  # the batch is asked
        time.sleep(1.2 * WALL_S)  # noqa: ASYNC251 - nothing of the host runs
        os.kill(pid, signal.SIGCONT)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run([[b"1"]], 1)  # the first call has longer

        async with trio.open_nursery() as nursery:
            nursery.start_soon(standstill, stage.pid)
            await trio.testing.wait_all_tasks_blocked()
            reply = await stage.run([[b"2"]], 1)

        assert values(reply) == [2]
        assert stage.accounting.deaths == 0

    wall_ms = int(WALL_S * 1000)
    workers = Workers(max=1, wall_ms=wall_ms, first_wall_ms=wall_ms)
    with_stage(HEAD + "def transform(payload):\n    return {'v': int(payload)}\n", body, workers=workers)
