"""Numbered records under load while the tier changes and workers are killed: 1..N once, in order; the gaps are shown.

Sizes come from the variable ALLOY_SIZES: `quick`, `ci` (default) or `soak`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from typing import NamedTuple

import pytest
import trio
from tests.fakes.native_stage import Watched, unproven
from tests.fakes.stages import exactly_once, numbered
from tests.system.promotion import REF, honest, module

from alloy_agent.config.model import Workers
from alloy_agent.workers.policy import Policy
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_transforms.sandbox.columns import values_of
from alloy_transforms.sandbox.protocol import decode_state

pytestmark = pytest.mark.slow


class Sizes(NamedTuple):
    """How much is done."""

    records: int
    changes: int  # of the tier
    kills: int


SIZES = {
    "quick": Sizes(10_000, 6, 4),
    "ci": Sizes(100_000, 40, 20),
    "soak": Sizes(5_000_000, 1_000, 400),
}[os.environ.get("ALLOY_SIZES", "ci")]
BATCH = 50
SEED = 11


def percentiles(times: list[float]) -> str:
    ordered = sorted(times)
    at = [ordered[min(len(ordered) - 1, len(ordered) * p // 100)] * 1e3 for p in (50, 99)]
    return f"median {at[0]:.2f} ms, p99 {at[1]:.2f} ms, longest {ordered[-1] * 1e3:.2f} ms"


def test_records_come_once_in_order_when_the_tier_changes_and_workers_are_killed() -> None:
    data, _ = module(honest)
    watched = Watched(every=10)
    chance = random.Random(SEED)
    done, kills, changes = 0, 0, 0
    quiet: list[float] = []
    swaps: list[float] = []  # from the last answer before a change to the first after it
    deaths: list[float] = []
    held: list[int] = []
    marks: dict[str, bool] = {"swap": False, "kill": False}
    tiers: set[str] = set()

    async def main() -> None:
        nonlocal done, kills, changes
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, Workers(max=1, wall_ms=20_000, first_wall_ms=20_000))
            stage = TransformStage(pool, "p", REF, policy=Policy(max_deadly_batches=1 << 30))
            await stage.start()
            ended = trio.Event()

            async def load() -> None:
                nonlocal done
                last = time.perf_counter()
                while not ended.is_set() or done < SIZES.records + BATCH:
                    reply = await stage.run(numbered(done, BATCH), BATCH)
                    now = time.perf_counter()
                    gap, last = now - last, now
                    (deaths if marks["kill"] else swaps if marks["swap"] else quiet).append(gap)
                    marks.update(swap=False, kill=False)
                    exactly_once(reply, BATCH)
                    v, n = (values_of("i8", column, reply.rows) for column in reply.columns)
                    assert v == list(range(done, done + BATCH))
                    assert n == list(range(done + 1, done + BATCH + 1))
                    done += BATCH
                    tiers.add(stage.tier)
                    await trio.lowlevel.checkpoint()

            async def kill() -> None:
                nonlocal kills
                for at in sorted(chance.sample(range(SIZES.records), SIZES.kills)):
                    while done < at or stage.pid < 2:  # noqa: ASYNC110 - the load tells nobody
                        await trio.sleep(0.001)
                    await trio.sleep(chance.random() * 0.002)  # at any moment of a batch
                    if stage.pid < 2:
                        continue
                    try:
                        os.kill(stage.pid, signal.SIGKILL)
                    except ProcessLookupError:
                        continue  # it had ended for a change of tier, and its zygote was quicker than the news
                    marks["kill"] = True
                    kills += 1

            async def change() -> None:
                nonlocal changes
                while changes < SIZES.changes or done < SIZES.records:
                    wanted = (changes + 1) * SIZES.records // (SIZES.changes + 1)
                    while done < min(wanted, SIZES.records):  # noqa: ASYNC110 - the load tells nobody
                        await trio.sleep(0.002)
                    if changes == SIZES.changes:
                        break
                    if stage.watch is None:
                        swap = await stage.promote(watched.watch(data), unproven)
                    else:
                        swap = await stage.demote()
                    if swap is not None:
                        marks["swap"] = True
                        held.append(swap.held_ns)
                    changes += 1
                ended.set()

            async with trio.open_nursery() as inner:
                inner.start_soon(load)
                inner.start_soon(kill)
                inner.start_soon(change)
            assert decode_state(stage.state) == {"n": done}
            assert stage.policy.state == "in_use"
            await stage.aclose()
            await pool.aclose()

    trio.run(main)

    assert done >= SIZES.records
    assert changes == SIZES.changes
    assert kills >= SIZES.kills // 2
    assert tiers == {"sandbox", "native"}
    assert {b.code for b in watched.backs} <= {"script.memory"}  # three SIGKILLs look like a lack of memory
    print(
        f"\n{done} records in batches of {BATCH}, {changes} changes of tier, {kills} workers killed\n"
        f"  without a change:  {percentiles(quiet)}\n"
        f"  over a change:     {percentiles(swaps)}; the stage was held {max(held) / 1000:.0f} us at most\n"
        f"  over a killed one: {percentiles(deaths)}"
    )
