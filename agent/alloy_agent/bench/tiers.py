"""Workload: one transform in every tier, record-wise [records/s].

`cpython` is the function called in this process, its dicts kept; `sandbox` and `native` are jailed workers asked
over their channel, requests packed before, replies checked; `call` is the module's own entry with the columns made
and checked, in this process: what the native code costs without a channel.
"""

from __future__ import annotations

import hashlib
import importlib
import inspect
import random
import struct
import sys
import time
from collections.abc import Sequence
from importlib import resources
from typing import Any

import trio

from alloy_agent.bench.figure import Figure
from alloy_agent.bench.modules import built, opened
from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.native import module as native
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.pool import WorkerPool
from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.examples import inputs_of
from alloy_transforms.sandbox.protocol import decode_state, encode_run

FRAME = struct.Struct(">HhIBhHBHHH")
FRAME20 = b'''"""Twenty bytes, ten fields, two of them computed."""
import struct

OUTPUT = {
    "a": {"type": "u16"}, "b": {"type": "i16", "exp10": -2, "unit": "Cel"}, "c": {"type": "u32"},
    "d": {"type": "u8"}, "e": {"type": "i16"}, "f": {"type": "u16"}, "g": {"type": "u8"},
    "h": {"type": "f64"}, "i": {"type": "f64"}, "j": {"type": "u16"},
}


def transform(payload: bytes) -> dict:
    if len(payload) != 20:
        raise ValueError("a frame has 20 bytes")
    a, b, c, d, e, f, g, h, i, j = struct.unpack(">HhIBhHBHHH", payload)
    return {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g, "h": h * 0.5, "i": i * 0.25 + 1.0, "j": j}
'''
LIBRARY = ("pms5003", "elsys_ers", "nmea", "bme280", "bme280_float", "modbus_integers")
BATCHES = (1, 64, 1024, 100_000)
REQUEST = 4096
"""Inputs of one request to a worker; larger batches are several."""
CALL = 50_000
"""Inputs of one call of the module."""
SEED = 20
RUN_S = 0.04  # of one run, about


def run(quick: bool) -> list[Figure]:
    """Measure; about half a minute, quick a quarter of it, the first time more: modules are built."""
    names = LIBRARY[:2] if quick else LIBRARY
    refs = [TransformRef(name="frame20", origin="bench", source=FRAME20), *map(_shipped, names)]
    modules = built(refs)
    return [f for ref, data in zip(refs, modules, strict=True) for f in trio.run(_measure, ref, data, quick)]


def _shipped(name: str) -> TransformRef:
    source = resources.files("alloy_transforms.library").joinpath(f"{name}.py").read_bytes()
    return TransformRef(name=name, origin="library", source=source)


async def _measure(ref: TransformRef, data: bytes, quick: bool) -> list[Figure]:
    runs = 3 if quick else 7
    async with trio.open_nursery() as nursery:
        pool = WorkerPool(nursery, Workers(wall_ms=10_000, first_wall_ms=10_000), Sandbox())
        module = NativeModule.read(data, hashlib.sha256(data).hexdigest())
        sandbox, fast = (Generation(pool, ref.name, ref, Accounting(), m) for m in (None, module))
        try:
            await sandbox.start()
            await fast.start()
            contract = sandbox.contract
            examples = await sandbox.examples()
            seeds = [inputs_of(contract, e) for e in examples if e.rows] or [[f] for f in _frames()]
            plain = Figure.of(
                f"tiers.{ref.name}.cpython",
                _cpython(ref, contract, seeds, runs),
                "records/s",
                note="no check, dicts",
            )
            figures = [plain]
            for generation in (sandbox, fast):
                for n in BATCHES:
                    rates = await _asked(generation, seeds, n, runs)
                    figures.append(_figure(f"tiers.{ref.name}.{generation.tier}.{n}", rates, plain))
            for n in BATCHES:
                rates = _called(contract, opened(data), seeds, n, sandbox.first_state, runs)
                figures.append(_figure(f"tiers.{ref.name}.call.{n}", rates, plain))
            return figures
        finally:
            for generation in (sandbox, fast):
                await generation.drop()
            module.close()
            await pool.aclose()


