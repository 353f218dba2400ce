"""Workload `pipeline`: MQTT in -> jailed transform -> MQTT out, through the real daemon.

The daemon and its workers are held to one core; broker, load and consumer run on the others, in other
processes. The load is closed: at most `WINDOW` records are under way, so no queue grows and nothing is lost.
Latency is measured apart, at a steady load far from the limit, with the pipeline's own batch settings; the wait
for company (20 ms by default) is part of it.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from array import array
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.core.control import ask
from alloy_agent.errors import ToolchainError
from alloy_agent.mqtt.session import MqttSession
from alloy_transforms.wire import cbor
from alloy_transforms.wire.typed import TypedArray

from .daemon import TOPICS, Running, any_broker, cpu_seconds, daemon_process, session, write_config
from .figure import Figure
from .modules import made
from .sandbox import FRAME, SOURCE
from .tiers import FRAME20

if TYPE_CHECKING:
    from alloy_agent.build.make import Made

RATE_BUDGET = ">= 5 k msg/s"
NATIVE_BUDGET = ">= 10 k msg/s"
PIPELINE = """\
source: {mqtt: {topic: bench/frames, qos: 1}}
transform: ./frame20.py
sink: {mqtt: {stream: frames}}
"""
WINDOW = 2000  # records sent and not yet seen again; the demo broker holds 4000 for one client
SENDERS = 64  # publishes waiting for their PUBACK
PACE_PER_S = 500
_COUNTER = 2  # column `c` of the frame is its number
_PATIENCE_S = 30.0  # for one run


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many messages each part sends, and how often."""

    stream: int
    paced: int
    runs: int


FULL = Sizes(stream=20_000, paced=2_500, runs=5)
QUICK = Sizes(stream=6_000, paced=400, runs=2)


@dataclass(slots=True)
class Consumer:
    """Counts the records that come out; knows when each was sent."""

    seen: int = 0
    repeated: int = 0
    sent_at: dict[int, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)  # [s]
    _waiting: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)

    def take(self, message: bytes, now: float) -> None:
        """One block."""
        tree = cbor.read_tree(message)
        if not isinstance(tree, dict) or tree.get("k") != "b":
            return
        numbers = tree["p"][_COUNTER]
        assert isinstance(numbers, TypedArray)
        for number in array("I", bytes(numbers.data)):
            sent = self.sent_at.pop(number, None)
            if sent is None:
                self.repeated += 1
                continue
            self.latencies.append(now - sent)
            self.seen += 1
        self._waiting.unpark_all()

    async def wait(self, under_way: int) -> None:
        """Until at most so many records are under way."""
        while len(self.sent_at) > under_way:
            await self._waiting.park()


@dataclass(frozen=True, slots=True)
class Passed:
    """One run: records per second, CPU of the core and of its workers [s], latencies [s]."""

    rate: float
    core_s: float
    workers_s: float
    latencies: list[float]


def frame(number: int) -> bytes:
    """Twenty bytes, ten fields, one of them the number."""
    return FRAME.pack(number & 0xFFFF, -5, number, 7, 300, 400, 8, 500, 600, 700)


def split_cores() -> tuple[set[int] | None, set[int] | None]:
    """Cores of the daemon (one), and of everything else; None where there is only one core."""
    cores = sorted(os.sched_getaffinity(0))
    return ({cores[-1]}, set(cores[:-1])) if len(cores) > 1 else (None, None)


def _cpu(running: Running) -> tuple[float, float]:
    core, *others = running.memory()
    return cpu_seconds(core.pid), sum(cpu_seconds(process.pid) for process in others)


async def pass_through(
    link: MqttSession, running: Running, consumer: Consumer, count: int, first: int, pace: float
) -> Passed:
    """Send `count` frames and wait until all came out; `pace` [1/s], 0: as fast as the window allows."""
    consumer.latencies = []
    core, workers = _cpu(running)
    numbers = iter(range(first, first + count))
    begun = time.perf_counter()

    async def send_many() -> None:
        for number in numbers:
            if pace:
                await trio.sleep(max(0.0, begun + (number - first) / pace - time.perf_counter()))
            else:
                await consumer.wait(WINDOW)
            consumer.sent_at[number] = time.perf_counter()
            await link.publish("bench/frames", frame(number))

    async with trio.open_nursery() as nursery:
        for _ in range(4 if pace else SENDERS):
            nursery.start_soon(send_many)
    await consumer.wait(0)
    took = time.perf_counter() - begun
    core_after, workers_after = _cpu(running)
    return Passed(count / took, core_after - core, workers_after - workers, consumer.latencies)


