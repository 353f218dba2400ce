"""Damaged files, thousands, through the real decoder jail: each ends in an answer or a code, in bounds.

What is delivered of a cut file must be what the whole file has there: its bytes are the same. A bit flipped among
the values of a file without compression may change that value and no other. Everything else that may be wrong in
a delivered value is the file's own word.
"""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from pathlib import Path

import pytest
import trio
from tests.devices.formats.damage import Judge, Whole
from tests.devices.formats.decoding import Decoded, decode_one
from tests.devices.formats.variants import Variant, variants

from alloy_agent.workers.decoder import DecoderLimits, DecoderPool
from alloy_agent.workers.process import WorkerProcess, pss_bytes
from alloy_devices.source import FileInput
from alloy_native import CodedError
from alloy_transforms.record import ClockState

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

VARIANTS = {"quick": 200, "ci": 2000, "soak": 50_000}[os.environ.get("ALLOY_SIZES", "quick")]
LARGEST = 160_000  # bytes; of the good files, those up to here stand for all: each is decoded a hundred times
LIMITS = DecoderLimits(wall_s=2.0, silence_s=2.0, memory_bytes=96 << 20, cpu_s=4, workers=2, idle_s=300.0)
ATTEMPT_S = 30.0  # no file may hold the core longer, whatever happens
WARM = VARIANTS // 4  # variants before the core's own memory is looked at
GROWTH_MAX = 8 << 20  # bytes of the core over all others


class Jail(DecoderPool):
    """The pool, which also remembers its workers."""

    def __init__(self, nursery: trio.Nursery) -> None:
        super().__init__(nursery, LIMITS)
        self.forked: list[WorkerProcess] = []

    async def _spawn(self, fd: int) -> WorkerProcess:
        worker = await super()._spawn(fd)
        self.forked.append(worker)
        return worker


async def judge(pool: DecoderPool, variant: Variant, whole: Whole) -> Judge:
    """Decode a variant as if it were a file; nothing of it is kept."""
    fd = os.memfd_create("variant")
    out = Judge(variant, whole)
    try:
        os.write(fd, variant.data)
        received_ns = 1_700_000_000_000_000_000
        given = FileInput(fd, variant.of, len(variant.data), 0, received_ns, ClockState.NTP, lambda _: None)
        with trio.fail_after(ATTEMPT_S):
            async with pool.decode(given, run="run1") as items:
                async for item in items:
                    out.item(item)
    except CodedError as error:
        out.error(error)
    finally:
        os.close(fd)
    out.close()
    return out


class Siege:
    """Every variant of every good file, as many at a time as the pool has workers."""

    def __init__(self, science: Path) -> None:
        found = sorted(p for part in ("fits", "hdf5", "netcdf") for p in (science / part).iterdir())
        self.files = [p for p in found if p.stat().st_size <= LARGEST]
        self.ended: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = (0.0, "")
        self.core_bytes: list[int] = []

    async def run(self, pool: DecoderPool) -> None:
        sending, receiving = trio.open_memory_channel[tuple[Variant, Whole]](0)
        async with trio.open_nursery() as nursery:
            for _ in range(LIMITS.workers):
                nursery.start_soon(self._serve, pool, receiving.clone())
            receiving.close()
            async with sending:
                await self._feed(pool, sending)
        self.core_bytes.append(pss_bytes(os.getpid()))

    async def _feed(self, pool: DecoderPool, out: trio.MemorySendChannel[tuple[Variant, Whole]]) -> None:
        wholes = [(p, p.read_bytes(), await decode_one(pool, p)) for p in self.files]
        each = -(-VARIANTS // len(self.files))
        damaged = [
            zip(variants(path.name, data, each), itertools.repeat(Whole(data, done)), strict=False)
            for path, data, done in wholes
        ]
        for job in itertools.islice(itertools.chain.from_iterable(zip(*damaged, strict=True)), VARIANTS):
            await out.send(job)

    async def _serve(self, pool: DecoderPool, work: trio.MemoryReceiveChannel[tuple[Variant, Whole]]) -> None:
        async with work:
            async for variant, whole in work:
                began = time.monotonic()
                done = await judge(pool, variant, whole)
                self.slowest = max(self.slowest, (time.monotonic() - began, variant.label))
                self.ended[done.code or "answered"] += 1
                self.wrong += done.faults
                if self.ended.total() == WARM:
                    self.core_bytes.append(pss_bytes(os.getpid()))


def test_damaged_hostile_files_end_in_a_code_or_a_right_answer_and_leave_the_core_as_it_was(
    science: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    siege = Siege(science)
    began = time.monotonic()

    async def main() -> tuple[int, list[WorkerProcess], int]:
        async with trio.open_nursery() as nursery:
            pool = Jail(nursery)
            nothing = Variant("nothing", "nothing", b"")
            await judge(pool, nothing, Whole(b"", Decoded()))  # the zygote is up
            before = len(os.listdir("/proc/self/fd"))
            await siege.run(pool)
            left = len(os.listdir("/proc/self/fd")) - before
            assert pool.zygote_pid is not None
            space = Path(f"/proc/{pool.zygote_pid}/statm").read_text().split()[0]  # noqa: ASYNC240 - /proc
            await pool.aclose()
            nursery.cancel_scope.cancel()
        return left, pool.forked, int(space) * os.sysconf("SC_PAGESIZE")

    descriptors_left, workers, space = trio.run(main)

    worst = max(w.status.max_rss_bytes for w in workers if w.status)
    with capsys.disabled():
        print(
            f"\n  {siege.ended.total()} damaged files of {len(siege.files)} in {time.monotonic() - began:.0f} s, "
            f"slowest {siege.slowest[0]:.1f} s ({siege.slowest[1][:60]}), largest worker {worst >> 20} MiB "
            f"resident, core {[size >> 20 for size in siege.core_bytes]} MiB: {dict(siege.ended.most_common())}"
        )
    assert siege.wrong == []
    assert siege.ended.total() == VARIANTS
    assert descriptors_left == 0
    assert all(w.status is not None for w in workers)
    assert worst <= space + LIMITS.memory_bytes
    assert siege.core_bytes[1] - siege.core_bytes[0] <= GROWTH_MAX
