"""A started transform stage in a real zygote, for tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import trio

from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.pipeline.chain import StageReply
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_transforms.sandbox.columns import values_of

HEAD = '"""Test."""\nOUTPUT = {"v": {"type": "i64"}}\n'
COUNT = "STATE = {'n': 0}\n" + HEAD + "def transform(payload, s):\n    s['n'] = s['n'] + 1\n"
"""The begin of a transform that counts its inputs."""
WORKERS = Workers(max=2, wall_ms=300, first_wall_ms=5000)  # wide: other work shares these machines

Body = Callable[[TransformStage, WorkerPool], Awaitable[None]]


def ref(source: str, **params: Any) -> TransformRef:
    """A transform named `t`."""
    return TransformRef(name="t", origin="./t.py", source=source.encode(), params=params)


def with_stage(
    source: str,
    body: Body,
    *,
    workers: Workers = WORKERS,
    sandbox: Sandbox | None = None,
    params: dict[str, Any] | None = None,
    **options: Any,
) -> None:
    """Run `body` over a started stage `p/t` in a real zygote; `options` are those of the stage."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, workers, sandbox or Sandbox())
            stage = TransformStage(pool, "p", ref(source, **(params or {})), **options)
            try:
                await stage.start()
                await body(stage, pool)
            finally:
                await stage.aclose()
                await pool.aclose()

    trio.run(main)


def values(reply: StageReply) -> list[Any]:
    """The only column of a reply."""
    return values_of("i8", reply.columns[0], reply.rows)


def exactly_once(reply: StageReply, n: int) -> None:
    """Every input is there once, in order, as rows or as an error (one row each in these tests)."""
    assert sorted([*reply.src, *(e.index for e in reply.errors)]) == list(range(n))
    assert list(reply.src) == sorted(reply.src)


def numbered(first: int, n: int) -> list[list[bytes]]:
    """One batch: the numbers from `first` on as text."""
    return [[str(i).encode() for i in range(first, first + n)]]


def only(group: BaseException) -> BaseException:
    """The one error of a group."""
    while isinstance(group, BaseExceptionGroup):
        (group,) = group.exceptions
    return group
