"""Looks at every transform now and then: which are hot, and what the policy makes of it. The daemon runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import trio

from alloy_agent.errors import WorkerError
from alloy_agent.native import CodedError
from alloy_agent.promotion.candidates import LOCAL
from alloy_agent.promotion.hot import PARTS, Heat, HotTracker, Totals
from alloy_agent.promotion.policy import Act, Proposals
from alloy_agent.promotion.promoter import Promoter
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.transform import TransformStage

LOOK_MAX_S: Final = 5.0
SAVE_S: Final = 300.0  # between two writes of canary windows: what a restart may add to them
Build = Callable[[TransformStage], Awaitable[bool]]


@dataclass(slots=True)
class _Seen:
    """What is known of one version of one stage."""

    digest: str
    tracker: HotTracker
    proposals: Proposals
    heat: Heat | None = None
    building: bool = False


class HotWatch:
    """Of one daemon.

    Args:
        build: makes the module of a stage and says whether there is one then; None where this host does not build.
    """

    def __init__(self, promoter: Promoter, nursery: trio.Nursery, build: Build | None = None) -> None:
        self.promoter = promoter
        self._config = promoter.config
        self._nursery = nursery
        self._build = build
        self._seen: dict[TransformStage, _Seen] = {}
        self._saved_s = trio.current_time()

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await trio.sleep(min(LOOK_MAX_S, self._config.over_s / PARTS))
            await self.look()

    async def look(self) -> None:
        """Look once at every stage, act, and write what waits."""
        now = trio.current_time()
        stages = tuple(self.promoter.stages)
        self._seen = {stage: seen for stage, seen in self._seen.items() if stage in stages}
        for stage in stages:
            if stage in self.promoter.later:
                await self.promoter.restore(stage)
            seen = self._of(stage, now)
            seen.heat = seen.tracker.look(totals(stage.accounting), now)
            native = stage.watch is not None or not stage.generation.ir or seen.building
            if seen.proposals.due(hot=seen.heat.hot, native=native, now_s=now):
                await self._act(stage, seen, now)
        if now - self._saved_s >= SAVE_S:
            self._saved_s = now
            await self.promoter.save_canaries()
        await self.promoter.retry()

    async def promote(self, stage: TransformStage, module: str = "") -> dict[str, Any]:
        """As `Promoter.promote`; where there is no candidate, the evidence goes out as an event as well."""
        try:
            return await self.promoter.promote(stage, module)
        except WorkerError as error:
            if error.code == "promotion.no_candidate":
                self._propose(stage, error)
            raise

    def facts(self, stage: TransformStage) -> dict[str, Any]:
        """What status says of one stage."""
        seen = self._seen.get(stage)
        return {
            "hot": seen.heat.facts() if seen is not None and seen.heat is not None else None,
            "not_native": self.promoter.why_not(stage),
        }

    def _of(self, stage: TransformStage, now: float) -> _Seen:
        seen = self._seen.get(stage)
        if seen is None or seen.digest != stage.contract.digest:
            config = self._config
            build = self._build is not None and config.build == "local" and self.promoter.trust == LOCAL
            seen = self._seen[stage] = _Seen(
                stage.contract.digest,
                HotTracker(config.share, config.over_s, now, totals(stage.accounting)),
                Proposals(config.policy, build=build, over_s=config.over_s),
            )
        return seen

    async def _act(self, stage: TransformStage, seen: _Seen, now: float) -> None:
        problem: CodedError | None = None
        demoted = False
        try:
            built = await self.promoter.candidate(stage)
            demoted = bool(self.promoter.left(stage, built.module))
        except CodedError as error:
            problem = error
        act = seen.proposals.decide(
            candidate=problem is None and not demoted, buildable=problem is not None, now_s=now
        )
        if act is Act.BUILD:
            seen.building = True
            self._nursery.start_soon(self._built, stage, seen)
        elif act is Act.PROMOTE:
            await self._promote(stage)
        elif not demoted:  # what somebody took out on purpose is not proposed again; status says why
            self._propose(stage, problem)

    async def _promote(self, stage: TransformStage) -> None:
        try:
            await self.promoter.promote(stage)
        except CodedError as error:
            stage.tell("audit", "transform.not_promoted", error.code, error.what)

    async def _built(self, stage: TransformStage, seen: _Seen) -> None:
        """Have the module built; the next look finds it, or proposes."""
        assert self._build is not None
        try:
            if await self._build(stage):
                stage.tell("audit", "module.built", text="this host built it")
        except (CodedError, OSError) as error:
            code, what = (
                (error.code, error.what) if isinstance(error, CodedError) else ("ota.disk", str(error))
            )
            self.promoter.why[stage.label] = f"{what} [{code}]"
            stage.tell("audit", "module.not_built", code, what)
        finally:
            seen.building = False

    def _propose(self, stage: TransformStage, problem: CodedError | None) -> None:
        seen = self._seen.get(stage)
        evidence: dict[str, Any] = seen.heat.facts() if seen is not None and seen.heat is not None else {}
        if problem is not None:
            evidence |= {"candidate": "", "looked_for": problem.expected, "found": problem.got}
            text = f"{problem.what} ({problem.got}); {problem.hint}"
        else:
            text = f"a module is there: alloy-edge promote {stage.label}"
            evidence |= {"candidate": "in the store"}
        stage.tell("audit", "hot.proposed", "", text, evidence=evidence)


def totals(account: Accounting) -> Totals:
    """What a stage has done so far."""
    errors = sum(count for code, count in account.errors.items() if code.startswith("script."))
    return Totals(account.calls, account.inputs, account.cpu_ns, account.declined, errors, account.deaths)
