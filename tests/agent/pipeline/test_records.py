"""A pipeline of records acknowledges an input only when all that came of it is safe, and takes none up twice."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import cbor2
import pytest
import trio
from tests.agent.pipeline.making import (
    BUSY,
    FORBIDDEN,
    LocalStage,
    MemorySink,
    NumberSource,
    Row,
    contract,
)
from trio.testing import MockClock

from alloy_agent.core.supervisor import keep, supervise
from alloy_agent.errors import AgentError, TransformDisabledError, WorkerError
from alloy_agent.pipeline.deadletter import DeadLetters, Letter
from alloy_agent.pipeline.outlet import Outlet
from alloy_agent.pipeline.queue import BatchLimits
from alloy_agent.pipeline.records import RecordPipeline
from alloy_agent.pipeline.routes import Route
from alloy_agent.pipeline.window import Retry, Window
from alloy_transforms.sandbox.contract import Field
from alloy_transforms.wire import cbor

NUMBER = contract("number", [("payload", "bytes")], Field("v", "i64"))
DISABLED = TransformDisabledError("transform.disabled", "out of use")
GONE = WorkerError("worker.zygote", "the zygote is gone", retryable=True)


def number(payload: object) -> list[Row]:
    assert isinstance(payload, bytes)
    return [{"v": int(payload)}]


def odd_only(payload: object) -> list[Row]:
    assert isinstance(payload, bytes)
    if int(payload) % 2 == 0:
        raise ValueError("even")
    return [{"v": int(payload)}]


class Bench:
    """A pipeline with everything around it in memory, its dead letters in a folder."""

    def __init__(
        self,
        folder: Path,
        source: NumberSource,
        stages: Sequence[LocalStage],
        *sinks: MemorySink,
        retry: Retry | None = None,
        drop: bool = False,
        window_bytes: int = 1 << 20,
        rows: int = 10,
    ) -> None:
        self.source = source
        self.sink = sinks[0]
        self.news: list[Letter] = []
        pairs = [(sink, cbor) for sink in sinks]
        chain = [stage.contract for stage in stages]
        outlet = Outlet(chain, ["sandbox"] * len(chain), "test", "test", {}, pairs, cbor.sid, 0)  # type: ignore[arg-type]
        self.letters = DeadLetters(folder, "p", 1 << 20)
        self.window = Window(sinks, window_bytes, retry or Retry(attempts=2))
        self.pipeline = RecordPipeline(
            "p",
            source,
            Route(stages, outlet),
            self.window,
            self.letters,
            BatchLimits(rows=rows, wait_s=0),
            self.news.extend,
            drop_refused=drop,
        )

    def raw(self) -> list[bytes]:
        """What the dead letters hold."""
        if not self.letters.path.exists():
            return []
        out = []
        with self.letters.path.open("rb") as file:
            while file.peek(1):  # type: ignore[attr-defined]
                out.append(cbor2.load(file))
        return [letter["raw"] for letter in out]

    def run(self, body: Callable[[], Awaitable[None]]) -> bool:
        """Supervise until the body is through, then stop. Virtual time runs on while a thread writes a file."""
        drained = False

        async def main() -> None:
            nonlocal drained
            stopping = trio.Event()

            async def then_stop() -> None:
                await body()
                stopping.set()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(then_stop)
                drained = await supervise([self.pipeline], stopping, math.inf)

        trio.run(main, clock=MockClock(autojump_threshold=0))
        return drained


async def a_while() -> None:
    await trio.sleep(5)


def test_every_input_is_delivered_and_acknowledged_in_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NumberSource(range(100)), [LocalStage(NUMBER, number)], MemorySink())

    assert bench.run(a_while)

    assert bench.sink.numbers() == list(range(100))
    assert bench.source.acknowledged == list(range(100))
    assert bench.pipeline.state == "stopped"


def test_nothing_is_acknowledged_while_the_sink_has_not_answered(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, NumberSource(range(30)), [LocalStage(NUMBER, number)], MemorySink("wait", "wait", "wait")
    )

    async def body() -> None:
        await trio.sleep(5)
        bench.sink.slips[1].settle()
        await trio.sleep(5)
        assert bench.source.acknowledged == []
        bench.sink.slips[0].settle()
        await trio.sleep(5)
        assert bench.source.acknowledged == list(range(20))
        bench.sink.slips[2].settle()

    assert bench.run(body)
    assert bench.source.acknowledged == list(range(30))


def test_refused_inputs_are_acknowledged_once_their_letters_are_on_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NumberSource(range(20)), [LocalStage(NUMBER, odd_only)], MemorySink())

    assert bench.run(a_while)

    assert bench.sink.numbers() == list(range(1, 20, 2))
    assert bench.raw() == [str(n).encode() for n in range(0, 20, 2)]
    assert bench.source.acknowledged == list(range(20))
    assert bench.pipeline.stats.by_code == {"data.value": 10}
    assert [letter.line for letter in bench.news] == [7] * 10


def test_acknowledgements_wait_when_the_disk_for_dead_letters_is_full(tmp_path: Path) -> None:
    folder = tmp_path / "dlq"
    folder.write_bytes(b"")  # a file where the folder should be: nothing can be written
    bench = Bench(folder, NumberSource(range(20)), [LocalStage(NUMBER, odd_only)], MemorySink())

    async def body() -> None:
        while "store.write" not in bench.letters.trouble:  # noqa: ASYNC110 - the write is in a thread
            await trio.sleep(1)
        assert bench.source.acknowledged == []
        folder.unlink()
        while len(bench.source.acknowledged) < 20:  # noqa: ASYNC110 - the write is in a thread, time is virtual
            await trio.sleep(1)
        assert bench.source.acknowledged == list(range(20))
        assert bench.letters.trouble == ""

    assert bench.run(body)
    assert len(bench.raw()) == 10
    assert bench.letters.lost == 0


def test_a_source_that_cannot_be_asked_goes_on_when_letters_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "dlq"
    folder.write_bytes(b"")
    source = NumberSource(range(20), can_acknowledge=False)
    bench = Bench(folder, source, [LocalStage(NUMBER, odd_only)], MemorySink())

    assert bench.run(a_while)

    assert bench.sink.numbers() == list(range(1, 20, 2))
    assert bench.letters.lost == 10


def test_refused_inputs_leave_no_letter_when_they_are_to_be_dropped(tmp_path: Path) -> None:
    bench = Bench(tmp_path, NumberSource(range(20)), [LocalStage(NUMBER, odd_only)], MemorySink(), drop=True)

    assert bench.run(a_while)

    assert bench.raw() == []
    assert bench.source.acknowledged == list(range(20))
    assert bench.pipeline.stats.refused == 10


def test_inputs_of_a_refused_block_become_letters_and_the_others_do_not(tmp_path: Path) -> None:
    sink = MemorySink(None, FORBIDDEN, None)
    bench = Bench(tmp_path, NumberSource(range(30)), [LocalStage(NUMBER, number)], sink)

    assert bench.run(a_while)

    assert bench.raw() == [str(n).encode() for n in range(10, 20)]
    assert bench.source.acknowledged == list(range(30))
    assert bench.pipeline.stats.by_code == {"sink.refused": 10}


def test_letters_of_stage_and_sink_are_both_kept(tmp_path: Path) -> None:
    sink = MemorySink(BUSY, BUSY, BUSY)
    bench = Bench(tmp_path, NumberSource(range(10)), [LocalStage(NUMBER, odd_only)], sink)

    assert bench.run(a_while)

    assert sorted(bench.raw()) == sorted(str(n).encode() for n in range(10))
    assert bench.pipeline.stats.by_code == {"data.value": 5, "sink.refused": 5}


def test_a_disabled_transform_holds_back_what_can_be_asked_again(tmp_path: Path) -> None:
    stage = LocalStage(NUMBER, number)
    stage.failing = [DISABLED] * 9
    bench = Bench(tmp_path, NumberSource(range(100)), [stage], MemorySink())

    async def body() -> None:
        await trio.sleep(100)
        assert bench.pipeline.state == "disabled"
        assert "transform.disabled" in bench.pipeline.reason
        assert len(bench.pipeline.queue) <= bench.pipeline.queue.max_inputs

    bench.run(body)
    assert bench.source.acknowledged == []
    assert bench.raw() == []
    assert bench.pipeline.stats.restarts == 0


def test_a_disabled_transform_keeps_raw_what_cannot_be_asked_again(tmp_path: Path) -> None:
    stage = LocalStage(NUMBER, number)
    stage.failing = [DISABLED] * 9
    bench = Bench(tmp_path, NumberSource(range(30), can_acknowledge=False), [stage], MemorySink())

    assert bench.run(a_while)

    assert bench.raw() == [str(n).encode() for n in range(30)]


def test_a_batch_is_asked_again_when_no_worker_can_be_had(tmp_path: Path) -> None:
    stage = LocalStage(NUMBER, number)
    stage.failing = [GONE] * 12
    bench = Bench(tmp_path, NumberSource(range(30)), [stage], MemorySink())

    async def body() -> None:
        await trio.sleep(60)

    assert bench.run(body)
    assert bench.sink.numbers() == list(range(30))
    assert bench.source.acknowledged == list(range(30))
    assert bench.pipeline.stats.restarts == 2  # five tries each time


def test_a_batch_is_given_up_when_the_pipeline_fails_over_it_again_and_again(tmp_path: Path) -> None:
    stage = LocalStage(NUMBER, number)
    stage.failing = [RuntimeError("our own fault")] * 3
    bench = Bench(tmp_path, NumberSource(range(30)), [stage], MemorySink())

    async def body() -> None:
        await trio.sleep(60)

    assert bench.run(body)
    assert bench.raw() == [str(n).encode() for n in range(10)]
    assert bench.sink.numbers() == list(range(10, 30))
    assert bench.source.acknowledged == list(range(30))
    assert bench.pipeline.stats.by_code == {"pipeline.given_up": 10}


def test_no_stage_counts_an_input_twice_when_a_later_stage_fails(tmp_path: Path) -> None:
    first = LocalStage(NUMBER, number)
    second = LocalStage(contract("second", [("v", "int")], Field("w", "i64")), lambda v: [{"w": v}])
    second.failing = [GONE] * 8  # more than one run of the pipeline
    bench = Bench(tmp_path, NumberSource(range(10)), [first, second], MemorySink())

    async def body() -> None:
        await trio.sleep(60)

    assert bench.run(body)
    assert bench.sink.numbers() == list(range(10))
    assert (first.calls, second.calls) == (1, 1)


def test_no_stage_runs_when_a_descriptor_cannot_be_announced(tmp_path: Path) -> None:
    stage = LocalStage(NUMBER, number)
    sink = MemorySink()
    sink.full = AgentError("sink.write", "the disk is full", retryable=True)
    bench = Bench(tmp_path, NumberSource(range(10)), [stage], sink)

    async def body() -> None:
        await trio.sleep(60)
        assert stage.calls == 0
        sink.full = None
        await trio.sleep(60)

    assert bench.run(body)
    assert stage.calls == 1
    assert bench.sink.numbers() == list(range(10))


@pytest.mark.parametrize("at", [0, 1, 3, 6, 10, 15, 25])
def test_every_input_is_delivered_once_when_the_pipeline_fails_somewhere(tmp_path: Path, at: int) -> None:
    """The pipeline is cancelled after some scheduler steps, as a failing sibling task would do it, and restarted."""
    stage = LocalStage(NUMBER, number)
    bench = Bench(tmp_path, NumberSource(range(60), step=7), [stage], MemorySink(), window_bytes=700)

    async def main() -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(bench.pipeline.run)
                for _ in range(at):
                    await trio.lowlevel.checkpoint()
                scope.cancel()
        stopping = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep, bench.pipeline, stopping)
            await trio.sleep(10)
            bench.pipeline.stop()

    trio.run(main, clock=MockClock(autojump_threshold=0))

    assert bench.sink.numbers() == list(range(60))
    assert bench.source.acknowledged == list(range(60))


def test_a_source_that_fails_is_started_again_and_costs_no_batch_a_try(tmp_path: Path) -> None:
    source = NumberSource(range(30))
    source.failing = [AgentError("mqtt.subscribe_refused", "no")] * 5
    bench = Bench(tmp_path, source, [LocalStage(NUMBER, number)], MemorySink())

    async def body() -> None:
        await trio.sleep(100)

    assert bench.run(body)
    assert bench.sink.numbers() == list(range(30))
    assert bench.pipeline.stats.restarts == 5


def test_what_was_taken_is_delivered_when_the_stop_comes(tmp_path: Path) -> None:
    sink = MemorySink(*["wait"] * 100)
    source = NumberSource(range(400), step=200, can_acknowledge=False)
    bench = Bench(tmp_path, source, [LocalStage(NUMBER, number)], sink, window_bytes=2000)

    async def body() -> None:
        await trio.sleep(1)  # everything is full: window, queue, and an emit that waits

    async def answer() -> None:
        await trio.sleep(2)
        while True:
            for slip in sink.slips:
                slip.settle()
            await trio.sleep(0.1)

    async def main() -> None:
        stopping = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(answer)

            async def later() -> None:
                await body()
                stopping.set()

            nursery.start_soon(later)
            assert await supervise([bench.pipeline], stopping, 30)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))

    taken = 400 - len(source._left)
    assert sink.numbers() == list(range(taken))
    assert taken >= 200
