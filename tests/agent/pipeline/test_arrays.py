"""Files through element-wise transforms in the real jail: what is added, what stays, and what a manifest says."""

from __future__ import annotations

import hashlib
import math
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trio
from tests.fakes.stages import with_stage

from alloy_agent.config.model import Attribute
from alloy_agent.errors import TransformDisabledError
from alloy_agent.pipeline.arrays import BATCH, ArrayRun, ArrayStep, Taken
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_devices.formats.model import PIECE_BYTES
from alloy_native import CodedError
from alloy_native.kernels import crc32c, pack_bits
from alloy_transforms.record import (
    Chunk,
    Descriptor,
    Dimension,
    Level,
    Manifest,
    Packing,
    Provenance,
    Quality,
    Variable,
    VariableSummary,
)
from alloy_transforms.wire import cbor

ROWS, COLUMNS = 3, 5000
RATE = """OUTPUT = {"rate": {"type": "f64", "unit": "{ct}/s"}}
def f(x: float, exposure: float) -> float:
    if x == 13.0:
        raise ValueError("unlucky")
    return x / exposure
"""
FILE = Descriptor(
    (Dimension("y", ROWS), Dimension("x", COLUMNS)),
    (
        Variable(
            "SCI", ("y", "x"), "i2", path="/1", unit="{ct}", pack=Packing(scale=0.5), attrs={"GAIN": (2,)}
        ),
        Variable("text", ("y",), "utf8", path="/2"),
    ),
    Provenance("a.fits", "fits/1"),
    {"EXPTIME": 4.0, "NAME": "x"},
)
SID = cbor.sid(FILE)
STORED = np.arange(ROWS * COLUMNS, dtype="<i2").reshape(ROWS, COLUMNS)

told: list[CodedError] = []

Body = Callable[[TransformStage], Awaitable[None]]


def block(values: np.ndarray[Any, Any], row: int, seq: int, **marks: Any) -> Chunk:
    payload = values.tobytes()
    shape = values.shape
    return Chunk(
        SID, "run", 0, seq, (row, 0), shape, Level.PACKED, payload, crc32c(payload), len(payload), **marks
    )


def closed(**facts: Any) -> Manifest:
    summaries = (VariableSummary(0, 2, {1: STORED.size}, "0" * 64), VariableSummary(1, 0, {}, ""))
    return Manifest(SID, "run", summaries, **facts)


def with_rate(body: Body, source: str = RATE) -> None:
    async def run(stage: TransformStage, pool: WorkerPool) -> None:
        await body(stage)

    with_stage(source, run)


def started(
    stage: TransformStage, inputs: Taken, descriptor: Descriptor = FILE
) -> tuple[ArrayRun, Descriptor]:
    run = ArrayRun([ArrayStep(stage, inputs)], cbor.sid, told.append)
    return run, run.begin(descriptor)


def test_variable_is_added_when_a_file_has_what_the_transform_takes() -> None:
    async def body(stage: TransformStage) -> None:
        run, described = started(stage, {"x": "/1", "exposure": Attribute(attribute="EXPTIME")})
        added = described.variables[2]
        assert (added.name, added.path, added.dims, added.dtype) == ("rate", "/1/rate", ("y", "x"), "f8")
        assert added.unit == "{ct}/s"
        assert added.attrs == {"source": "/1", "transform": "t", "argument.exposure": 4.0}
        assert [(s.name, s.tier) for s in described.prov.stages] == [("t", "sandbox")]
        sid = cbor.sid(described)

        first, made = await run.chunk(block(STORED[:2], 0, 0))
        assert first == replace(block(STORED[:2], 0, 0), sid=sid)
        assert (made.sid, made.var, made.seq, made.origin, made.shape) == (sid, 2, 0, (0, 0), (2, COLUMNS))
        values = np.frombuffer(made.payload).reshape(2, COLUMNS).copy()
        wanted = STORED[:2] * 0.5 / 4.0
        assert math.isnan(values[0, 26])  # 13 counts
        values[0, 26] = wanted[0, 26]
        assert values.tobytes() == wanted.tobytes()
        _, last = await run.chunk(block(STORED[2:], 2, 1))
        assert (last.seq, last.origin) == (1, (2, 0))

        manifest = run.end(closed())
        summary = manifest.variables[2]
        assert (manifest.sid, manifest.status, summary.blocks) == (sid, "complete", 2)
        assert summary.counts == {Quality.PASS: STORED.size - 1, Quality.MISSING: 1}
        crcs = b"".join(c.crc.to_bytes(4, "little") for c in (made, last))
        assert summary.digest == hashlib.sha256(crcs).hexdigest()
        ((code, message),) = manifest.errors
        assert code == "data.value"
        assert message == "/1/rate: `t` refused 1 elements, the first in line 4: ValueError: unlucky"

    with_rate(body)


def test_missing_elements_are_not_asked_for() -> None:
    async def body(stage: TransformStage) -> None:
        run, _ = started(stage, {"x": "SCI", "exposure": Attribute(attribute="GAIN")})
        unlucky = np.full((1, COLUMNS), 26, "<i2")
        flags = np.zeros(COLUMNS, np.uint8)
        marks = {"validity": pack_bits(flags.tobytes()), "quality": 9, "reasons": 1}
        _, made = await run.chunk(block(unlucky, 0, 0, **marks))
        assert made.quality == bytes((9,)) * COLUMNS
        assert run.end(closed()).errors == ()
        assert sum(stage.accounting.errors.values()) == 0

    with_rate(body)


