"""Native modules that belong to a transform, written in C, in a real zygote."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

import trio
from tests.fakes import c_modules
from tests.fakes.stages import WORKERS, ref

from alloy_agent.config.model import Sandbox, Workers
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.pool import WorkerPool
from alloy_transforms.lang.check import check

TWICE = '''"""Test."""
INPUT = {"x": "int"}
OUTPUT = {"v": {"type": "i64"}}
EXAMPLES = ({"in": {"x": 2}, "out": ({"v": 4},)},)


def transform(x: int) -> dict:
    if x < 0:
        raise ValueError("negative")
    return {"v": 2 * x}
'''
TWICE_C = """
    const int64_t *x = b->inputs[0].values;
    int64_t *v = b->outputs[0].values;
    uint64_t set = 0;
    for (uint64_t i = b->first; i < b->n; i++) {
        if (b->codes[i]) continue;
        if (x[i] < 0) { b->codes[i] = 3; set++; continue; }
        if (x[i] == 666) { EVIL }
        v[b->rows] = 2 * x[i];
        b->src[b->rows++] = (uint32_t) i;
    }
    b->answered = b->n;
    return set;
"""
"""An entry that does something else for 666."""


def made(source: str = TWICE, body: str = "", extra: str = "", **changes: Any) -> bytes:
    """The file of a module that belongs to a transform; `body` is what it does for 666."""
    code = source.encode()
    report = check(ast.parse(source), code)
    facts = c_modules.schema(code, **{"ir": report.digest, **changes})
    return c_modules.module(TWICE_C.replace("EVIL", body), facts, extra=extra)


def read(data: bytes) -> NativeModule:
    """The module as the core holds it."""
    return NativeModule.read(data, hashlib.sha256(data).hexdigest())


def with_generation(
    test: Callable[[Generation], Awaitable[None]],
    module: NativeModule | None,
    source: str = TWICE,
    workers: Workers = WORKERS,
) -> None:
    """Run `test` over a started generation in a real zygote; closes the module."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, workers, Sandbox())
            generation = Generation(pool, "p/t", ref(source), Accounting(), module)
            try:
                await generation.start()
                await test(generation)
            finally:
                await generation.drop()
                await pool.aclose()

    try:
        trio.run(main)
    finally:
        if module is not None:
            module.close()
