"""Stages with native modules in C: honest ones, and ones that fail as their name says; a watch that records."""

from __future__ import annotations

import ast
import hashlib
import platform
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

import trio
from tests.fakes import c_modules
from tests.fakes.stages import ref

from alloy_agent.config.model import Canary, Promotion, Workers
from alloy_agent.promotion.watch import Back, Watch
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.notices import Notice
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_ota.local import Built
from alloy_ota.modules import Modules
from alloy_transforms.lang.check import check
from alloy_transforms.sandbox.columns import values_of

TWICE = '''"""Twice a number."""
INPUT = {"x": "int"}
OUTPUT = {"v": {"type": "i64"}}
EXAMPLES = ({"in": {"x": 3}, "out": ({"v": 6},)}, {"in": {"x": -1}, "out": ({"v": -2},)})


def transform(x: int) -> dict:
    return {"v": 2 * x}
'''
COUNTED = '''"""A number, and how many came before it."""
INPUT = {"x": "int"}
OUTPUT = {"v": {"type": "i64"}, "n": {"type": "i64"}}
STATE = {"n": 0}
EXAMPLES = ({"in": {"x": 3}, "out": ({"v": 3, "n": 1},)},)


def transform(x: int, s: dict) -> dict:
    s["n"] = s["n"] + 1
    return {"v": x, "n": s["n"]}
'''
_LOOP = """
    const int64_t *x = b->inputs[0].values;
    int64_t *v = b->outputs[0].values;
    %s
    uint64_t bad = 0;
    for (uint64_t i = b->first; i < b->n; i++) {
        if (b->codes[i]) continue;
        if (x[i] > 4000000000000000000 || x[i] < -4000000000000000000) { b->codes[i] = 200; bad++; %s continue; }
        %s
        v[b->rows] = %s;
        %s
        b->src[b->rows++] = (uint32_t) i;
    }
    b->answered = b->n;
    return bad;
"""
_STOP = "b->answered = i + 1; return bad;"  # with STATE it ends behind an input with a code


def twice(before: str = "", value: str = "2 * x[i]") -> str:
    """The entry of a module of `TWICE`; `before` each input, `value` of it."""
    return _LOOP % ("", "", before, value, "")


def counted(before: str = "", value: str = "x[i]") -> str:
    """The entry of a module of `COUNTED`."""
    return _LOOP % (
        "int64_t *n = b->outputs[1].values;",
        _STOP,
        before,
        value,
        "n[b->rows] = (int64_t) ++b->state[0];",
    )


WRONG = twice(value="2 * x[i] ^ (x[i] == 7)")
"""One different bit, of one input."""
CRASH = twice(before="if (x[i] == 13) *(volatile int *) 8 = 1;")
HANG = twice(before="if (x[i] == 13) for (volatile int k = 0;; k++) ;")
DECLINES = twice(before="if (x[i] % 10 == 3) { b->codes[i] = 200; bad++; continue; }")
LIES = twice(before="if (x[i] == 13) { b->answered = b->n + 5; return 0; }")


def shared_object(source: str, body: str, params: dict[str, Any] | None = None, **changes: Any) -> bytes:
    """A module in C for a transform named `t`; its schema is true but for `changes`."""
    report = check(ast.parse(source), source.encode(), params=params)
    assert report.document is not None, report.findings
    document = report.document
    elements = document["kind"] == "map"
    facts = c_modules.schema(
        source.encode(),
        {name: _plain(value) for name, value in document["params"]},
        kind=document["kind"],
        ir=report.digest,
        inputs=[p[:2] for p in document["functions"][-1]["params"]] if elements else document["inputs"],
        outputs=[[f["name"], f["type"], f["optional"]] for f in document["outputs"]],
        state=document["state"],
        max_rows=document["max_rows"],
    )
    return c_modules.module(body, {**facts, **changes}, entry=c_modules.MAP if elements else c_modules.RUN)


def _plain(value: Any) -> Any:
    return float.fromhex(value["f64"]) if isinstance(value, dict) else value


def opened(data: bytes) -> NativeModule:
    """The module of a shared object."""
    return NativeModule.read(data, hashlib.sha256(data).hexdigest())


class Watched:
    """Makes watches, and keeps what they and the stage say."""

    def __init__(self, **config: Any) -> None:
        canary = Canary(every=config.pop("every", 100), for_s=config.pop("for_s", 3600.0))
        self.config = Promotion(canary=canary, **config)
        self.backs: list[Back] = []
        self.notices: list[Notice] = []
        self.order: list[str] = []

    def watch(self, data: bytes) -> Watch:
        async def back(why: Back) -> None:
            await trio.lowlevel.checkpoint()
            self.backs.append(why)
            self.order.append("on record")

        return Watch(opened(data), self.config, self.config.canary.for_s, 0, trio.current_time(), back)

    def tell(self, notice: Notice) -> None:
        self.notices.append(notice)


async def unproven(_following: Generation) -> None:
    """No gate."""


Body = Callable[[TransformStage, WorkerPool], Awaitable[None]]


def with_native(
    source: str, body: Body, watched: Watched, *, workers: Workers | None = None, **options: Any
) -> None:
    """Run `body` over a started stage `p/t` in the sandbox; what it says goes to `watched`."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, workers or Workers(max=2, wall_ms=300, first_wall_ms=5000))
            stage = TransformStage(pool, "p", ref(source), on_notice=watched.tell, **options)
            try:
                await stage.start()
                await body(stage, pool)
            finally:
                await stage.aclose()
                await pool.aclose()

    trio.run(main)


async def ask(stage: TransformStage, numbers: Sequence[int]) -> list[list[int]]:
    """One batch of numbers; the values of each column. Every input has to give one row."""
    reply = await stage.run([list(numbers)], len(numbers))
    assert list(reply.src) == list(range(len(numbers))), reply.errors
    return [values_of("i8", column, reply.rows) for column in reply.columns]


def admitted(modules: Modules, source: str, body: str, *, at: int = 1, **changes: Any) -> Built:
    """A module in the store, on record as built here; `changes` are those of its record."""
    return on_record(modules, shared_object(source, body), at=at, **changes)


def on_record(modules: Modules, data: bytes, *, at: int = 1, **changes: Any) -> Built:
    """As `admitted`, of a module that is made already."""
    module = opened(data)
    module.close()
    schema = module.schema
    built = Built(
        hashlib.sha256(data).hexdigest(), "t", schema.digest, schema.source, schema.ir, platform.machine(), 1,
        len(data), at,
    )  # fmt: skip
    modules.admit(data, built)
    if changes:
        modules.built.add(replace(built, **changes))
    return replace(built, **changes)
