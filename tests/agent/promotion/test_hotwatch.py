"""The daemon's look at hot transforms: proposals, promotions and builds, each once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
import trio.testing
from tests.fakes.disk import MemoryDisk
from tests.fakes.native_stage import DECLINES, TWICE, WRONG, Watched, admitted, ask, twice
from tests.fakes.stages import ref

from alloy_agent.config.model import Agent, Promotion, Workers
from alloy_agent.config.model import Modules as Trust
from alloy_agent.errors import WorkerError
from alloy_agent.promotion import gate
from alloy_agent.promotion.hotwatch import Build, HotWatch
from alloy_agent.promotion.promoter import Promoter
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.transform import TransformStage
from alloy_ota.modules import Modules

pytestmark = pytest.mark.slow

OVER_S = 20.0


@pytest.fixture(autouse=True)
def few_generated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "GENERATED", 64)


class Scene:
    """One stage and the daemon's look at it; work is added by hand, time by a clock of the test's own."""

    def __init__(self, hot: HotWatch, stage: TransformStage, watched: Watched) -> None:
        self.hot = hot
        self.stage = stage
        self.watched = watched

    async def work(self, share: float) -> None:
        """Some seconds pass, of which the transform takes a share, and the daemon looks."""
        await self.hot.look()
        for _ in range(2):
            await ask(self.stage, range(20))
        self.stage.accounting.cpu_ns += int(share * OVER_S * 1e9)
        await self.hot.look()

    def names(self) -> list[str]:
        return [n.name for n in self.watched.notices]


def scene(
    body: Callable[[Scene], Awaitable[None]],
    modules: Modules,
    build_with: Build | None = None,
    **promotion: Any,
) -> None:
    agent = Agent(modules=Trust(trust="local"), promotion=Promotion(over_s=OVER_S, **promotion))

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            watched = Watched()
            pool = WorkerPool(nursery, Workers(max=2, wall_ms=300, first_wall_ms=5000))
            promoter = Promoter(nursery, modules, agent)
            await promoter.load()
            hot = HotWatch(promoter, nursery, build_with)
            stage = TransformStage(pool, "p", ref(TWICE), on_notice=watched.tell)
            try:
                await stage.start()
                await promoter.adopt(stage)
                await body(Scene(hot, stage, watched))
            finally:
                await stage.aclose()
                await pool.aclose()

    trio.run(main)


@pytest.fixture
def modules() -> Modules:
    return Modules("/modules", disk=MemoryDisk())


def test_a_hot_transform_is_proposed_with_the_evidence_once_a_window(modules: Modules) -> None:
    async def body(s: Scene) -> None:
        await s.work(0.01)
        assert s.names() == []
        assert s.hot.facts(s.stage)["hot"]["hot"] is False
        await s.work(0.10)
        await s.work(0.10)
        (notice,) = s.watched.notices
        assert (notice.kind, notice.name) == ("audit", "hot.proposed")
        assert notice.evidence["hot"] is True
        assert notice.evidence["share"] >= 0.05
        assert notice.evidence["records"] >= 80
        assert notice.evidence["candidate"] == ""
        assert notice.evidence["looked_for"].startswith("transform ")
        assert "alloy-edge build" in notice.text
        s.hot._seen[s.stage].proposals._next_s = 0.0  # a window later
        await s.work(0.10)
        assert s.names() == ["hot.proposed", "hot.proposed"]

    scene(body, modules)


def test_a_proposal_names_the_module_when_there_is_one(modules: Modules) -> None:
    admitted(modules, TWICE, twice())

    async def body(s: Scene) -> None:
        await s.work(0.5)
        assert s.watched.notices[0].evidence["candidate"] == "in the store"
        assert "alloy-edge promote p/t" in s.watched.notices[0].text
        assert s.stage.tier == "sandbox"

    scene(body, modules)


def test_a_hot_transform_runs_native_when_the_policy_is_auto(modules: Modules) -> None:
    admitted(modules, TWICE, twice())

    async def body(s: Scene) -> None:
        await s.work(0.5)
        assert s.stage.tier == "native"
        assert s.names() == ["transform.promoted"]
        assert s.watched.notices[0].evidence["gate"]["recorded"] > 0  # live inputs were at hand
        await s.work(0.5)
        assert s.names() == ["transform.promoted"]

    scene(body, modules, policy="auto")


def test_nothing_is_promoted_again_by_itself_when_it_was_demoted(modules: Modules) -> None:
    admitted(modules, TWICE, DECLINES)

    async def body(s: Scene) -> None:
        await s.work(0.5)
        for _ in range(8):
            await ask(s.stage, range(20))
        assert s.stage.tier == "sandbox"
        s.hot._seen[s.stage].proposals._next_s = 0.0
        await s.work(0.5)
        assert s.names() == ["transform.promoted", "transform.demoted"]
        assert "left 10.0%" in s.hot.facts(s.stage)["not_native"]
        assert s.stage.tier == "sandbox"

    scene(body, modules, policy="auto", decline_window=100)


def test_the_sandbox_goes_on_when_the_module_of_an_automatic_promotion_is_wrong(modules: Modules) -> None:
    admitted(modules, TWICE, WRONG)

    async def body(s: Scene) -> None:
        await s.work(0.5)
        assert s.names() == ["module.quarantined", "transform.not_promoted"]
        assert s.watched.notices[1].code == "build.diff"
        s.hot._seen[s.stage].proposals._next_s = 0.0
        await s.work(0.5)
        assert s.names()[2:] == ["hot.proposed"]
        assert "in quarantine" in s.watched.notices[-1].evidence["found"]
        assert "build.diff" in s.hot.facts(s.stage)["not_native"]

    scene(body, modules, policy="auto")


def test_nothing_happens_when_the_policy_is_manual(modules: Modules) -> None:
    admitted(modules, TWICE, twice())

    async def body(s: Scene) -> None:
        assert s.stage.recent is None
        await s.work(0.9)
        assert s.names() == []
        assert s.hot.facts(s.stage)["hot"]["hot"] is True
        await s.hot.promote(s.stage)
        assert s.stage.tier == "native"

    scene(body, modules, policy="manual")


def test_the_evidence_goes_out_when_an_operator_asks_and_there_is_no_module(modules: Modules) -> None:
    async def body(s: Scene) -> None:
        with pytest.raises(WorkerError) as caught:
            await s.hot.promote(s.stage)
        assert caught.value.code == "promotion.no_candidate"
        assert s.names() == ["hot.proposed"]

    scene(body, modules)


def test_the_module_is_built_once_and_taken_when_this_host_builds(modules: Modules) -> None:
    built: list[str] = []

    async def build(stage: TransformStage) -> bool:
        built.append(stage.label)
        admitted(modules, TWICE, twice())
        return True

    async def body(s: Scene) -> None:
        await s.work(0.5)
        await trio.testing.wait_all_tasks_blocked()
        await s.work(0.5)
        assert built == ["p/t"]
        assert s.names() == ["module.built", "transform.promoted"]

    scene(body, modules, build_with=build, policy="auto", build="local")


def test_a_failed_build_is_said_and_not_tried_again(modules: Modules) -> None:
    async def build(_stage: TransformStage) -> bool:
        raise WorkerError("ota.disk", "the module was not built")

    async def body(s: Scene) -> None:
        await s.work(0.5)
        await trio.testing.wait_all_tasks_blocked()
        await s.work(0.5)
        assert s.names() == ["module.not_built", "hot.proposed"]
        assert s.watched.notices[0].code == "ota.disk"

    scene(body, modules, build_with=build, build="local")
