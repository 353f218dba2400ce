"""A file settles as done only when every sink has every block of it and its manifest."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest
import trio
from tests.agent.pipeline.making import BUSY, FORBIDDEN, MemorySink
from tests.transforms.wire_records import FIELD, field_chunk
from trio.testing import MockClock

from alloy_agent.errors import AgentError, TransformDisabledError, WorkerError
from alloy_agent.pipeline.arrays import ArrayStep
from alloy_agent.pipeline.chain import StageReply
from alloy_agent.pipeline.deadletter import DeadLetters
from alloy_agent.pipeline.filejobs import FilePipeline, Item
from alloy_agent.pipeline.window import Retry, Window
from alloy_devices.errors import FormatError
from alloy_devices.source import EmitFile, FileInput, SourceStats
from alloy_transforms.record import ClockState, Column, Level, Manifest
from alloy_transforms.sandbox.contract import Contract, Field, Profile
from alloy_transforms.wire import cbor

SID = cbor.sid(FIELD)
RATE = Contract(
    "rate", "", Profile.PORTABLE, "0" * 64, (("x", "float"),), (Field("rate", "f64", optional=True),), False,
    needs=("array",), elementwise=True,
)  # fmt: skip
CHUNK = field_chunk(Level.PACKED)


class OneFile:
    """Offers one file; keeps what it is told."""

    def __init__(self) -> None:
        self.name = "files"
        self.stats = SourceStats()
        self.outcomes: list[str] = []

    async def run(self, emit: EmitFile) -> None:
        fd = os.open("/dev/null", os.O_RDONLY)
        await emit(FileInput(fd, "a.nc", 8, 1, 2, ClockState.FREE, self.outcomes.append))
        await trio.sleep_forever()


class Failing:
    """An element-wise transform whose stage cannot answer."""

    tier = "sandbox"
    contract = RATE

    def __init__(self, error: AgentError) -> None:
        self.error = error

    async def run_columns(self, columns: Sequence[Column], n: int) -> StageReply:
        raise self.error


def run(
    folder: Path,
    sink: MemorySink,
    *,
    drop: bool = False,
    error: Exception | None = None,
    steps: Sequence[ArrayStep] = (),
) -> list[object]:
    source = OneFile()

    async def items() -> AsyncGenerator[Item, None]:
        yield FIELD
        yield CHUNK
        if error is not None:
            raise error
        yield Manifest(SID, "run", ())

    @asynccontextmanager
    async def decode(file: FileInput, *, run: str) -> AsyncIterator[AsyncGenerator[Item, None]]:
        async with aclosing(items()) as each:
            yield each

    letters = DeadLetters(folder, "p", 1 << 20)
    pipeline = FilePipeline(
        "p",
        source,
        decode,
        Window([sink], 1 << 20, Retry(attempts=1)),
        [(sink, cbor)],  # type: ignore[list-item]
        cbor.sid,
        letters,
        lambda _: None,
        steps=steps,
        drop_refused=drop,
    )

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(pipeline.run)
            while not source.outcomes:  # noqa: ASYNC110 - letters are written in a thread, time is virtual
                await trio.sleep(1)
            pipeline.stop()

    try:
        trio.run(main, clock=MockClock(autojump_threshold=0))
    except BaseExceptionGroup:
        if not isinstance(error, RuntimeError):
            raise
    return [
        *source.outcomes,
        letters.count,
        pipeline.files[-1].outcome,
        *([pipeline.reason] if steps else ()),
    ]


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ((None, None), ["done", 0, "complete"]),
        ((BUSY, None, None), ["done", 0, "complete"]),
        ((FORBIDDEN, None), ["failed", 1, "sink.refused"]),
        ((None, FORBIDDEN), ["failed", 1, "sink.refused"]),
    ],
)
def test_a_file_is_done_only_when_no_sink_refused_a_block(
    tmp_path: Path, answers: tuple[AgentError | None, ...], outcome: list[object]
) -> None:
    assert run(tmp_path, MemorySink(*answers)) == outcome


def test_a_refused_file_leaves_no_letter_when_it_is_to_be_dropped(tmp_path: Path) -> None:
    assert run(tmp_path, MemorySink(FORBIDDEN), drop=True) == ["failed", 0, "sink.refused"]


def test_a_file_is_offered_again_when_its_letter_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "dlq").write_bytes(b"")

    assert run(tmp_path / "dlq", MemorySink(FORBIDDEN))[0] == "retry"


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (FormatError("format.crash", "damaged"), ["failed", 1, "format.crash"]),
        (AgentError("worker.zygote", "gone", retryable=True), ["retry", 0, "worker.zygote"]),
        (RuntimeError("our own fault"), ["retry", 0, "decoding"]),
    ],
)
def test_a_file_that_cannot_be_decoded_is_settled_by_who_is_to_blame(
    tmp_path: Path, error: Exception, outcome: list[object]
) -> None:
    assert run(tmp_path, MemorySink(), error=error) == outcome


@pytest.mark.parametrize(
    "error",
    [
        TransformDisabledError("transform.disabled", "out of use"),
        WorkerError("build.lang", "the file loads no more"),
        WorkerError("worker.zygote", "gone", retryable=True),
    ],
)
def test_a_file_waits_when_a_transform_of_its_arrays_fails(tmp_path: Path, error: WorkerError) -> None:
    steps = [ArrayStep(Failing(error), {"x": "/t2m"})]

    assert run(tmp_path, MemorySink(), steps=steps) == ["retry", 0, error.code, f"{error.code}: {error.what}"]
