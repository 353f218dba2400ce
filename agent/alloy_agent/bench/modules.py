"""Native modules for the workloads: built once with the tools of `alloy-edge build`, opened in this process.

Opening a module outside a jail is for measurements alone: what is built here is our own text.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import trio

from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.native import module as native
from alloy_agent.workers.pool import WorkerPool

if TYPE_CHECKING:
    from alloy_agent.build.make import Made


def built(refs: Sequence[TransformRef]) -> list[bytes]:
    """The shared object of each file; errors as `made`."""
    return [each.wheel.module for each in made(refs)]


def made(refs: Sequence[TransformRef]) -> list[Made]:
    """The module of each file.

    Raises:
        ToolchainError: there is no compiler on this host.
        TransformRefusedError: a file is not portable.
    """
    from alloy_agent.build import cache, make, program, toolchain

    async def checked() -> list[Mapping[str, Any]]:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, Workers(first_wall_ms=10_000), Sandbox())
            try:
                documents = []
                for document in await program.documents(pool, refs):
                    if isinstance(document, Exception):
                        raise document
                    documents.append(document)
                return documents
            finally:
                await pool.aclose()

    tools = toolchain.find(toolchain.machine())
    pairs = zip(refs, trio.run(checked), strict=True)
    programs = [program.program(ref, document) for ref, document in pairs]
    return [make.make(p, tools, cache.folder(), lambda _: None) for p in programs]


def opened(data: bytes) -> native.Module:
    """Map a module in this process."""
    with os.fdopen(os.memfd_create("bench"), "w+b", buffering=0) as file:
        file.write(data)
        return native.Module(file.fileno())
