"""Promotions that last: what is decided is on disk before it counts, and a start with anything on the disk goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.fakes.disk import MemoryDisk
from tests.fakes.native_stage import (
    COUNTED,
    DECLINES,
    TWICE,
    WRONG,
    Watched,
    admitted,
    ask,
    counted,
    twice,
)
from tests.fakes.stages import ref
from tests.fakes.trio_run import until

from alloy_agent.config.model import Agent, Canary, Promotion, Workers
from alloy_agent.config.model import Modules as Trust
from alloy_agent.errors import ModuleRefusedError, WorkerError
from alloy_agent.native import CodedError
from alloy_agent.promotion import gate
from alloy_agent.promotion.promoter import Promoter
from alloy_agent.promotion.watch import Watch
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_ota.errors import DiskError
from alloy_ota.modules import Modules
from alloy_ota.state import Active

pytestmark = pytest.mark.slow

LOCAL = Agent(modules=Trust(trust="local"), promotion=Promotion(canary=Canary(every=1)))


@pytest.fixture(autouse=True)
def few_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate has tests of its own."""
    monkeypatch.setattr(gate, "GENERATED", 256)


class Device:
    """One run of a device: a pool, a promoter, stages of one source; the folder outlives it."""

    def __init__(self, modules: Modules, nursery: trio.Nursery, agent: Agent, watched: Watched) -> None:
        self.modules = modules
        self.watched = watched
        self.pool = WorkerPool(nursery, Workers(max=4, wall_ms=300, first_wall_ms=5000))
        self.promoter = Promoter(nursery, modules, agent)
        self.stages: list[TransformStage] = []

    async def stage(self, source: str, pipeline: str = "p") -> TransformStage:
        made = TransformStage(self.pool, pipeline, ref(source), on_notice=self.watched.tell)
        await made.start()
        self.stages.append(made)
        await self.promoter.adopt(made)
        return made

    def names(self) -> list[str]:
        return [n.name for n in self.watched.notices]


Body = Callable[[Device], Awaitable[None]]


