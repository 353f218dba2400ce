"""Recovery of jailed workers: thousands of deaths at every moment, and not an input lost, doubled or out of order.

Sizes come from the variable ALLOY_SIZES: `quick`, `ci` (default) or `soak`.
"""

from __future__ import annotations

import gc
import os
import random
import signal
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
import trio
from tests.fakes.stages import COUNT, HEAD, exactly_once, numbered, values, with_stage

from alloy_agent.config.model import Workers
from alloy_agent.errors import WorkerError
from alloy_agent.workers.policy import Policy
from alloy_agent.workers.process import WorkerProcess, pss_bytes
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_transforms.sandbox.frames import FrameSplitter
from alloy_transforms.sandbox.protocol import decode_state

pytestmark = pytest.mark.slow


class Sizes(NamedTuple):
    """How much each test does."""

    respawns: int
    batches: int
    zygotes: int
    kills: int  # at each stage of a batch


SIZES = {
    "quick": Sizes(50, 1_000, 3, 3),
    "ci": Sizes(1_000, 10_000, 12, 10),
    "soak": Sizes(20_000, 1_000_000, 200, 500),
}[os.environ.get("ALLOY_SIZES", "ci")]
SEED = 3
COUNTED = COUNT + "    return {'v': int(payload) * 1000000 + s['n']}\n"
"""Answers with its input and how many came before it: a doubled or lost input shows in both."""
FORGIVING = Policy(max_deadly_batches=1 << 30)
WIDE = Workers(max=2, wall_ms=20_000, first_wall_ms=20_000)  # nothing here is about time


