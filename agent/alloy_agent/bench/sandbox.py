"""What the sandbox costs: a 20-byte frame with 10 fields through a real jailed worker, against plain CPython.

The peer calls the same function in this process and keeps its dicts: no jail, no check, no columns.
"""

from __future__ import annotations

import os
import random
import socket
import statistics
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from alloy_agent.bench.figure import Figure
from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.frames import read_frame, write_frame
from alloy_transforms.sandbox.protocol import MAX_REPLY_BYTES, encode_run

FRAME = struct.Struct(">HhIBhHBHHH")
SOURCE = b'''"""Twenty bytes, ten fields, two of them computed."""
import struct

OUTPUT = {
    "a": {"type": "u16"}, "b": {"type": "i16", "exp10": -2, "unit": "Cel"}, "c": {"type": "u32"},
    "d": {"type": "u8"}, "e": {"type": "i16"}, "f": {"type": "u16"}, "g": {"type": "u8"},
    "h": {"type": "f64"}, "i": {"type": "f64"}, "j": {"type": "u32"},
}


def transform(payload):
    a, b, c, d, e, f, g, h, i, j = struct.unpack(">HhIBhHBHHH", payload)
    return {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g, "h": h * 0.5, "i": i * 0.25 + 1.0, "j": j}
'''
BATCHES = (1, 64, 1024)
SEED = 20


def frames(n: int) -> list[bytes]:
    """`n` frames, the same in every run."""
    return [random.Random(SEED + i).randbytes(FRAME.size) for i in range(n)]  # noqa: S311 - test data


def run(quick: bool) -> list[Figure]:
    """Measure; about 3 s, quick 1 s."""
    return trio.run(_measure, 7 if quick else 21)


async def _measure(runs: int) -> list[Figure]:
    async with trio.open_nursery() as nursery:
        # Wide walls: the machine may be busy, and a killed worker would measure something else.
        pool = WorkerPool(nursery, Workers(wall_ms=5000, first_wall_ms=10_000), Sandbox())
        stage = TransformStage(pool, "bench", TransformRef(name="frame20", origin="bench", source=SOURCE))
        try:
            await stage.start()
            await stage.run([frames(64)], 64)
            return [
                *[await _channel(stage, runs)],
                *[await _round_trip(stage, n, runs) for n in BATCHES],
                await _records(stage, runs),
                await _respawn(stage, runs),
                *_accounts(stage),
            ]
        finally:
            await stage.aclose()
            await pool.aclose()


async def _timed(call: Callable[[], Awaitable[Any]], runs: int, repeat: int) -> list[float]:
    """Seconds per call, one number per run."""
    out = []
    for _ in range(runs):
        began = time.perf_counter()
        for _ in range(repeat):
            await call()
        out.append((time.perf_counter() - began) / repeat)
    return out


async def _channel(stage: TransformStage, runs: int) -> Figure:
    """One record over the bare channel: blocking descriptor, request made before, reply not yet checked."""
    channel = stage.worker.fileno()
    frame = b"".join(encode_run(1, 1, stage.contract.inputs, [input_column("bytes", frames(1))]))

    async def call() -> None:
        write_frame(channel, frame)
        read_frame(channel, MAX_REPLY_BYTES)

    os.set_blocking(channel, True)
    try:
        times = await _timed(call, runs, 300)
    finally:
        os.set_blocking(channel, False)
    floor = await _echo(frame, runs)
    return Figure.of(
        "sandbox.channel.1",
        [t * 1e6 for t in times],
        "us",
        peer="bare echo process",
        ratio=statistics.median(floor) / statistics.median(times),
        budget="<= 20 us",
        note=f"one record there and back, no event loop; the same bytes echoed by a bare process take "
        f"{statistics.median(floor) * 1e6:.0f} us here",
    )


ECHO = "import os\nwhile data := os.read(0, 65536):\n    os.write(0, data)\n"


async def _echo(frame: bytes, runs: int) -> list[float]:
    """What two processes that only pass bytes to and fro cost on this machine [s]."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        command = [sys.executable, "-I", "-S", "-c", ECHO]
        process = subprocess.Popen(command, stdin=theirs.fileno())  # noqa: S603, ASYNC220 - our own, starting is quick
        theirs.close()

        async def call() -> None:
            ours.sendall(frame)
            missing = len(frame)
            while missing:
                missing -= len(ours.recv(missing))

        await _timed(call, 1, 10)  # until it is up
        times = await _timed(call, runs, 300)
        ours.close()
        process.wait(10)  # its input has ended
    return times


async def _round_trip(stage: TransformStage, n: int, runs: int) -> Figure:
    column = [input_column("bytes", frames(n))]
    times = await _timed(lambda: stage.run_columns(column, n), runs, max(3, 300 // n))
    return Figure.of(
        f"sandbox.round_trip.{n}",
        [t * 1e6 for t in times],
        "us",
        note=f"{n} record{'s' * (n > 1)} through the stage, made, answered and checked",
    )


async def _records(stage: TransformStage, runs: int) -> Figure:
    n = BATCHES[-1]
    payloads = frames(n)
    column = [input_column("bytes", payloads)]
    namespace: dict[str, Any] = {}
    exec(SOURCE, namespace)  # noqa: S102 - our own text, the peer of this figure
    function = namespace["transform"]
    plain: list[float] = []
    jailed: list[float] = []
    for _ in range(runs):  # in turns, so that a busy machine slows both
        began = time.perf_counter()
        rows = [function(p) for p in payloads]
        plain.append(n / (time.perf_counter() - began))
        assert len(rows) == n
        jailed += [n / t for t in await _timed(lambda: stage.run_columns(column, n), 1, 2)]
    ratio = sorted(jailed)[len(jailed) // 2] / sorted(plain)[len(plain) // 2]
    return Figure.of(
        "sandbox.records",
        jailed,
        "records/s",
        peer="plain CPython, unchecked dicts",
        ratio=ratio,
        budget=">= 500 k records/s",
        note=f"batches of {n}",
    )


def _accounts(stage: TransformStage) -> list[Figure]:
    """What the core's accounts say of all of the above together."""
    facts = stage.accounting.facts()
    calls = f"{facts['calls']} calls, {facts['inputs']} inputs, {facts['respawns']} respawns"
    calls += f", p99 {facts['wall_p99_us']:.0f} us, max {facts['wall_max_us']:.0f} us"
    return [
        Figure.of(
            "sandbox.account.cpu", [facts["cpu_us"] / facts["inputs"]], "us", note=f"for each record; {calls}"
        ),
        Figure.of(
            "sandbox.account.wall_p50", [facts["wall_p50_us"]], "us", note="one call, as the core saw it"
        ),
        Figure.of(
            "sandbox.account.memory",
            [facts["memory_high_bytes"] / 2**20],
            "MB",
            note="largest resident size of a worker, pages shared with the zygote included",
        ),
    ]


async def _respawn(stage: TransformStage, runs: int) -> Figure:
    """SIGKILL to the first answer of the next worker, load included."""
    column = [input_column("bytes", frames(1))]
    times = []
    for _ in range(runs):
        stage.worker.kill()
        await stage.worker.wait()
        began = time.perf_counter()
        await stage.run_columns(column, 1)
        times.append((time.perf_counter() - began) * 1e3)
    return Figure.of(
        "sandbox.respawn", times, "ms", budget="<= 10 ms", note="fork, jail, load and the first record"
    )
