"""Takes transforms from the sandbox to their native modules and back, and keeps what was decided over restarts.

A promotion is: a candidate, the gate, the record on disk, the swap between two batches, in this order. A way back is:
the swap first, then the record; a module in quarantine is on record before the first answer from the sandbox is
given. What the disk refuses to take holds until the next start, is tried again, and is said.
"""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import trio

from alloy_agent.config.model import Agent
from alloy_agent.errors import ModuleRefusedError, WorkerError
from alloy_agent.native import CodedError
from alloy_agent.promotion.canary import AT_ONCE
from alloy_agent.promotion.candidates import LOCAL, Candidates, Wanted
from alloy_agent.promotion.keeper import Keeper
from alloy_agent.promotion.recent import Recent
from alloy_agent.promotion.watch import Back, Watch
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.transform import TransformStage
from alloy_ota.local import Built
from alloy_ota.modules import Modules
from alloy_ota.state import Active, Demoted, Quarantined

if TYPE_CHECKING:
    from alloy_agent.promotion.gate import GateReport

OPERATOR: Final = "by an operator"
PASSING: Final = ("script.wall", "worker.")  # at start every core is busy


class Promoter:
    """Of one daemon.

    Args:
        nursery: where stages that share a module in quarantine go back.
        modules: the folder of modules; this process alone writes its record.
        agent: `modules:` and `promotion:` of agent.yaml.
        machine: processor of this host.
    """

    def __init__(
        self, nursery: trio.Nursery, modules: Modules, agent: Agent, machine: str = platform.machine()
    ) -> None:
        self.modules = modules
        self.config = agent.promotion
        self.trust = agent.modules.trust
        self.machine = machine
        self.keeper = Keeper(modules.record)
        self.candidates = Candidates(modules, self.trust)
        self.stages: list[TransformStage] = []
        self.why: dict[str, str] = {}  # place -> why it is not native
        self.later: set[TransformStage] = set()  # to be restored when the device has less to do
        self._nursery = nursery
        self._one = trio.Lock()  # one promotion or demotion at a time

    # --- life ---
    async def load(self) -> None:
        """Read what an earlier run decided; never raises for what is on the disk."""
        await trio.to_thread.run_sync(self._load)

    def _load(self) -> None:
        self.modules.record.load()
        self.modules.sweep()

    async def adopt(self, stage: TransformStage) -> None:
        """A stage has started: put it back into the tier it had. It stays in the sandbox where that fails."""
        if self.config.policy != "manual" and stage.generation.ir:
            stage.recent = Recent(stage.contract.inputs)
        self.stages.append(stage)
        await self.restore(stage)

    async def restore(self, stage: TransformStage) -> None:
        """Put a stage into the tier that is on record. Where only the moment is bad, `later` has it from now on."""
        self.later.discard(stage)
        if self._missing(stage) is not None:  # else there is nothing to wait for
            async with self._one:
                await self._restore(stage)

    def _missing(self, stage: TransformStage) -> Active | None:
        """What is on record for a stage that runs in the sandbox."""
        if stage.watch is not None:
            return None
        return self.modules.record.state.running(stage.label, stage.contract.digest)

    async def _restore(self, stage: TransformStage) -> None:
        place, active = stage.label, self._missing(stage)
        if active is None:
            return
        try:
            module = await self._module(active.module, self._wanted(stage))
            await stage.promote(self._watch(stage, module, active), _proven)
        except Exception as error:  # whatever it is: the sandbox runs, the start does not fail
            code = error.code if isinstance(error, CodedError) else "control.failed"
            what = error.what if isinstance(error, CodedError) else f"{type(error).__name__}: {error}"
            if isinstance(error, CodedError) and (error.retryable or code.startswith(PASSING)):
                self.later.add(stage)
            why = f"{active.module[:12]}: {what} [{code}]"
            if self.why.get(place) != why:
                stage.tell("alert", "module.unavailable", code, why)
            self.why[place] = why
        else:
            self.why.pop(place, None)

    def forget(self, stage: TransformStage) -> None:
        """A stage was closed."""
        self.later.discard(stage)
        if stage in self.stages:
            self.stages.remove(stage)

    # --- what operators and the policy ask ---
    async def promote(self, stage: TransformStage, module: str = "") -> dict[str, Any]:
        """Run a stage native.

        Args:
            module: digest of the module; empty: the newest that fits.

        Returns:
            The module, what the gate compared, how the swap went.

        Raises:
            ModuleRefusedError: `load.*`, `build.diff`, `promotion.quarantined`: not this module.
            WorkerError: `promotion.*`, or no worker; TransformDisabledError: the transform is out of use.
            OtaError: the store, its record of the module, or the disk.
        """
        async with self._one:
            built = await self.candidate(stage, module)
            if stage.watch is not None and stage.watch.module.sha256 == built.module:
                return {"transform": stage.label, "module": built.module, "already": True}
            try:
                return await self._promote(stage, built)
            except CodedError as error:
                self.why[stage.label] = f"{built.module[:12]}: {error.what} [{error.code}]"
                raise

    async def candidate(self, stage: TransformStage, module: str = "") -> Built:
        """The module a stage could run; errors as `promote`."""
        wanted = self._wanted(stage)

        def look() -> Built:
            return self.candidates.check(module, wanted) if module else self.candidates.find(wanted)

        return await trio.to_thread.run_sync(look)

    async def _promote(self, stage: TransformStage, built: Built) -> dict[str, Any]:
        module = await self._module(built.module, self._wanted(stage))
        active = Active(
            stage.label, stage.contract.digest, built.module, time.time_ns(), self.config.canary.for_s
        )
        proven: list[GateReport] = []

        async def prove(following: Generation) -> None:
            proven.append(await self._gate(stage, following, built))
            await self.keeper.promoted(active)

        swap = await stage.promote(self._watch(stage, module, active), prove)
        (report,) = proven
        self.why.pop(stage.label, None)
        if (banned := self.modules.record.state.banned(built.module)) is not None:
            await self._leave(stage, banned.why)  # another stage found its fault meanwhile
            raise ModuleRefusedError(banned.code, banned.why, where=stage.label, got=built.module)
        facts = {
            "transform": stage.label,
            "module": built.module,
            "gate": report.facts(),
            "state": swap.state,
            "held_us": swap.held_ns // 1000,
        }
        text = f"{built.module[:12]}, {report.examples + report.recorded + report.generated} inputs compared"
        stage.tell("audit", "transform.promoted", "", text, evidence=facts)
        return facts

    async def _gate(self, stage: TransformStage, following: Generation, built: Built) -> GateReport:
        """Compare the tiers; a module that differs or dies is in quarantine.

        Raises:
            ModuleRefusedError: it must not serve.
        """
        from alloy_agent.promotion.gate import DifferError, Gate  # a device that never promotes goes without

        judge = following.alike(None, Accounting())
        try:
            return await Gate(stage.label, judge, following).run(
                stage.recent.batches() if stage.recent else ()
            )
        except ModuleRefusedError as error:
            if error.code == "build.diff" or error.code.startswith(AT_ONCE):
                shown = error.evidence if isinstance(error, DifferError) else dict(error.context)
                await self._quarantine(stage, built.module, Back(True, error.code, error.what, shown))
                text, shown = f"{built.module[:12]}: {error.what}", {"module": built.module, **shown}
                stage.tell("audit", "module.quarantined", error.code, text, evidence=shown)
            raise
        finally:
            with trio.CancelScope(shield=True):
                await judge.drop()

    async def demote(self, stage: TransformStage, why: str = OPERATOR) -> dict[str, Any]:
        """Run a stage in the sandbox; on disk when this returns.

        Raises:
            WorkerError: `promotion.not_native`; or no worker.
            OtaError: it runs in the sandbox, and would be native again after a restart.
        """
        async with self._one:
            watch = stage.watch
            if watch is None:
                raise WorkerError(
                    "promotion.not_native", "the transform runs in the sandbox already", where=stage.label
                )
            module, transform = watch.module.sha256, stage.contract.digest
            swap = await stage.demote()
            await self.keeper.went_back(Demoted(stage.label, transform, module, why[:200], time.time_ns()))
            self.why[stage.label] = why
            stage.tell("audit", "transform.demoted", "", f"{module[:12]}: {why}")
            return {
                "transform": stage.label,
                "module": module,
                "state": swap.state if swap is not None else "none",
                "held_us": swap.held_ns // 1000 if swap is not None else 0,
            }

    # --- what stages say ---
    async def _went_back(self, stage: TransformStage, module: str, back: Back) -> None:
        """A stage went back by itself; its answer waits until this is on disk, or the disk has refused."""
        self.why[stage.label] = f"{back.why} [{back.code}]"
        if back.quarantine:
            await self._quarantine(stage, module, back)
        else:
            entry = Demoted(stage.label, stage.contract.digest, module, back.why[:200], time.time_ns())
            await self._safe(stage, lambda: self.keeper.went_back(entry))
            self._others_leave(stage, module, stage.label)

    async def _quarantine(self, stage: TransformStage, module: str, back: Back) -> None:
        entry = Quarantined(
            module, stage.label, stage.contract.digest, back.code, back.why[:200], time.time_ns()
        )
        await self._safe(stage, lambda: self.keeper.banned(entry))
        self._others_leave(stage, module)

    def _others_leave(self, stage: TransformStage, module: str, place: str = "") -> None:
        """Other stages that run the same module go back, too: all of them, or those of one place."""
        for other in self.stages:
            here = other.watch is not None and other.watch.module.sha256 == module
            if here and other is not stage and place in ("", other.label):
                self.why[other.label] = f"{self.why.get(stage.label, '')}, found at {stage.label}"
                self._nursery.start_soon(self._leave, other, self.why[other.label])
                assert other.watch is not None
                other.watch.revoked = self.why[other.label]  # now: its next batch may begin before that task

    async def _leave(self, stage: TransformStage, why: str) -> None:
        if stage.watch is not None:
            stage.watch.revoked = why
        await stage.settle()

    async def _safe(self, stage: TransformStage, write: Callable[[], Any]) -> None:
        """Write; what the disk refuses is kept for later, and said."""
        try:
            await write()
        except CodedError as error:
            stage.tell("alert", "module.unsaved", error.code, error.what)

    # --- helpers ---
    def left(self, stage: TransformStage, module: str) -> str:
        """Why the stage went back from a module before; empty where it did not."""
        entry = self.modules.record.state.left(stage.label, stage.contract.digest, module)
        return "" if entry is None else entry.why

    def why_not(self, stage: TransformStage) -> str:
        """Why a stage is in the sandbox; empty where it is not."""
        if stage.watch is not None:
            return ""
        if not stage.generation.ir:
            return f"not portable: {stage.generation.reason or 'a gateway transform'}"
        if stage.label in self.why:
            return self.why[stage.label]
        if self.trust != LOCAL:
            return "modules.trust is signed, and no signed update has brought a module"
        return "nobody promoted it"

    async def retry(self) -> None:
        """Write what the disk has refused before, if anything."""
        with contextlib.suppress(CodedError):
            await self.keeper.again()

    def facts(self) -> dict[str, Any]:
        """What status says of modules as a whole."""
        state = self.modules.record.state
        return {
            "trust": self.trust,
            "policy": self.config.policy,
            "folder": self.modules.folder,
            "active": len(state.active),
            "quarantined": len(state.quarantined),
            "unsaved": len(self.keeper.waiting),
            "problems": self.modules.record.problems,
        }

    def _wanted(self, stage: TransformStage) -> Wanted:
        generation = stage.generation
        return Wanted(stage.label, stage.contract.digest, generation.ir, generation.reason, self.machine)

    async def _module(self, digest: str, wanted: Wanted) -> NativeModule:
        """The bytes of a trusted module, sealed; errors as `promote`."""

        def read() -> NativeModule:
            self.candidates.check(digest, wanted)
            return NativeModule.read(self.modules.objects.get(digest), digest)

        return await trio.to_thread.run_sync(read)

    def _watch(self, stage: TransformStage, module: NativeModule, active: Active) -> Watch:
        async def back(why: Back) -> None:
            await self._went_back(stage, module.sha256, why)

        return Watch(module, self.config, active.canary_left_s, active.since_ns, trio.current_time(), back)

    async def save_canaries(self) -> None:
        """Write what is left of canary windows, where that has changed."""
        now = trio.current_time()
        windows = sorted(
            (s.watch.canary.left_s(now), s.label, s.contract.digest)
            for s in self.stages
            if s.watch is not None
        )
        left = {(place, transform): left_s for left_s, place, transform in windows}  # of several, the longest
        try:
            await self.keeper.canary(left)
        except CodedError:
            return  # the window is longer than it need be after a restart


async def _proven(following: Generation) -> None:
    """What was promoted once needs no other proof than its digest."""
