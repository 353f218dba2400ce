"""What the jail costs: a worker from fork to first answer, each layer by leaving it out, memory of many workers.

The cost of a layer is a small difference of two times: read it with its spread, not to the digit.
"""

from __future__ import annotations

import statistics
import time

import trio

from alloy_agent.bench.figure import Figure
from alloy_agent.bench.sandbox import SOURCE
from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.native import jail
from alloy_agent.workers.process import pss_bytes
from alloy_agent.workers.stage import ENTRY
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_agent.workers.zygote import Zygote
from alloy_transforms.sandbox.answers import pack
from alloy_transforms.sandbox.protocol import CHECK, MAX_REPLY_BYTES

MEMORY_BYTES = 32 << 20
COUNTS = (1, 4, 16)
"""Workers of the memory figures."""
MIB = 1 << 20


def run(quick: bool) -> list[Figure]:
    """Measure; about 8 s, quick 4 s."""
    return trio.run(_measure, 15 if quick else 60)


async def _measure(runs: int) -> list[Figure]:
    figures: list[Figure] = []
    async with trio.open_nursery() as nursery:
        zygote = await Zygote.start(nursery, name="bench", entry=ENTRY)
        times = await _spawns(
            zygote, {"": jail.LAYERS} | {layer: _without(layer) for layer in jail.LAYERS}, runs
        )
        whole = times.pop("")
        figures.append(Figure.of("jail.spawn", whole, "ms", note="fork, every layer, first answer"))
        for layer, others in times.items():
            gone = ", nor Landlock and seccomp" if layer == "no_new_privs" else ""
            figures.append(
                Figure.of(
                    f"jail.spawn_without.{layer}",
                    others,
                    "ms",
                    peer="jail.spawn",
                    ratio=statistics.median(whole) / statistics.median(others),
                    note=f"the same without this layer{gone}: the difference is its cost",
                )
            )
        await zygote.aclose()
        figures += await _memory(nursery)
        nursery.cancel_scope.cancel()
    return figures


def _without(layer: str) -> tuple[str, ...]:
    """Every layer but one; without no_new_privs the kernel refuses Landlock and seccomp."""
    gone = {layer, "landlock", "seccomp"} if layer == "no_new_privs" else {layer}
    return tuple(name for name in jail.LAYERS if name not in gone)


async def _spawns(zygote: Zygote, sets: dict[str, tuple[str, ...]], runs: int) -> dict[str, list[float]]:
    """Milliseconds from the request to the first answer for each set of layers, the sets in turn."""
    frame = pack(CHECK, {"source": b'PROFILE = "gateway"\n', "file": "bench.py", "modules": [], "params": {}})
    times: dict[str, list[float]] = {name: [] for name in sets}
    for _ in range(runs):
        for name, layers in sets.items():
            begun = time.perf_counter()
            worker = await zygote.spawn(
                profile="transform",
                memory_bytes=MEMORY_BYTES,
                layers=layers,
                allow_degraded=True,
            )
            async with worker:
                await worker.send(frame)
                await worker.receive(MAX_REPLY_BYTES)
                times[name].append((time.perf_counter() - begun) * 1000)
    return times


async def _memory(nursery: trio.Nursery) -> list[Figure]:
    """PSS of zygote and workers that have each answered a batch, and what one worker adds."""
    pool = WorkerPool(nursery, Workers(max=max(COUNTS), wall_ms=5000, first_wall_ms=10_000), Sandbox())
    stages: list[TransformStage] = []
    figures = []
    for count in COUNTS:
        while len(stages) < count:
            ref = TransformRef(name=f"bench{len(stages)}", origin="bench.py", source=SOURCE)
            stage = TransformStage(pool, "bench", ref)
            await stage.start()
            await stage.run([[bytes(20)] * 64], 64)
            stages.append(stage)
        sizes = {pid: pss_bytes(pid) / MIB for pid in pool.process_names()}
        workers = [sizes[stage.pid] for stage in stages if stage.pid]
        figures += [
            Figure.of(f"jail.workers_{count}", [sum(sizes.values())], "MB", note="PSS of zygote and workers"),
            Figure.of(f"jail.worker_of_{count}", workers, "MB", note="PSS of one of them"),
        ]
    for stage in stages:
        await stage.aclose()
    await pool.aclose()
    return figures
