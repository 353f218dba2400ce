"""One transform of one pipeline, run by jailed workers: respawn, poison search, state, policy, accounts, versions.

Every input of a batch comes back exactly once: as rows or as an error. A worker that dies costs time, never an
input; `offers.py` says what is asked again, `policy.py` when it is enough. Where `run` raises, nothing of the
batch was answered and the state is that of before it.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.errors import TransformRefusedError, WorkerDiedError, WorkerError, ZygoteDiedError
from alloy_agent.native import CodedError
from alloy_agent.pipeline.chain import StageError, StageReply
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.batches import Values, pack, put_together
from alloy_agent.workers.capabilities import effective
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.notices import Alerts, Notice
from alloy_agent.workers.offers import Offers
from alloy_agent.workers.policy import IN_USE, Policy
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.swap import Swap, carried, fits
from alloy_transforms.errors import RecordError, ViolationError
from alloy_transforms.record import Column
from alloy_transforms.sandbox.answers import Example
from alloy_transforms.sandbox.columns import column, take_rows
from alloy_transforms.sandbox.contract import INPUT_DTYPES, Contract
from alloy_transforms.sandbox.reply import Reply

MAX_ZYGOTES_LOST = 3  # in a row, without an answer between
__all__ = ["TransformStage", "WorkerPool"]


class TransformStage:
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

    tier = "sandbox"

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
        self.ref = ref
        self.pipeline = pipeline
        self.accounting = Accounting()
        self.policy = policy or Policy()
        self._pool = pool
        self._fallback = fallback
        self._on_log = on_log
        self._on_notice = on_notice
        self._generation = Generation(pool, self.label, ref, self.accounting)
        self._state = b""
        self._zygotes_lost = 0
        self._busy = False
        self._closed = False
        self._used_s = trio.current_time()
        self._swapped: Swap | None = None  # the last change of version
        self._next: tuple[Generation, trio.Event] | None = None  # a version that waits for the end of a batch
        self._alerts = Alerts(self._used_s)

    @property
    def label(self) -> str:
        """Pipeline and transform, for messages, process lists and verbs."""
        return f"{self.pipeline}/{self.ref.name}"

    @property
    def pid(self) -> int:
        """Of the worker; 0 while there is none."""
        worker = self._generation.worker
        return worker.pid if worker is not None and worker.status is None else 0

    @property
    def contract(self) -> Contract:
        """What the transform declares; known after `start`."""
        return self._generation.contract

    @property
    def worker(self) -> WorkerProcess:
        """The worker that lives now, for measurements and tests."""
        if self._generation.worker is None:
            raise RuntimeError("the stage has no worker")
        return self._generation.worker

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
            await self._generation.start()
        except BaseException:
            self._pool.give_back(self)
            raise
        self.accounting.generations = 1
        self._state = self._generation.first_state if state is None else state
        return self.contract

    async def aclose(self) -> None:
        """End the worker and give the place back. Harmless when repeated."""
        self._closed = True
        await self._generation.drop()
        self._pool.give_back(self)

    async def examples(self) -> tuple[Example, ...]:
        """EXAMPLES of the file."""
        return await self._generation.examples()

    def reset_state(self) -> None:
        """Back to the STATE of the file."""
        self._state = self._generation.first_state

    # --- out of use, and back ---
    def enable(self) -> None:
        """Put it into use again.

        Raises:
            TransformDisabledError: `transform.quarantined`.
        """
        before = self.policy.state
        self.policy.enable(self.label, time.time_ns())
        if before != IN_USE:
            self._tell("audit", "transform.enabled", text="by an operator")

    def disable(self, why: str) -> None:
        """Take it out of use: the batch in hand is finished, the next one raises."""
        self.policy.disable(why, time.time_ns())
        self._tell("audit", "transform.disabled", text=self.policy.why)

    async def rest(self, idle_s: float) -> None:
        """End the worker if nothing was asked for `idle_s`; its state is kept here."""
        if not self._busy and trio.current_time() - self._used_s >= idle_s:
            await self._generation.rest()

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
            try:
                await following.start()
                fits(self.label, self.contract, following.contract)
                await following.warm(carried(self._state, self._generation, following)[0])
                if self._closed:
                    raise WorkerError("worker.closed", "the stage was closed", where=self.label)
                if self._busy:
                    self._next = following, trio.Event()
                    await self._next[1].wait()
                    assert self._swapped is not None
                    swap = self._swapped
                else:
                    swap = self._swap(following)
            except BaseException:
                if self._generation is not following:
                    self._next = None
                    with trio.CancelScope(shield=True):
                        await following.drop()
                raise
            await swap.old.drop()
            return swap

    def _swap(self, following: Generation) -> Swap:
        """Between two batches; without a checkpoint, so that no batch can begin in it."""
        began = time.perf_counter_ns()
        old = self._generation
        self._state, how = carried(self._state, old, following)
        self._fallback, self.ref, self._generation = old.ref, following.ref, following
        self.policy = Policy(self.policy.max_script_batches, self.policy.max_deadly_batches)
        self.accounting.generations += 1
        held_ns = time.perf_counter_ns() - began
        swap = self._swapped = Swap(old, old.contract.digest, self.contract.digest, how, held_ns)
        self._tell("audit", "transform.replaced", text=f"{old.contract.digest[:12]}, state {how}")
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
                self._tell("audit", "transform.fallback_failed", error.code, str(error))
            else:
                self._fallback = None  # never back to the one that failed
                self._tell(
                    "audit", "transform.fell_back", failed.code, f"{old.contract.digest[:12]}: {failed.why}"
                )
        self.policy.refuse(self.label)

    # --- batches ---
    async def run(self, columns: Sequence[Values], n: int) -> StageReply:
        """Run one batch of `n` inputs given as Python values, one column per entry of `contract.inputs`.

        Raises:
            TransformDisabledError: the transform is out of use.
            WorkerError: no worker can be had; nothing was answered (retryable).
        """
        packed, bad = pack(self.contract.inputs, columns, n)
        if not bad:
            return await self.run_columns(packed, n)
        good = [i for i in range(n) if i not in bad]
        kept = [[values[i] for i in good] for values in columns]
        packed, _ = pack(self.contract.inputs, kept, len(good))
        reply = await self.run_columns(packed, len(good))
        errors = [StageError(good[e.index], e.code, e.message, e.line) for e in reply.errors]
        errors += [StageError(i, "data.schema", text, self.contract.line) for i, text in bad.items()]
        self.accounting.errors["data.schema"] += len(bad)
        src = array("I", [good[i] for i in reply.src])
        return StageReply(reply.rows, src, reply.columns, sorted(errors, key=lambda e: e.index))

    async def run_columns(self, columns: Sequence[Column], n: int) -> StageReply:
        """`run` for packed columns (dtypes of `INPUT_DTYPES`)."""
        if self.policy.state != IN_USE:
            await self._usable()
        if self._busy:
            raise RuntimeError("a stage runs one batch at a time")
        if n == 0:
            return StageReply(0, array("I"), tuple(column(f.dtype, ()) for f in self.contract.outputs), ())
        offers = Offers(n)
        parts: list[tuple[int, Reply]] = []
        before = self._state
        self._busy = True
        try:
            while (asked := offers.next()) is not None:
                await self._offer(columns, n, *asked, offers, parts)
            reply = put_together(self.contract, parts, offers.given_up)
            self.accounting.inputs += sum(given.stop - given.start for given in offers.given_up)
            self._judge(n, Counter(e.code for e in reply.errors), offers.kills)
            if self.policy.state != IN_USE:
                await self._generation.drop()
            return reply
        except BaseException as error:
            self._state = before
            with trio.CancelScope(shield=True):
                await self._generation.drop()
            self._unanswered(error, n)
            raise
        finally:
            self._busy = False
            self._used_s = trio.current_time()
            if self._next is not None:
                following, done = self._next
                self._next = None
                self._swap(following)
                done.set()

    async def _offer(
        self,
        columns: Sequence[Column],
        n: int,
        start: int,
        stop: int,
        offers: Offers,
        parts: list[tuple[int, Reply]],
    ) -> None:
        if stop - start != n:
            columns = [
                take_rows(INPUT_DTYPES[kind], col, start, stop, n)
                for (_, kind), col in zip(self.contract.inputs, columns, strict=True)
            ]
        worker = await self._generation.ready()
        try:
            reply = await self._generation.ask(worker, columns, stop - start, self._state)
        except RecordError as error:
            offers.too_large(error.what)
            return
        except (WorkerDiedError, ViolationError) as error:
            await self._generation.drop()
            self._died(worker, error, offers)
            return
        if reply.state is not None:
            self._state = reply.state
        if reply.log:
            self.accounting.log_bytes += len(reply.log)
            if self._on_log is not None:
                self._on_log(reply.log)
        self._zygotes_lost = 0
        offers.answered(reply.answered)
        parts.append((start, reply))

    def _died(self, worker: WorkerProcess, error: WorkerDiedError | ViolationError, offers: Offers) -> None:
        if worker.status is not None and worker.status.signal and worker.status.why:
            # Its zygote died and took it along: nobody's fault here, the range is asked again.
            self._zygotes_lost += 1
            if self._zygotes_lost > MAX_ZYGOTES_LOST:
                what = "the zygote keeps dying"
                raise ZygoteDiedError(
                    "worker.zygote", what, where=self.label, got=str(error), retryable=True
                ) from error
            return
        if not error.code.startswith(("script.", "violation.")):
            raise error
        self.accounting.deaths += 1
        offers.died(error.code, f"{error.what}: {error.got}" if error.got else error.what)

    def _unanswered(self, error: BaseException, n: int) -> None:
        """A file that loaded once and does no more, or attacks while it loads, is judged like a batch.

        Raises:
            TransformDisabledError: that was enough.
        """
        if isinstance(error, TransformRefusedError | ViolationError):
            self._judge(n, Counter({error.code: n}), 1)
            self.policy.refuse(self.label)

    def _judge(self, n: int, codes: Counter[str], kills: int) -> None:
        """Count a batch, let the policy judge it, tell the operator."""
        now = trio.current_time()
        before = self.policy.state
        self.policy.batch(n, codes, kills, now, time.time_ns())
        self.accounting.errors += codes
        for news in self._alerts.batch(n, codes, now):
            self._tell(*news)
        if self.policy.state != before:
            self._tell("audit", f"transform.{self.policy.state}", self.policy.code, self.policy.why, n)

    def _tell(self, kind: str, name: str, code: str = "", text: str = "", count: int = 0) -> None:
        if self._on_notice is not None:
            digest = self.contract.digest
            self._on_notice(Notice(kind, name, self.pipeline, self.ref.name, digest, code, text, count))

    def facts(self) -> dict[str, Any]:
        """Plain values for status and topics."""
        contract, policy = self.contract, self.policy
        return {
            "transform": self.label,
            "tier": self.tier,
            "digest": contract.digest,
            "state": policy.state,
            "why": policy.why,
            "code": policy.code,
            "since_ns": policy.since_ns,
            "pid": self.pid,
            "needs": list(contract.needs),
            "effective": effective(contract.needs, self._generation.limits),
            "accounting": self.accounting.facts(),
        }