def test_a_later_transform_takes_what_an_earlier_one_made() -> None:
    async def body(stage: TransformStage) -> None:
        steps = [
            ArrayStep(stage, {"x": "/1", "exposure": 2.0}),
            ArrayStep(stage, {"x": "/1/rate", "exposure": 4.0}),
        ]
        run = ArrayRun(steps, cbor.sid, told.append)
        described = run.begin(FILE)
        assert [v.path for v in described.variables] == ["/1", "/2", "/1/rate", "/1/rate/rate"]
        found = await run.chunk(block(STORED[:1], 0, 0))
        assert [chunk.var for chunk in found] == [0, 2, 3]
        assert np.frombuffer(found[2].payload)[8] == 8 * 0.5 / 2.0 / 4.0

    with_rate(body)


def test_derived_chunks_stay_small_when_their_source_has_many_small_elements() -> None:
    small = replace(FILE, variables=(Variable("SCI", ("y", "x"), "u1", path="/1"),), attrs={})
    sizes = (2, PIECE_BYTES // 8 + 1000)
    small = replace(small, dims=(Dimension("y", sizes[0]), Dimension("x", sizes[1])))
    values = np.arange(math.prod(sizes), dtype="<u1").reshape(sizes)

    async def body(stage: TransformStage) -> None:
        run, _ = started(stage, {"x": "/1", "exposure": 1.0}, small)
        quality = bytes(3 if i == 5 else 1 for i in range(values.size))
        _, *made = await run.chunk(replace(block(values, 0, 0, quality=quality), sid=cbor.sid(small)))
        assert [chunk.seq for chunk in made] == list(range(len(made)))
        assert all(len(chunk.payload) <= PIECE_BYTES for chunk in made)
        whole = np.full(sizes, -1.0)
        marks = np.zeros(sizes, np.uint8)
        for chunk in made:
            where = tuple(slice(o, o + n) for o, n in zip(chunk.origin, chunk.shape, strict=True))
            whole[where] = np.frombuffer(chunk.payload).reshape(chunk.shape)
            each = (
                chunk.quality
                if isinstance(chunk.quality, bytes)
                else bytes((chunk.quality,)) * whole[where].size
            )
            marks[where] = np.frombuffer(each, np.uint8).reshape(chunk.shape)
        lucky = values != 13
        assert (whole[lucky] == values[lucky]).all()
        assert marks[0, 5] == Quality.SUSPECT
        assert np.bincount(marks.ravel())[[1, 3, 9]].tolist() == [lucky.sum() - 1, 1, (~lucky).sum()]

    with_rate(body)
    assert math.prod(sizes) > BATCH


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"x": "/9", "exposure": 1.0}, "takes the variable `/9`"),
        ({"x": "/2", "exposure": 1.0}, "takes numbers, `/2` is utf8"),
        ({"x": "/1", "exposure": Attribute(attribute="NAME")}, "takes the attribute `NAME`"),
        ({"x": "/1", "exposure": Attribute(attribute="NONE")}, "takes the attribute `NONE`"),
    ],
)
def test_file_is_delivered_as_it_is_when_it_lacks_what_the_transform_takes(inputs: Taken, says: str) -> None:
    async def body(stage: TransformStage) -> None:
        run, described = started(stage, inputs)
        assert described == FILE
        assert await run.chunk(block(STORED, 0, 0)) == [block(STORED, 0, 0)]
        manifest = run.end(closed())
        assert manifest.status == "partial"
        ((code, message),) = manifest.errors
        assert code == "pipeline.no_input"
        assert says in message

    with_rate(body)


def test_second_variable_of_one_name_is_left_out() -> None:
    async def body(stage: TransformStage) -> None:
        step = ArrayStep(stage, {"x": "/1", "exposure": 1.0})
        run = ArrayRun([step, step], cbor.sid, told.append)
        assert [v.path for v in run.begin(FILE).variables] == ["/1", "/2", "/1/rate"]
        assert run.end(closed()).errors[0][0] == "pipeline.no_input"

    with_rate(body)


@pytest.mark.slow
def test_every_chunk_is_whole_when_the_zygote_is_killed_in_the_middle_of_one() -> None:
    async def body(stage: TransformStage) -> None:
        run, _ = started(stage, {"x": "/1", "exposure": 1.0})
        _, wanted = await run.chunk(block(STORED, 0, 0))
        killed = stage.pid
        stat = Path(f"/proc/{killed}/stat").read_text()  # noqa: ASYNC240 - /proc

        async def kill() -> None:
            before = stage.accounting.calls
            while stage.accounting.calls < before + 2:  # of the four of one chunk
                await trio.lowlevel.checkpoint()
            os.kill(int(stat.split()[3]), signal.SIGKILL)

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(kill)
                while (
                    stage.pid == killed
                ):  # what was answered before the kernel is through may be a chunk more
                    _, made = await run.chunk(block(STORED, 0, 1))
                    assert made.payload == wanted.payload
            _, made = await run.chunk(block(STORED, 0, 2))
        assert made.payload == wanted.payload
        assert stage.pid not in (0, killed)

    with_rate(body)


def test_run_is_another_when_the_inputs_are() -> None:
    async def body(stage: TransformStage) -> None:
        one, again, other = (
            ArrayStep(stage, inputs).identity
            for inputs in (
                {"x": "/1", "exposure": 1.0},
                {"exposure": 1.0, "x": "/1"},
                {"x": "/1", "exposure": 2.0},
            )
        )
        assert one == again != other

    with_rate(body)


def test_nothing_is_sent_when_the_transform_is_out_of_use() -> None:
    async def body(stage: TransformStage) -> None:
        run, _ = started(stage, {"x": "/1", "exposure": 1.0})
        stage.disable("by the test")
        with pytest.raises(TransformDisabledError):
            await run.chunk(block(STORED, 0, 0))

    with_rate(body)
