"""A stage with a native module: every input is answered once and rightly, whatever the module does."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import trio
from tests.fakes.native_stage import (
    COUNTED,
    CRASH,
    DECLINES,
    HANG,
    LIES,
    TWICE,
    WRONG,
    Watched,
    ask,
    counted,
    shared_object,
    twice,
    unproven,
    with_native,
)

from alloy_agent.config.model import Workers
from alloy_agent.errors import ModuleRefusedError, TransformDisabledError, WorkerError
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_transforms.sandbox.protocol import decode_state

pytestmark = pytest.mark.slow

TWENTY = list(range(20))
DOUBLED = [2 * x for x in TWENTY]


def test_the_module_answers_from_the_next_batch_on_when_it_is_promoted() -> None:
    watched = Watched(every=2)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        assert stage.tier == "sandbox"
        assert stage.generation.ir
        before = stage.contract
        swap = await stage.promote(watched.watch(shared_object(TWICE, twice())), unproven)

        for _ in range(4):
            assert await ask(stage, TWENTY) == [DOUBLED]

        assert (swap.state, stage.tier, stage.contract) == ("none", "native", before)
        facts = stage.facts()
        assert facts["module"]["compared"] == 40
        assert facts["module"]["canary_left_s"] > 3500
        assert (stage.accounting.generations, stage.accounting.respawns) == (1, 0)
        assert stage.accounting.inputs == 80
        assert pool.taken == 1
        assert await stage.demote() is not None
        assert await ask(stage, TWENTY) == [DOUBLED]
        assert (stage.tier, stage.facts()["module"]) == ("sandbox", None)
        assert await stage.demote() is None
        assert watched.backs == []

    with_native(TWICE, body, watched)


def test_a_declined_input_is_answered_by_python_and_counted() -> None:
    watched = Watched(for_s=0.0)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(TWICE, twice())), unproven)

        reply = await stage.run([[1, 4_500_000_000_000_000_000, 1 << 62, 2]], 4)

        assert [(e.index, e.code) for e in reply.errors] == [(2, "data.range")]
        assert list(reply.src) == [0, 1, 3]
        assert stage.accounting.declined == 2
        assert stage.facts()["module"]["decline_rate"] == 0.5
        assert stage.tier == "native"  # four records are no window

    with_native(TWICE, body, watched)


def test_state_goes_on_when_the_tier_changes_back_and_forth() -> None:
    watched = Watched(every=1)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        data = shared_object(COUNTED, counted())
        done = 0
        for turn in range(6):
            if turn % 2:
                await stage.promote(watched.watch(data), unproven)
            elif turn:
                await stage.demote()
            for _ in range(3):
                values, counts = await ask(stage, range(done, done + 7))
                assert values == list(range(done, done + 7))
                assert counts == list(range(done + 1, done + 8))
                done += 7
        assert decode_state(stage.state) == {"n": done}
        assert watched.backs == []

    with_native(COUNTED, body, watched)


def test_a_promotion_waits_for_the_batch_in_hand_when_there_is_one() -> None:
    watched = Watched()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        data = shared_object(COUNTED, counted())
        seen: list[str] = []
        done = trio.Event()

        async def load() -> None:
            at = 0
            while not done.is_set():
                tier = stage.tier
                values, counts = await ask(stage, range(at, at + 50))
                assert counts == list(range(at + 1, at + 51))
                assert values == list(range(at, at + 50))
                at += 50
                seen.append(tier)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(load)
            for _ in range(5):
                await stage.promote(watched.watch(data), unproven)
                await stage.demote()
            done.set()
        assert {"native", "sandbox"} == set(seen)

    with_native(COUNTED, body, watched)


def test_the_right_answer_is_given_and_the_module_banned_when_one_bit_differs() -> None:
    watched = Watched(every=1)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        data = shared_object(TWICE, WRONG)
        watch = watched.watch(data)
        await stage.promote(watch, unproven)
        assert await ask(stage, [1, 2]) == [[2, 4]]

        answer = await ask(stage, TWENTY)
        watched.order.append("answered")

        assert answer == [DOUBLED]
        assert watched.order == ["on record", "answered"]
        (back,) = watched.backs
        assert (back.quarantine, back.code) == (True, "build.diff")
        assert back.evidence == {"input": {"x": 7}, "native": [{"v": 15}], "sandbox": [{"v": 14}]}
        assert stage.tier == "sandbox"
        assert watch.module._file.closed
        told = watched.notices[-1]
        assert (told.kind, told.name, told.code) == ("audit", "module.quarantined", "build.diff")
        assert told.evidence["module"] == watch.module.sha256
        assert stage.accounting.inputs == 22
        assert await ask(stage, TWENTY) == [DOUBLED]

    with_native(TWICE, body, watched)


def test_what_was_counted_stays_right_when_a_module_with_state_differs() -> None:
    watched = Watched(every=1)
    wrong = counted(before="if (x[i] == 33) b->state[0]++;")

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(COUNTED, wrong)), unproven)
        for at in range(0, 100, 20):
            assert (await ask(stage, range(at, at + 20)))[1] == list(range(at + 1, at + 21))
        assert [b.code for b in watched.backs] == ["build.diff"]
        assert watched.backs[0].evidence["input"] == {"x": 33}
        assert watched.backs[0].evidence["native"] == [{"v": 33, "n": 35}]
        assert watched.backs[0].evidence["sandbox"] == [{"v": 33, "n": 34}]

    with_native(COUNTED, body, watched)


@pytest.mark.parametrize(("entry", "code"), [(CRASH, "script.crash"), (LIES, "violation.protocol")])
def test_nothing_is_lost_and_the_module_banned_when_it_crashes_or_lies(entry: str, code: str) -> None:
    watched = Watched(for_s=0.0)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(TWICE, entry)), unproven)
        assert await ask(stage, [1, 2]) == [[2, 4]]

        assert await ask(stage, TWENTY) == [DOUBLED]

        (back,) = watched.backs
        assert (back.quarantine, back.code) == (True, code)
        assert back.evidence == {"first_input": {"x": 0}, "inputs": 20}
        assert stage.tier == "sandbox"
        assert stage.policy.state == "in_use"  # the transform did nothing wrong
        assert stage.accounting.errors == {}
        assert stage.accounting.deaths == 1

    with_native(TWICE, body, watched)


def test_python_answers_and_the_module_goes_on_until_it_cost_three_workers() -> None:
    watched = Watched(for_s=0.0)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(TWICE, HANG)), unproven)
        for turn in range(3):
            assert stage.tier == "native"
            assert await ask(stage, TWENTY) == [DOUBLED]
            assert await ask(stage, [1]) == [[2]]
            assert len(watched.backs) == (turn == 2)
        assert (watched.backs[0].quarantine, watched.backs[0].code) == (True, "script.wall")
        assert stage.tier == "sandbox"
        assert stage.policy.state == "in_use"

    with_native(TWICE, body, watched, workers=Workers(max=1, wall_ms=300, first_wall_ms=1000))


def test_the_module_is_not_blamed_when_python_dies_over_the_same_input() -> None:
    source = TWICE.replace("    return", "    while x == 13:\n        x = x * 1\n    return")
    module = twice(before="if (x[i] == 13) { b->codes[i] = 201; bad++; continue; }")
    watched = Watched(for_s=0.0)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(source, module)), unproven)
        reply = await stage.run([TWENTY[8:16]], 8)
        assert [(e.index, e.code) for e in reply.errors] == [(5, "script.wall")]
        assert stage.tier == "native"
        assert watched.backs == []
        watch = stage.watch
        assert watch is not None
        assert watch.fallbacks == 1

    with_native(source, body, watched, workers=Workers(max=1, wall_ms=300, first_wall_ms=1000))


def test_a_module_that_declines_too_much_goes_without_being_banned() -> None:
    watched = Watched(for_s=0.0, decline_limit=0.05, decline_window=200)

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(TWICE, DECLINES)), unproven)
        batches = 0
        while stage.tier == "native":
            assert await ask(stage, TWENTY) == [DOUBLED]
            batches += 1
        assert batches == 10
        (back,) = watched.backs
        assert (back.quarantine, back.code) == (False, "promotion.declines")
        assert back.evidence == {"declined": 20, "records": 200, "limit": 0.05}
        assert watched.notices[-1].name == "transform.demoted"
        assert await ask(stage, TWENTY) == [DOUBLED]

    with_native(TWICE, body, watched)


def test_a_killed_worker_or_zygote_costs_nothing_but_time() -> None:
    watched = Watched()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.promote(watched.watch(shared_object(COUNTED, counted())), unproven)
        done = 0
        for turn in range(4):
            zygote = next(p for p, name in pool.process_names().items() if name == "transform zygote")
            victim = zygote if turn % 2 else stage.worker.pid
            assert victim > 1
            os.kill(victim, signal.SIGKILL)
            for _ in range(2):
                assert (await ask(stage, range(done, done + 20)))[1] == list(range(done + 1, done + 21))
                done += 20
        assert stage.policy.state == "in_use"
        assert stage.tier == "native"
        assert watched.backs == []

    with_native(COUNTED, body, watched)


def test_the_present_tier_goes_on_when_the_proof_fails() -> None:
    watched = Watched()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        before = len(os.listdir("/proc/self/fd"))
        pid = stage.pid

        async def refuse(_: object) -> None:
            raise WorkerError("promotion.time", "too slow")

        with pytest.raises(WorkerError):
            await stage.promote(watched.watch(shared_object(TWICE, twice())), refuse)
        for changes in ({"ir": "1" * 64}, {"digest": "2" * 64}, {"outputs": [["v", "i32", False]]}):
            with pytest.raises(ModuleRefusedError):
                await stage.promote(watched.watch(shared_object(TWICE, twice(), **changes)), unproven)
        assert (stage.tier, stage.pid) == ("sandbox", pid)
        assert len(os.listdir("/proc/self/fd")) == before

    with_native(TWICE, body, watched)


def test_nothing_is_promoted_when_the_transform_is_out_of_use_or_closed() -> None:
    watched = Watched()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        data = shared_object(TWICE, twice())
        stage.disable("maintenance")
        with pytest.raises(TransformDisabledError):
            await stage.promote(watched.watch(data), unproven)
        stage.enable()
        await stage.aclose()
        with pytest.raises(WorkerError) as caught:
            await stage.promote(watched.watch(data), unproven)
        assert caught.value.code == "worker.closed"

    with_native(TWICE, body, watched)


def test_the_newest_inputs_are_kept_with_the_state_before_them() -> None:
    from alloy_agent.promotion.recent import Recent

    watched = Watched()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        stage.recent = Recent(stage.contract.inputs)
        await ask(stage, [1, 2, 3])
        (kept,) = stage.recent.batches()
        assert (kept.n, decode_state(kept.state)) == (3, {"n": 0})

    with_native(COUNTED, body, watched)


def test_a_version_takes_over_in_the_sandbox_when_the_one_before_was_native() -> None:
    from tests.fakes.stages import ref

    watched = Watched()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        watch: Any = watched.watch(shared_object(COUNTED, counted()))
        await stage.promote(watch, unproven)
        await ask(stage, [1, 2])
        swap = await stage.replace(ref(COUNTED.replace("A number", "One number")))
        assert (swap.state, stage.tier) == ("kept", "sandbox")
        assert watch.module._file.closed
        assert await ask(stage, [5]) == [[5], [3]]

    with_native(COUNTED, body, watched)
