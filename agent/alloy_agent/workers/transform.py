"""One transform of one pipeline, run by jailed workers: its life, its versions, its tiers, and whether it is in use.

How a batch is answered is in `answering.py`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.errors import WorkerError
from alloy_agent.native import CodedError
from alloy_agent.promotion.watch import Watch
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.answering import Answering
from alloy_agent.workers.capabilities import effective
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.notices import Notice
from alloy_agent.workers.policy import IN_USE, Policy
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.swap import Swap, carried, fits
from alloy_transforms.sandbox.answers import Example
from alloy_transforms.sandbox.contract import Contract

__all__ = ["TransformStage", "WorkerPool"]


class TransformStage(Answering):
    """Owns the workers of one transform; `start` first, `aclose` at the end. One `run` at a time.

    Args:
        pool: forks the workers, holds the places and the device's limits.
        pipeline: name of the pipeline, for messages.
        ref: file, name, params.
        fallback: the version before, which serves when this one is disabled or quarantined.
        on_log: gets what the transform prints, once per request.
        on_notice: gets what an operator should know; must not raise or wait.
        policy: when the transform is out of use.
    """

    def __init__(
        self,
        pool: WorkerPool,
        pipeline: str,
        ref: TransformRef,
        *,
        fallback: TransformRef | None = None,
        on_log: Callable[[str], None] | None = None,
        on_notice: Callable[[Notice], None] | None = None,
        policy: Policy | None = None,
    ) -> None:
        super().__init__(pool, pipeline, ref, on_log, on_notice, policy)
        self._pool = pool
        self._fallback = fallback
        self._closed = False
        self._swapped: Swap | None = None  # the last change of version or tier
        self._next: tuple[Generation, Watch | None, trio.Event] | None = None  # waits for the end of a batch

    @property
    def worker(self) -> WorkerProcess:
        """The worker that lives now, for measurements and tests."""
        if self.generation.worker is None:
            raise RuntimeError("the stage has no worker")
        return self.generation.worker

    @property
    def state(self) -> bytes:
        """STATE at the last batch boundary, as MessagePack; empty without STATE."""
        return self._state

    async def start(self, state: bytes | None = None) -> Contract:
        """Check and load the file.

        Args:
            state: where an earlier run ended, instead of the STATE of the file.

        Raises:
            TransformRefusedError: the file cannot be used.
            ForbiddenError: it needs what the policy of the device does not allow.
            ViolationError: a worker lied or attacked.
            WorkerError: no place or no worker.
        """
        self._pool.take(self)
        try:
            await self.generation.start()
        except BaseException:
            self._pool.give_back(self)
            raise
        self.accounting.generations = 1
        self._state = self.generation.first_state if state is None else state
        return self.contract

    async def aclose(self) -> None:
        """End the worker and give the place back. Harmless when repeated."""
        self._closed = True
        await self.generation.drop()
        if self.watch is not None:
            self.watch.module.close()
        self._pool.give_back(self)

    async def examples(self) -> tuple[Example, ...]:
        """EXAMPLES of the file."""
        return await self.generation.examples()

    def reset_state(self) -> None:
        """Back to the STATE of the file."""
        self._state = self.generation.first_state

    # --- out of use, and back ---
    def enable(self) -> None:
        """Put it into use again.

        Raises:
            TransformDisabledError: `transform.quarantined`.
        """
        before = self.policy.state
        self.policy.enable(self.label, time.time_ns())
        if before != IN_USE:
            self.tell("audit", "transform.enabled", text="by an operator")

    def disable(self, why: str) -> None:
        """Take it out of use: the batch in hand is finished, the next one raises."""
        self.policy.disable(why, time.time_ns())
        self.tell("audit", "transform.disabled", text=self.policy.why)

    async def rest(self, idle_s: float) -> None:
        """End the worker if nothing was asked for `idle_s`; its state is kept here."""
        if not self._busy and trio.current_time() - self._used_s >= idle_s:
            await self.generation.rest()

    # --- versions ---
    async def replace(self, ref: TransformRef) -> Swap:
        """Start the next version, warm it while the present one serves, swap between two batches, end the old one.

        STATE is carried over where the next version declares the same; else it starts from its own. Where this
        raises, the present version was not touched. The caller announces the new digest: descriptors name it.

        Raises:
            TransformRefusedError, ForbiddenError, ViolationError, WorkerError: as `start`, or `transform.contract`.
        """
        async with self._pool.replacing:
            following = Generation(self._pool, self.label, ref, self.accounting)

            async def prepare() -> None:
                await following.start()
                fits(self.label, self.contract, following.contract)
                await following.warm(carried(self._state, self.generation, following)[0])

            return await self._change(following, prepare)

    async def promote(self, watch: Watch, prove: Callable[[Generation], Awaitable[None]]) -> Swap:
        """The same version with a native module, from the next batch on; STATE goes on.

        Args:
            watch: of the module; the stage closes it from now on, also where this raises.
            prove: is given the generation with the module before it serves; what it raises, this raises.
        """
        try:
            async with self._pool.replacing:
                self.policy.refuse(self.label)
                following = self.generation.alike(watch.module, Accounting())  # a proof is no work

                async def prepare() -> None:
                    await following.ready()
                    await prove(following)
                    following.accounting = self.accounting

                return await self._change(following, prepare, watch)
        except BaseException:
            if self.watch is not watch:
                watch.module.close()
            raise

    async def demote(self) -> Swap | None:
        """The same version without its module, from the next batch on; None if there was none."""
        async with self._pool.replacing:
            if self.watch is None:
                return None
            following = self.generation.alike(None)

            async def prepare() -> None:
                await following.warm(self._state)

            return await self._change(following, prepare)

    async def _change(
        self, following: Generation, prepare: Callable[[], Awaitable[None]], watch: Watch | None = None
    ) -> Swap:
        """Prepare a generation while the present one serves, then put it in between two batches."""
        try:
            await prepare()
            if self._closed:
                raise WorkerError("worker.closed", "the stage was closed", where=self.label)
            if self._busy:
                self._next = following, watch, trio.Event()
                await self._next[2].wait()
                assert self._swapped is not None
                swap = self._swapped
            else:
                swap = self._swap(following, watch)
        except BaseException:
            if self.generation is not following:
                self._next = None
                with trio.CancelScope(shield=True):
                    await following.drop()
            raise
        await swap.old.drop()
        return swap

    def _swap(self, following: Generation, watch: Watch | None) -> Swap:
        """Between two batches; without a checkpoint, so that no batch can begin in it."""
        began = time.perf_counter_ns()
        old = self._tiers.put(following, watch)
        self._state, how = carried(self._state, old, following)
        if following.ref is not old.ref:
            self._fallback, self.ref = old.ref, following.ref
            self.policy = Policy(self.policy.max_script_batches, self.policy.max_deadly_batches)
            self.accounting.generations += 1
        held_ns = time.perf_counter_ns() - began
        swap = self._swapped = Swap(old, old.contract.digest, self.contract.digest, how, held_ns)
        if following.ref is not old.ref:
            self.tell("audit", "transform.replaced", text=f"{old.contract.digest[:12]}, state {how}")
        return swap

    async def _usable(self) -> None:
        """The version before takes over from one that failed; without one, refuse.

        Raises:
            TransformDisabledError: the transform is out of use.
        """
        if self._fallback is not None and not self.policy.by_operator:
            failed, ref, self._fallback = self.policy, self._fallback, None
            try:
                old = (await self.replace(ref)).old
            except CodedError as error:
                self.tell("audit", "transform.fallback_failed", error.code, str(error))
            else:
                self._fallback = None  # never back to the one that failed
                self.tell(
                    "audit", "transform.fell_back", failed.code, f"{old.contract.digest[:12]}: {failed.why}"
                )
        self.policy.refuse(self.label)

    def _between(self) -> None:
        if self._next is not None:
            following, watch, done = self._next
            self._next = None
            self._swap(following, watch)
            done.set()

    def facts(self) -> dict[str, Any]:
        """Plain values for status and topics."""
        contract, policy, watch = self.contract, self.policy, self.watch
        return {
            "transform": self.label,
            "tier": self.tier,
            "digest": contract.digest,
            "module": None if watch is None else watch.facts(trio.current_time()),
            "state": policy.state,
            "why": policy.why,
            "code": policy.code,
            "since_ns": policy.since_ns,
            "pid": self.pid,
            "needs": list(contract.needs),
            "effective": effective(contract.needs, self.generation.limits),
            "accounting": self.accounting.facts(),
        }
