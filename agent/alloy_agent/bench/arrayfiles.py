"""Workload: chunks of a file through an element-wise transform, as a pipeline of files does it [elements/s].

What is counted is everything between a decoded chunk and the chunks that are encoded next: physical numbers,
requests to the jailed worker, checked replies, marks, checksum. The peer is numpy making the same numbers here.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import trio

from alloy_agent.bench.figure import Figure
from alloy_agent.bench.modules import built
from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.native import CodedError, kernels
from alloy_agent.pipeline.arrays import ArrayRun, ArrayStep
from alloy_agent.pipeline.chain import StageReply
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.batches import put_together
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.pool import WorkerPool
from alloy_transforms.record import Chunk, Column, Descriptor, Dimension, Level, Packing, Provenance, Variable
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.wire import cbor

N = 65_536  # int16 values of one chunk, 128 KiB
SCALE, OFFSET = 0.01, 273.15
SOURCE = b'''"""A calibration of two constants."""
OUTPUT = {"v": {"type": "f64", "unit": "K"}}


def f(x: float, gain: float) -> float:
    return x * gain + 1.5
'''
FILE = Descriptor(
    (Dimension("x", N),),
    (Variable("raw", ("x",), "i2", pack=Packing(scale=SCALE, offset=OFFSET)),),
    Provenance("bench.nc", "netcdf3/1"),
)


@dataclass
class _Stage:
    """A worker without the life around it."""

    generation: Generation

    @property
    def contract(self) -> Contract:
        """See `ArrayStage`."""
        return self.generation.contract

    @property
    def tier(self) -> str:
        """See `ArrayStage`."""
        return self.generation.tier

    async def run_columns(self, columns: Sequence[Column], n: int) -> StageReply:
        """See `ArrayStage`."""
        reply = await self.generation.ask(await self.generation.ready(), columns, n, b"")
        return put_together(self.contract, [(0, reply)], ())


def run(quick: bool) -> list[Figure]:
    """Measure; about two seconds."""
    ref = TransformRef(name="map_calibration", origin="bench", source=SOURCE)
    (data,) = built([ref])
    return trio.run(_measure, ref, data, quick)


async def _measure(ref: TransformRef, data: bytes, quick: bool) -> list[Figure]:
    import numpy as np

    stored = np.arange(N, dtype="<i2")
    chunk = _chunk(stored.tobytes())
    runs = 3 if quick else 9
    peer = []
    for _ in range(runs):
        began = time.perf_counter()
        made = (stored * SCALE + OFFSET) * 1.25 + 1.5
        peer.append(made.size / (time.perf_counter() - began))
    numpys = Figure.of("arrays.file.numpy", peer, "elements/s")
    figures = [numpys]
    async with trio.open_nursery() as nursery:
        pool = WorkerPool(nursery, Workers(wall_ms=10_000, first_wall_ms=10_000), Sandbox())
        module = NativeModule.read(data, hashlib.sha256(data).hexdigest())
        try:
            for opened in (None, module):
                generation = Generation(pool, ref.name, ref, Accounting(), opened)
                await generation.start()
                rates = await _rates(_Stage(generation), chunk, made.tobytes(), runs)
                name = f"arrays.file.{generation.tier}"
                ratio = sorted(rates)[len(rates) // 2] / numpys.value
                figures.append(Figure.of(name, rates, "elements/s", peer="numpy", ratio=ratio))
                await generation.drop()
        finally:
            module.close()
            await pool.aclose()
            nursery.cancel_scope.cancel()
    return figures


def _unexpected(error: CodedError) -> None:
    raise error


def _chunk(payload: bytes) -> Chunk:
    crc = kernels.crc32c(payload)
    return Chunk(cbor.sid(FILE), "run", 0, 0, (0,), (N,), Level.PACKED, payload, crc, len(payload))


async def _rates(stage: _Stage, chunk: Chunk, wanted: bytes, runs: int) -> list[float]:
    """Elements per second; the numbers must be those of numpy."""
    out = []
    for _ in range(runs + 1):
        run = ArrayRun([ArrayStep(stage, {"x": "raw", "gain": 1.25})], cbor.sid, _unexpected)
        run.begin(FILE)
        began = time.perf_counter()
        _, *made = await run.chunk(chunk)
        out.append(N / (time.perf_counter() - began))
        if b"".join(piece.payload for piece in made) != wanted:
            raise RuntimeError("the transform made other numbers than numpy")
    return out[1:]  # the first has a cold worker
