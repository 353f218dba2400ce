"""How a stage answers one batch: asks, asks again, gives up, judges. `TransformStage` adds life and versions.

Every input of a batch comes back exactly once: as rows or as an error. A worker that dies costs time, never an
input; `offers.py` says what is asked again, `policy.py` when it is enough, `tiers.py` whether a native module
answers. Where `run` raises, nothing of the batch was answered and the state is that of before it.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.errors import (
    ModuleRefusedError,
    TransformRefusedError,
    WorkerDiedError,
    ZygoteDiedError,
)
from alloy_agent.pipeline.chain import StageReply
from alloy_agent.promotion.recent import Recent
from alloy_agent.promotion.watch import Back, Watch
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.batches import Values, pack, put_together, with_wrong
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.notices import Alerts, Notice
from alloy_agent.workers.offers import Offers
from alloy_agent.workers.policy import IN_USE, Policy
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.tiers import Tiers
from alloy_transforms.errors import RecordError, ViolationError
from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import column, take_rows
from alloy_transforms.sandbox.contract import INPUT_DTYPES, Contract
from alloy_transforms.sandbox.reply import Reply

MAX_ZYGOTES_LOST: Final = 3  # in a row, without an answer between


class Answering:
    """The batches of one transform, one at a time.

    Attributes:
        recent: keeps a few of the newest inputs where it is set.

    Args:
        on_log: gets what the transform prints, once per request.
        on_notice: gets what an operator should know; must not raise or wait.
        policy: when the transform is out of use.
    """

    def __init__(
        self,
        pool: WorkerPool,
        pipeline: str,
        ref: TransformRef,
        on_log: Callable[[str], None] | None,
        on_notice: Callable[[Notice], None] | None,
        policy: Policy | None,
    ) -> None:
        self.ref = ref
        self.pipeline = pipeline
        self.accounting = Accounting()
        self.policy = policy or Policy()
        self.recent: Recent | None = None
        self._on_log = on_log
        self._on_notice = on_notice
        first = Generation(pool, self.label, ref, self.accounting)
        self._tiers = Tiers(first, self.accounting, self._went_back)
        self._state = b""
        self._zygotes_lost = 0
        self._busy = False
        self._used_s = trio.current_time()
        self._alerts = Alerts(self._used_s)

    @property
    def label(self) -> str:
        """Pipeline and transform, for messages, process lists and verbs."""
        return f"{self.pipeline}/{self.ref.name}"

    @property
    def tier(self) -> str:
        """`sandbox` or `native`."""
        return self._tiers.tier

    @property
    def watch(self) -> Watch | None:
        """Of the native module that serves."""
        return self._tiers.watch

    @property
    def generation(self) -> Generation:
        """The one that serves."""
        return self._tiers.generation

    @property
    def pid(self) -> int:
        """Of the worker; 0 while there is none."""
        worker = self.generation.worker
        return worker.pid if worker is not None and worker.status is None else 0

    @property
    def contract(self) -> Contract:
        """What the transform declares; known after `start`."""
        return self.generation.contract

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
        packed, _ = pack(self.contract.inputs, [[values[i] for i in good] for values in columns], len(good))
        reply = await self.run_columns(packed, len(good))
        self.accounting.errors["data.schema"] += len(bad)
        return with_wrong(reply, good, bad, self.contract.line)

    async def run_columns(self, columns: Sequence[Column], n: int) -> StageReply:
        """`run` for packed columns (dtypes of `INPUT_DTYPES`)."""
        if self.policy.state != IN_USE:
            await self._usable()
        if self._busy:
            raise RuntimeError("a stage runs one batch at a time")
        await self.settle()
        if n == 0:
            return StageReply(0, array("I"), tuple(column(f.dtype, ()) for f in self.contract.outputs), ())
        offers = Offers(n)
        parts: list[tuple[int, Reply]] = []
        before = self._state
        self._busy = True
        both = self._tiers.compare()
        try:
            while (asked := offers.next()) is not None:
                await self._offer(columns, n, *asked, offers, parts, both)
            await self._tiers.end(offers.kills)
            reply = put_together(self.contract, parts, offers.given_up)
            self.accounting.inputs += sum(given.stop - given.start for given in offers.given_up)
            self._judge(n, Counter(e.code for e in reply.errors), offers.kills)
            if self.policy.state != IN_USE:
                await self.generation.drop()
            if self.recent is not None:
                self.recent.note(columns, n, before, trio.current_time())
            return reply
        except BaseException as error:
            self._state = before
            with trio.CancelScope(shield=True):
                await self.generation.drop()
            self._tiers.restore()
            self._unanswered(error, n)
            raise
        finally:
            self._busy = False
            self._used_s = trio.current_time()
            self._between()

    async def _offer(
        self,
        columns: Sequence[Column],
        n: int,
        start: int,
        stop: int,
        offers: Offers,
        parts: list[tuple[int, Reply]],
        both: bool,
    ) -> None:
        if stop - start != n:
            columns = [
                take_rows(INPUT_DTYPES[kind], col, start, stop, n)
                for (_, kind), col in zip(self.contract.inputs, columns, strict=True)
            ]
        generation = self.generation
        native = generation.module is not None
        try:
            worker = await generation.ready()
        except (ModuleRefusedError, TransformRefusedError, WorkerDiedError, ViolationError) as error:
            if not native or error.code.startswith("worker."):
                raise
            await self._tiers.refused(error)
            return
        both = both and native
        try:
            reply = await generation.ask(worker, columns, stop - start, self._state, both=both)
        except RecordError as error:
            offers.too_large(error.what)
            return
        except (WorkerDiedError, ViolationError) as error:
            await generation.drop()
            if self._guilty(worker, error):
                if native:
                    await self._tiers.died(error, columns, stop - start)
                else:
                    self.accounting.deaths += 1
                    offers.died(error.code, f"{error.what}: {error.got}" if error.got else error.what)
            return
        if native and reply.differs:
            await self._tiers.differs(worker, columns, stop - start, self._state, reply)
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
        if native:
            await self._tiers.answered(reply, compared=both)

    def _guilty(self, worker: WorkerProcess, error: WorkerDiedError | ViolationError) -> bool:
        """Whether a death is the transform's: not that of a zygote, which took its worker along."""
        if worker.status is not None and worker.status.signal and worker.status.why:
            # Nobody's fault here, the range is asked again.
            self._zygotes_lost += 1
            if self._zygotes_lost > MAX_ZYGOTES_LOST:
                what = "the zygote keeps dying"
                raise ZygoteDiedError(
                    "worker.zygote", what, where=self.label, got=str(error), retryable=True
                ) from error
            return False
        if not error.code.startswith(("script.", "violation.")):
            raise error
        return True

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
            self.tell(*news)
        if self.policy.state != before:
            self.tell("audit", f"transform.{self.policy.state}", self.policy.code, self.policy.why, n)

    async def settle(self) -> None:
        """Leave a module that must answer no more, for the sandbox; nothing in the middle of a batch."""
        watch = self.watch
        if self._busy or watch is None or not watch.revoked:
            return
        old = self._tiers.put(self.generation.alike(None), None)
        self.tell("audit", "transform.demoted", "promotion.quarantined", watch.revoked)
        await old.drop()

    async def _usable(self) -> None:
        """Nothing, or the error of a transform that is out of use."""
        self.policy.refuse(self.label)

    def _between(self) -> None:
        """Called at the end of each batch, without a checkpoint."""

    def _went_back(self, watch: Watch, back: Back) -> None:
        name = "module.quarantined" if back.quarantine else "transform.demoted"
        text = f"{watch.module.sha256[:12]}: {back.why}"
        self.tell("audit", name, back.code, text, evidence={"module": watch.module.sha256, **back.evidence})

    def tell(
        self,
        kind: str,
        name: str,
        code: str = "",
        text: str = "",
        count: int = 0,
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        """Say that something happened to this transform; `kind` and the rest as in `Notice`."""
        if self._on_notice is not None:
            digest = self.contract.digest
            self._on_notice(
                Notice(
                    kind, name, self.pipeline, self.ref.name, digest, code, text, count, dict(evidence or {})
                )
            )