async def measure(
    port: int, sizes: Sizes, module: Made | None = None
) -> tuple[list[Passed], list[Passed], int]:
    """Streams and paced runs, and how many records came twice; with a module the transform is promoted first."""
    daemon_cpus, own_cpus = split_cores()
    before = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory(prefix="alloy-") as scratch:
        extra = "" if module is None else "modules: {trust: local}\n"
        config = write_config(Path(scratch), port, {"frames": PIPELINE}, extra)
        (config / "transforms" / "frame20.py").write_bytes(SOURCE if module is None else FRAME20)
        if own_cpus:
            os.sched_setaffinity(0, own_cpus)
        try:
            async with (
                daemon_process(config, cpus=daemon_cpus) as running,
                session(port, "bench-load") as link,
            ):
                if module is not None:
                    await _promote(running, module)
                return await _runs(link, running, sizes)
        finally:
            os.sched_setaffinity(0, before)


async def _promote(running: Running, module: Made) -> None:
    from alloy_agent.build import store

    await trio.to_thread.run_sync(store.record, module, running.run_dir.parent / "state")
    response = await ask(
        running.run_dir / "control.sock", "transform.promote", {"transform": "frame20"}, _PATIENCE_S
    )
    if not response.ok:
        raise RuntimeError(f"the module of the workload was refused: {response.error}")


async def _runs(link: MqttSession, running: Running, sizes: Sizes) -> tuple[list[Passed], list[Passed], int]:
    consumer = Consumer()
    blocks = await link.subscribe(f"{TOPICS.root}/data/frames/frames", qos=1)

    async def consume() -> None:
        async for message in blocks:
            consumer.take(message.payload, time.perf_counter())
            message.acknowledge()

    streams: list[Passed] = []
    paced: list[Passed] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        number = 0
        with trio.fail_after(_PATIENCE_S * (sizes.runs + 1)):
            await pass_through(link, running, consumer, min(1000, sizes.stream), number, 0)  # warm
            number += min(1000, sizes.stream)
            for _ in range(sizes.runs):
                streams.append(await pass_through(link, running, consumer, sizes.stream, number, 0))
                number += sizes.stream
                paced.append(await pass_through(link, running, consumer, sizes.paced, number, PACE_PER_S))
                number += sizes.paced
        nursery.cancel_scope.cancel()
    return streams, paced, consumer.repeated


def run(quick: bool) -> list[Figure]:
    """Measure; about 40 s, quick 8 s."""
    sizes = QUICK if quick else FULL
    with any_broker() as (broker, port):
        streams, paced, repeated = trio.run(measure, port, sizes)
        found = figures(broker, streams, paced, repeated)
        try:
            (module,) = made([TransformRef(name="frame20", origin="bench", source=FRAME20)])
        except ToolchainError:
            return found  # no build host: native code is measured where it can be made
        native, _, _ = trio.run(measure, port, replace(sizes, paced=QUICK.paced), module)
    return [*found, *native_figures(native, found[0])]


def native_figures(streams: list[Passed], sandboxed: Figure) -> list[Figure]:
    """The same stream with the transform in native code."""
    rates = [run.rate for run in streams]
    tree = [1e6 * (run.core_s + run.workers_s) / len(run.latencies) for run in streams]
    ratio = statistics.median(rates) / sandboxed.value
    return [
        Figure.of(
            "pipeline.native", rates, "msg/s", peer="pipeline.sandboxed", ratio=ratio, budget=NATIVE_BUDGET
        ),
        Figure.of("pipeline.native.tree_cpu", tree, "ms", note="CPU of core and worker per 1,000 messages"),
    ]


def figures(broker: str, streams: list[Passed], paced: list[Passed], repeated: int) -> list[Figure]:
    """What the runs say."""
    one = split_cores()[0] is not None
    where = f"{broker}; daemon and worker on {'one core' if one else 'the only core'}"
    count = [len(run.latencies) for run in streams]
    per_1000 = [1000 * run.core_s / n for run, n in zip(streams, count, strict=True)]
    both = [1000 * (run.core_s + run.workers_s) / n for run, n in zip(streams, count, strict=True)]
    cuts = [statistics.quantiles(run.latencies, n=100) for run in paced]
    at = f"at {PACE_PER_S} msg/s, wait for company included"
    return [
        Figure.of(
            "pipeline.sandboxed",
            [run.rate for run in streams],
            "msg/s",
            budget=RATE_BUDGET,
            note=f"QoS 1 in and out, 20-byte frames; {where}",
        ),
        Figure.of(
            "pipeline.core_cpu", [s * 1e3 for s in per_1000], "ms", note="CPU of the core per 1,000 messages"
        ),
        Figure.of(
            "pipeline.tree_cpu",
            [s * 1e3 for s in both],
            "ms",
            note="CPU of core and worker per 1,000 messages",
        ),
        Figure.of("pipeline.latency_p50", [cut[49] * 1e3 for cut in cuts], "ms", note=at),
        Figure.of("pipeline.latency_p99", [cut[98] * 1e3 for cut in cuts], "ms", note=at),
        Figure.of(
            "pipeline.repeated",
            [repeated],
            "records",
            note="came out twice; a lost one fails the run",
        ),
    ]