def descriptors(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def zygote_of(pool: WorkerPool) -> int:
    (pid,) = [pid for pid, name in pool.process_names().items() if name == "transform zygote"]
    return pid


def children(pid: int) -> list[str]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return file.read().split()


def own_pss_bytes(pid: int) -> int:
    """PSS without pages of files: those are shared with whatever else runs Python on this machine, and vary with it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            lines = [line.split() for line in rollup]
    except PermissionError:
        return pss_bytes(pid)  # counts no pages of files either
    return sum(int(words[1]) * 1024 for words in lines if words[0] in ("Pss_Anon:", "Pss_Shmem:"))


class Counted:
    """Asks for numbers from 0 on; every answer must be the next one."""

    def __init__(self, stage: TransformStage) -> None:
        self.stage = stage
        self.done = 0

    async def batch(self, n: int) -> None:
        reply = await self.stage.run(numbered(self.done, n), n)
        exactly_once(reply, n)
        assert not reply.errors
        assert [divmod(v, 1_000_000) for v in values(reply)] == [
            (i, i + 1) for i in range(self.done, self.done + n)
        ]
        self.done += n

    def finish(self) -> None:
        assert decode_state(self.stage.state) == {"n": self.done}


@pytest.mark.timeout(600)
def test_no_descriptor_leaks_when_workers_are_killed_and_respawned_a_thousand_times() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        counted = Counted(stage)
        await counted.batch(1)
        zygote = zygote_of(pool)
        before = descriptors(os.getpid()), descriptors(zygote)

        for turn in range(SIZES.respawns):
            worker = stage.worker
            os.kill(worker.pid, signal.SIGKILL)
            if turn % 2:
                await worker.wait()  # it is known to be dead; else the batch finds out
            await counted.batch(1)

        counted.finish()
        assert (descriptors(os.getpid()), descriptors(zygote)) == before
        assert children(zygote) == [str(stage.pid)]
        assert stage.accounting.respawns == SIZES.respawns
        assert pool.zygotes == 1

    with_stage(COUNTED, body, workers=WIDE, policy=FORGIVING)


@pytest.mark.timeout(600)
def test_memory_of_all_processes_stays_when_ten_thousand_batches_pass() -> None:
    source = (
        "STATE = {'n': 0, 'last': ''}\nOUTPUT = {'v': {'type': 'i64'}, 't': {'type': 'text', 'max': 64}}\n"
        "def transform(payload, s):\n    s['n'] += 1\n    s['last'] = payload.decode()\n    print(payload)\n"
        "    if s['n'] % 5 == 0:\n        int('x')\n    return {'v': s['n'], 't': s['last'] * 8}\n"
    )
    points = 20

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        each = SIZES.batches // points
        seen = []
        batch = numbered(100_000, 16)
        for _ in range(max(each, 500)):  # caches and pools fill first
            await stage.run(batch, 16)
        for _ in range(points):
            for _ in range(each):
                await stage.run(batch, 16)
            gc.collect()
            seen.append(sum(own_pss_bytes(pid) for pid in (os.getpid(), zygote_of(pool), stage.pid)))
        mean = sum(seen) / points
        middle = (points - 1) / 2
        slope = sum((i - middle) * (y - mean) for i, y in enumerate(seen)) / sum(
            (i - middle) ** 2 for i in range(points)
        )
        growth = slope * (points - 1) / mean
        print(f"{mean / 2**20:.1f} MiB PSS without files, {growth:+.3%} over {SIZES.batches} batches")
        assert growth < 0.01
        assert stage.accounting.deaths == 0

    with_stage(source, body, workers=WIDE)


@pytest.mark.timeout(600)
def test_every_input_is_answered_once_when_zygotes_are_killed_at_random() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        pool.backoff_max_s = 0.01  # the waits are not what is tested
        chance = random.Random(SEED)
        counted = Counted(stage)
        done = trio.Event()

        async def killer() -> None:
            while pool.zygotes <= SIZES.zygotes:
                with trio.move_on_after(chance.random() * 0.05):
                    await done.wait()
                if pool._zygote is not None and pool._zygote.alive:
                    os.kill(pool._zygote.pid, signal.SIGKILL)
                    await pool._zygote.wait_died()
            done.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(killer)
            while not done.is_set():
                try:
                    await counted.batch(8)
                except WorkerError as error:  # nothing of the batch was answered; a pipeline asks again, too
                    if not error.retryable:
                        raise
        counted.finish()
        assert stage.policy.state == "in_use"
        assert stage.accounting.deaths == 0  # none of it was the transform's fault
        assert counted.done >= 8

    with_stage(COUNTED, body, workers=WIDE)


class Killer(FrameSplitter):
    """Kills the worker once so many bytes of its reply have arrived."""

    def __init__(self, worker: WorkerProcess, after_bytes: int) -> None:
        super().__init__()
        self._worker = worker
        self._left = after_bytes

    def feed(self, data: bytes) -> None:
        before, self._left = self._left, self._left - len(data)
        if before > 0 >= self._left:
            os.kill(self._worker.pid, signal.SIGKILL)
        super().feed(data)


def before_the_jail(stage: TransformStage, pool: WorkerPool, turn: int) -> None:
    """The next worker dies as soon as it exists."""
    zygote = pool._zygote
    assert zygote is not None
    real = zygote.spawn

    async def spawn(**options: Any) -> WorkerProcess:
        zygote.spawn = real  # type: ignore[method-assign]
        worker = await real(**options)
        os.kill(worker.pid, signal.SIGKILL)
        return worker

    zygote.spawn = spawn  # type: ignore[method-assign]
    os.kill(stage.pid, signal.SIGKILL)


def after_the_jail(stage: TransformStage, pool: WorkerPool, turn: int) -> None:
    """The next worker dies between its jail and the file."""
    real = pool.spawn

    async def spawn(**options: Any) -> WorkerProcess:
        pool.spawn = real  # type: ignore[method-assign]
        worker = await real(**options)
        os.kill(worker.pid, signal.SIGKILL)
        return worker

    pool.spawn = spawn  # type: ignore[method-assign]
    os.kill(stage.pid, signal.SIGKILL)


def between_batches(stage: TransformStage, pool: WorkerPool, turn: int) -> None:
    os.kill(stage.pid, signal.SIGKILL)


def before_the_request_is_read(stage: TransformStage, pool: WorkerPool, turn: int) -> None:
    """Stopped, so that the request lies in the channel when it dies."""
    pid = stage.pid
    os.kill(pid, signal.SIGSTOP)
    _later(0.01, pid)


def in_the_middle(stage: TransformStage, pool: WorkerPool, turn: int) -> None:
    """Each batch computes for some 30 ms."""
    _later(0.001 + 0.02 * turn / SIZES.kills, stage.pid)


def _later(delay_s: float, pid: int) -> None:
    async def kill() -> None:
        await trio.sleep(delay_s)
        os.kill(pid, signal.SIGKILL)

    trio.lowlevel.spawn_system_task(kill)


def during_the_reply(stage: TransformStage, pool: WorkerPool, turn: int) -> None:
    """From its first bytes on to its last."""
    stage.worker._splitter = Killer(stage.worker, 1 + turn * REPLY_BYTES // SIZES.kills)


REPLY_BYTES = 400_000  # more than a socket holds: the worker is still writing when the core reads
SLOW = (
    "STATE = {'n': 0}\nOUTPUT = {'v': {'type': 'i64'}, 't': {'type': 'text', 'max': 8192}}\n"
    "def transform(payload, s):\n    s['n'] += 1\n    for i in range(4000):\n        pass\n"
    "    return {'v': int(payload) * 1000000 + s['n'], 't': 'x' * 4096}\n"
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "strike",
    [
        before_the_jail,
        after_the_jail,
        between_batches,
        before_the_request_is_read,
        in_the_middle,
        during_the_reply,
    ],
)
def test_every_input_is_answered_once_when_a_worker_is_killed(
    strike: Callable[[TransformStage, WorkerPool, int], None],
) -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        counted = Counted(stage)
        await counted.batch(100)
        pids = [stage.pid]
        for turn in range(SIZES.kills):
            strike(stage, pool, turn)
            await counted.batch(100)
            with trio.move_on_after(0.03):  # a blow that came too late falls between the batches
                await stage.worker.wait()
            await counted.batch(100)
            pids.append(stage.pid)
        counted.finish()
        assert all(a != b for a, b in pairwise(pids))  # every blow hit

    with_stage(SLOW, body, workers=WIDE, policy=FORGIVING)


@pytest.mark.parametrize("at", [0, 511, 1023])
def test_poison_is_found_with_few_kills_when_it_hides_among_a_thousand(at: int) -> None:
    n = 1024
    source = COUNT + (
        f"    while payload == b'{at}':\n        pass\n    return {{'v': int(payload) * 1000000 + s['n']}}\n"
    )

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        reply = await stage.run(numbered(0, n), n)

        exactly_once(reply, n)
        assert [(e.index, e.code) for e in reply.errors] == [(at, "script.wall")]
        # The poison is not counted, the others are once, in order.
        good = [i for i in range(n) if i != at]
        assert [divmod(v, 1_000_000) for v in values(reply)] == [(i, k + 1) for k, i in enumerate(good)]
        assert stage.accounting.deaths <= 2 + n.bit_length() - 1
        assert (stage.policy.state, stage.policy.script_batches) == ("in_use", 0)

    # An honest batch takes 2 ms.
    with_stage(source, body, workers=Workers(max=1, wall_ms=300, first_wall_ms=300))


def test_inputs_are_given_up_raw_when_a_violation_ends_a_batch() -> None:
    source = (
        "import json\n" + HEAD + "def transform(payload):\n    if payload == b'5000':\n"
        "        json.codecs.__builtins__['__import__']('posix').mkfifo('/x')\n    return {'v': int(payload)}\n"
    )
    n = 9000  # three requests: what came before the guilty one is answered

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        reply = await stage.run(numbered(0, n), n)

        exactly_once(reply, n)
        assert values(reply) == list(range(4096))
        assert {e.code for e in reply.errors} == {"violation.syscall"}
        assert stage.accounting.deaths == 1
        assert (stage.policy.state, stage.pid) == ("quarantined", 0)

    with_stage(source, body, workers=WIDE)