def run(modules: Modules, body: Body, agent: Agent = LOCAL) -> None:
    """One run of a device, to its end."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            device = Device(modules, nursery, agent, Watched())
            await device.promoter.load()
            try:
                await body(device)
            finally:
                for stage in device.stages:
                    await stage.aclose()
                await device.pool.aclose()

    trio.run(main)


@pytest.fixture
def disk() -> MemoryDisk:
    return MemoryDisk()


def on(disk: MemoryDisk) -> Modules:
    return Modules("/modules", disk=disk)


def test_the_same_tier_runs_again_when_the_daemon_starts_anew(disk: MemoryDisk) -> None:
    built = admitted(on(disk), COUNTED, counted())

    async def first(device: Device) -> None:
        stage = await device.stage(COUNTED)
        assert device.promoter.why_not(stage) == "nobody promoted it"
        facts = await device.promoter.promote(stage)
        assert facts["module"] == built.module
        assert facts["gate"]["generated"] == gate.GENERATED
        assert stage.tier == "native"
        assert device.promoter.why_not(stage) == ""
        assert await device.promoter.promote(stage) == {
            "transform": "p/t", "module": built.module, "already": True,
        }  # fmt: skip
        assert device.names() == ["transform.promoted"]
        assert device.watched.notices[0].evidence == facts

    async def again(device: Device) -> None:
        other = await device.stage(COUNTED, "q")
        stage = await device.stage(COUNTED)
        assert (stage.tier, other.tier) == ("native", "sandbox")
        assert await ask(stage, [4]) == [[4], [1]]
        assert device.promoter.facts()["active"] == 1
        await device.promoter.demote(stage)

    async def last(device: Device) -> None:
        stage = await device.stage(COUNTED)
        assert stage.tier == "sandbox"
        assert device.promoter.left(stage, built.module) == "by an operator"

    run(on(disk), first)
    run(on(disk), again)
    run(on(disk), last)


def test_what_is_left_of_the_canary_goes_over_a_restart(disk: MemoryDisk) -> None:
    built = admitted(on(disk), TWICE, twice())
    state = on(disk).record
    state.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 100.0)))

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        assert stage.watch is not None
        assert 90 < stage.watch.canary.left_s(trio.current_time()) <= 100
        stage.watch.canary._end_s -= 50
        await device.promoter.save_canaries()
        assert device.modules.record.state.active[0].canary_left_s <= 50

    run(on(disk), body)


def test_the_tier_comes_back_later_when_only_the_moment_was_bad(
    disk: MemoryDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = admitted(on(disk), TWICE, twice())
    on(disk).record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 100.0)))

    async def body(device: Device) -> None:
        real = TransformStage.promote

        async def busy(_self: object, watch: Watch, _prove: object) -> None:
            watch.module.close()
            raise WorkerError("worker.zygote", "the zygote does not come up", retryable=True)

        monkeypatch.setattr(TransformStage, "promote", busy)
        stage = await device.stage(TWICE)
        assert stage.tier == "sandbox"
        await device.promoter.restore(stage)
        assert device.names() == ["module.unavailable"]  # said once
        assert device.promoter.later == {stage}
        monkeypatch.setattr(TransformStage, "promote", real)
        await device.promoter.restore(stage)
        assert (stage.tier, device.promoter.later) == ("native", set())
        assert device.promoter.why_not(stage) == ""

    run(on(disk), body)


def damage(disk: MemoryDisk, module: str) -> None:
    disk.folders["/modules/objects"].names[module].data += b"x"


def lose(disk: MemoryDisk, module: str) -> None:
    del disk.folders["/modules/objects"].names[module]


def forget(disk: MemoryDisk, module: str) -> None:
    del disk.folders["/modules/built"].names[f"{module}.json"]


@pytest.mark.parametrize(
    ("what", "code"), [(damage, "ota.hash"), (lose, "ota.missing"), (forget, "load.signature")]
)
def test_the_sandbox_runs_and_it_is_said_when_the_module_cannot_be_had_at_start(
    disk: MemoryDisk, what: Callable[[MemoryDisk, str], None], code: str
) -> None:
    built = admitted(on(disk), TWICE, twice())
    on(disk).record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 100.0)))
    what(disk, built.module)

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        assert await ask(stage, [1, 2]) == [[2, 4]]
        assert stage.tier == "sandbox"
        (notice,) = device.watched.notices
        assert (notice.kind, notice.name, notice.code) == ("alert", "module.unavailable", code)
        assert code in device.promoter.why_not(stage)

    run(on(disk), body)


def test_the_sandbox_runs_when_the_device_trusts_signed_modules_only(disk: MemoryDisk) -> None:
    built = admitted(on(disk), TWICE, twice())
    on(disk).record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 100.0)))

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        assert stage.tier == "sandbox"
        assert device.watched.notices[0].code == "load.signature"
        other = await device.stage(TWICE, "q")
        assert "no signed update" in device.promoter.why_not(other)
        with pytest.raises(ModuleRefusedError) as caught:
            await device.promoter.promote(stage, built.module)
        assert caught.value.code == "load.signature"

    run(on(disk), body, Agent())


def test_the_sandbox_runs_when_the_record_is_torn(disk: MemoryDisk) -> None:
    built = admitted(on(disk), TWICE, twice())
    on(disk).record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 100.0)))
    disk.folders["/modules"].names["state.0"].data = b"torn"

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        assert stage.tier == "sandbox"
        assert len(device.promoter.facts()["problems"]) == 1
        await device.promoter.promote(stage)
        assert stage.tier == "native"

    run(on(disk), body)


def test_nothing_is_promoted_when_the_disk_is_full(disk: MemoryDisk) -> None:
    admitted(on(disk), TWICE, twice())

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        disk.room = 10
        with pytest.raises(DiskError):
            await device.promoter.promote(stage)
        assert stage.tier == "sandbox"
        assert device.names() == []
        assert "ota.disk" in device.promoter.why_not(stage)
        disk.room = None
        await device.promoter.promote(stage)
        assert stage.tier == "native"
        assert await ask(stage, [1]) == [[2]]

    run(on(disk), body)


def test_a_module_is_banned_for_good_when_the_gate_finds_a_difference(disk: MemoryDisk) -> None:
    wrong = admitted(on(disk), TWICE, twice(value="2 * x[i] ^ (x[i] == 255)"), at=2)
    admitted(on(disk), TWICE, twice(), at=1)

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        with pytest.raises(ModuleRefusedError) as caught:
            await device.promoter.promote(stage)
        assert caught.value.code == "build.diff"
        (notice,) = device.watched.notices
        assert notice.name == "module.quarantined"
        assert notice.evidence["input"] == {"x": 255}
        assert notice.evidence["module"] == wrong.module
        assert stage.tier == "sandbox"
        with pytest.raises(ModuleRefusedError) as caught:
            await device.promoter.promote(stage, wrong.module)
        assert caught.value.code == "promotion.quarantined"
        await device.promoter.promote(stage)  # the next best one
        assert stage.tier == "native"

    run(on(disk), body)
    assert on(disk).record.peek().banned(wrong.module) is not None


def test_a_module_is_on_record_as_banned_before_the_right_answer_is_given(disk: MemoryDisk) -> None:
    built = admitted(on(disk), TWICE, WRONG)
    record = on(disk).record
    record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 90.0)))
    record.update(lambda s: s.promoted(Active("q/t", built.transform, built.module, 5, 90.0)))

    async def body(device: Device) -> None:
        stage, other = await device.stage(TWICE), await device.stage(TWICE, "q")
        assert (stage.tier, other.tier) == ("native", "native")

        assert await ask(stage, range(10)) == [[2 * i for i in range(10)]]

        banned = on(disk).record.peek()
        assert banned.banned(built.module) is not None
        assert banned.active == ()
        assert stage.tier == "sandbox"
        with trio.fail_after(60):
            while len(device.names()) < 2:  # noqa: ASYNC110 - it goes back by itself, between two batches
                await trio.sleep(0.01)
        assert "found at p/t" in device.promoter.why_not(other)
        assert device.names() == ["module.quarantined", "transform.demoted"]
        assert other.tier == "sandbox"

    run(on(disk), body)


def test_a_banned_module_answers_nowhere_when_another_promotion_holds_the_pool(disk: MemoryDisk) -> None:
    built = admitted(on(disk), TWICE, WRONG)
    record = on(disk).record
    record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 90.0)))
    record.update(lambda s: s.promoted(Active("q/t", built.transform, built.module, 5, 90.0)))
    seldom = Agent(modules=Trust(trust="local"), promotion=Promotion(canary=Canary(every=100)))

    async def body(device: Device) -> None:
        stage, other = await device.stage(TWICE), await device.stage(TWICE, "q")
        assert await ask(other, [1]) == [[2]]  # the one of a hundred that is compared
        async with device.pool.replacing:  # as a gate does for seconds
            assert await ask(stage, [7]) == [[14]]

            assert await ask(other, [7]) == [[14]]
            assert other.tier == "sandbox"
        assert device.names() == ["module.quarantined", "transform.demoted"]

    run(on(disk), body, seldom)


def test_the_module_of_an_operator_stays_when_a_late_restore_comes_behind_it(
    disk: MemoryDisk,
) -> None:
    old = admitted(on(disk), TWICE, twice())
    record = on(disk).record
    record.update(lambda s: s.promoted(Active("p/t", old.transform, old.module, 5, 90.0)))

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        await stage.demote()  # as if the moment of the start had been bad
        new = admitted(device.modules, TWICE, twice(before='__asm__ volatile ("nop");'), at=2)

        async with trio.open_nursery() as nursery:
            await device.pool.replacing.acquire()
            nursery.start_soon(device.promoter.promote, stage, new.module)
            await until(lambda: device.pool.replacing.statistics().tasks_waiting == 1)
            nursery.start_soon(device.promoter.restore, stage)
            await trio.sleep(0.05)  # it waits for the other, or did not see it
            device.pool.replacing.release()

        assert stage.watch is not None
        running = device.modules.record.state.running("p/t", stage.contract.digest)
        assert running is not None
        assert stage.watch.module.sha256 == new.module == running.module

    run(on(disk), body)


def test_the_right_answer_is_given_when_the_disk_does_not_take_the_ban(disk: MemoryDisk) -> None:
    built = admitted(on(disk), TWICE, WRONG)
    on(disk).record.update(lambda s: s.promoted(Active("p/t", built.transform, built.module, 5, 90.0)))

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        disk.room = 10
        assert await ask(stage, range(10)) == [[2 * i for i in range(10)]]
        assert device.names() == ["module.unsaved", "module.quarantined"]
        assert device.promoter.facts()["unsaved"] == 1
        with pytest.raises(ModuleRefusedError) as caught:
            await device.promoter.promote(stage, built.module)
        assert caught.value.code == "promotion.quarantined"
        disk.room = None
        await device.promoter.retry()
        assert device.promoter.facts()["unsaved"] == 0

    run(on(disk), body)
    assert on(disk).record.peek().banned(built.module) is not None


def test_a_place_stays_in_the_sandbox_over_a_restart_when_its_module_declined_too_much(
    disk: MemoryDisk,
) -> None:
    built = admitted(on(disk), TWICE, DECLINES)
    agent = Agent(modules=Trust(trust="local"), promotion=Promotion(decline_window=100))

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        await device.promoter.promote(stage)
        for _ in range(6):
            await ask(stage, range(20))
        assert stage.tier == "sandbox"
        assert "left 10.0% of 100 records" in device.promoter.why_not(stage)
        assert device.names() == ["transform.promoted", "transform.demoted"]

    async def again(device: Device) -> None:
        stage = await device.stage(TWICE)
        assert stage.tier == "sandbox"
        assert "10.0%" in device.promoter.left(stage, built.module)
        await device.promoter.promote(stage)  # an operator may
        assert stage.tier == "native"

    run(on(disk), body, agent)
    run(on(disk), again, agent)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"arch": "riscv64"}, "load.arch"),
        ({"abi": 9}, "load.abi"),
        ({"ir": "1" * 64}, "load.hash"),
        ({"transform": "1" * 64}, "load.hash"),
    ],
)
def test_a_module_is_refused_when_it_is_of_something_else(
    disk: MemoryDisk, changes: dict[str, Any], code: str
) -> None:
    built = admitted(on(disk), TWICE, twice(), **changes)

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        for module, expected in ((built.module, code), ("", "promotion.no_candidate")):
            with pytest.raises(CodedError) as caught:
                await device.promoter.promote(stage, module)
            assert caught.value.code == expected
        assert stage.tier == "sandbox"

    run(on(disk), body)


def test_a_module_is_refused_when_its_record_is_forged_and_its_bytes_are_of_another_transform(
    disk: MemoryDisk,
) -> None:
    """The record of this host says it fits; the schema in the file says otherwise."""
    wanted = admitted(on(disk), TWICE, twice())
    other = admitted(on(disk), COUNTED, counted(), at=2, transform=wanted.transform, ir=wanted.ir)

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        with pytest.raises(ModuleRefusedError) as caught:
            await device.promoter.promote(stage, other.module)
        assert caught.value.code == "load.hash"
        assert stage.tier == "sandbox"

    run(on(disk), body)


def test_a_transform_that_is_not_native_cannot_be_demoted_nor_a_gateway_one_promoted(
    disk: MemoryDisk,
) -> None:
    gateway = "import json\n" + TWICE

    async def body(device: Device) -> None:
        stage = await device.stage(gateway)
        with pytest.raises(WorkerError) as caught:
            await device.promoter.demote(stage)
        assert caught.value.code == "promotion.not_native"
        with pytest.raises(WorkerError) as caught:
            await device.promoter.promote(stage)
        assert caught.value.code == "promotion.not_portable"
        assert device.promoter.why_not(stage).startswith("not portable")
        assert stage.recent is None

    run(on(disk), body)


def test_a_real_folder_serves_as_well_as_the_one_in_memory(tmp_path: Path) -> None:
    admitted(Modules(tmp_path / "modules"), TWICE, twice())

    async def body(device: Device) -> None:
        stage = await device.stage(TWICE)
        await device.promoter.promote(stage)

    async def again(device: Device) -> None:
        assert (await device.stage(TWICE)).tier == "native"

    run(Modules(tmp_path / "modules"), body)
    run(Modules(tmp_path / "modules"), again)
