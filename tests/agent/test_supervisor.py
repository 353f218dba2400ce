"""A failing pipeline is started again with growing delays and never stops another."""

from __future__ import annotations

import trio
from trio.testing import MockClock

from alloy_agent.core.supervisor import supervise
from alloy_agent.errors import AgentError
from alloy_agent.pipeline.records import PipelineStats


class Flaky:
    """Fails `failures` times, then runs until stopped."""

    def __init__(self, name: str, failures: int, *, deaf: bool = False) -> None:
        self.name = name
        self.state = ""
        self.reason = ""
        self.stats = PipelineStats()
        self.starts: list[float] = []
        self._failures = failures
        self._deaf = deaf
        self._stop = trio.Event()

    def stop(self) -> None:
        self._stop.set()

    async def run(self) -> None:
        self.starts.append(trio.current_time())
        if len(self.starts) <= self._failures:
            raise AgentError("sink.write", "the disk is full", retryable=True)
        self.state = "running"
        if self._deaf:
            await trio.sleep_forever()
        await self._stop.wait()


def run(*pipelines: Flaky, for_s: float) -> bool:
    async def main() -> bool:
        stopping = trio.Event()

        async def later() -> None:
            await trio.sleep(for_s)
            stopping.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(later)
            return await supervise(pipelines, stopping, drain_s=3)

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def test_a_pipeline_is_started_again_when_it_failed_and_the_other_runs_on() -> None:
    flaky, steady = Flaky("flaky", 3), Flaky("steady", 0)

    drained = run(flaky, steady, for_s=60)

    assert drained
    assert flaky.stats.restarts == 3
    assert len(steady.starts) == 1
    gaps = [b - a for a, b in zip(flaky.starts, flaky.starts[1:], strict=False)]
    assert gaps == [0.5, 1.0, 2.0]


def test_stop_is_prompt_when_a_pipeline_waits_to_be_started_again() -> None:
    broken = Flaky("broken", 10_000)

    assert not run(broken, for_s=100)

    assert broken.starts[-1] == 100  # one last try to finish what it holds


def test_the_end_is_clean_when_the_last_try_succeeds() -> None:
    late = Flaky("late", 7)  # fails at 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5; next would be 61.5

    assert run(late, for_s=40)

    assert late.starts[-1] == 40


def test_the_drain_ends_when_a_pipeline_does_not_listen() -> None:
    assert not run(Flaky("deaf", 0, deaf=True), for_s=1)