def _figure(name: str, rates: list[float], plain: Figure) -> Figure:
    value = sorted(rates)[len(rates) // 2]
    budget = ">= 20 M records/s" if name == "tiers.frame20.call.100000" else ""
    return Figure.of(name, rates, "records/s", peer="cpython", ratio=value / plain.value, budget=budget)


def _frames() -> list[bytes]:
    return [random.Random(SEED + i).randbytes(FRAME.size) for i in range(256)]  # noqa: S311 - test data


def _columns(contract: Contract, seeds: Sequence[Sequence[Any]], n: int) -> list[Column]:
    """`n` inputs: the seeds again and again."""
    values = zip(*(seeds[i % len(seeds)] for i in range(n)), strict=True)
    return [input_column(kind, list(v)) for (_, kind), v in zip(contract.inputs, values, strict=True)]


def _cpython(ref: TransformRef, contract: Contract, seeds: Sequence[Sequence[Any]], runs: int) -> list[float]:
    for plain in ("fmath", "kit"):
        sys.modules.setdefault(plain, importlib.import_module(f"alloy_transforms.portable.{plain}"))
    namespace: dict[str, Any] = {}
    exec(ref.source, namespace)  # noqa: S102 - a file of ours, the peer of these figures
    function = namespace["transform"]
    batch = [tuple(seeds[i % len(seeds)]) for i in range(1024)]
    generator = inspect.isgeneratorfunction(function)
    state = ({**namespace["STATE"]},) if contract.stateful else ()
    out = []
    for _ in range(runs):
        began = time.perf_counter()
        rows = [list(made) if generator else made for made in (function(*i, *state) for i in batch)]
        out.append(len(rows) / (time.perf_counter() - began))
    return out


async def _asked(generation: Generation, seeds: Sequence[Sequence[Any]], n: int, runs: int) -> list[float]:
    """Records per second of a worker."""
    contract = generation.contract
    size = min(n, REQUEST)
    columns = _columns(contract, seeds, size)
    worker = await generation.ready()
    state = generation.first_state
    await generation.ask(worker, columns, size, state)
    out = []
    repeat = 0
    for _ in range(runs + 1):
        began = time.perf_counter()
        done = 0
        for _ in range(max(repeat, 1)):
            left = n
            while left > 0:
                done += (reply := await generation.ask(worker, columns, size, state)).answered
                left -= reply.answered
        rate = done / (time.perf_counter() - began)
        if repeat:
            out.append(rate)
        repeat = max(1, int(RUN_S * rate / n))
    return out


def _called(
    contract: Contract, module: native.Module, seeds: Sequence[Sequence[Any]], n: int, state: bytes, runs: int
) -> list[float]:
    """Records per second of the module itself."""
    first = list(decode_state(state).values()) if contract.stateful else []
    plan = native.ModulePlan(
        module,
        [kind for _, kind in contract.inputs],
        [(f.type, f.optional, len(f.names) or f.max) for f in contract.outputs],
        [type(v).__name__ for v in first],
        contract.max_rows,
    )
    size = min(n, CALL)
    batch = plan.batch(b"".join(encode_run(1, size, contract.inputs, _columns(contract, seeds, size))))
    slots = b"".join(struct.pack("<d" if type(v) is float else "<q", v) for v in first)
    out = []
    repeat = 0
    for _ in range(runs + 1):
        began = time.perf_counter()
        done = 0
        for _ in range(max(repeat, 1) * -(-n // size)):
            done += batch.run(0, size, slots)[0]
        rate = done / (time.perf_counter() - began)
        if repeat:
            out.append(rate)
        repeat = max(1, int(RUN_S * rate / n))
    return out
