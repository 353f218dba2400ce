"""One transform of one pipeline, run by a jailed worker: wall clock, respawn, poison search, state, accounts.

Every input of a batch comes back exactly once: as rows or as an error. A worker that dies costs time, never an
input; `offers.py` says what is asked again. Where `run` raises, nothing of the batch was answered and the state
is that of before it.
"""

from __future__ import annotations

import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence

import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.errors import (
    SpawnError,
    TransformDisabledError,
    TransformRefusedError,
    WorkerDiedError,
    ZygoteDiedError,
)
from alloy_agent.pipeline.chain import StageError, StageReply
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.offers import Offers
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.stage import check, load
from alloy_devices.source import Scalar
from alloy_transforms.errors import RecordError, ViolationError
from alloy_transforms.record import Column
from alloy_transforms.sandbox.answers import Checked, Example, pack, unpack_examples
from alloy_transforms.sandbox.columns import column, input_column, join, take_rows
from alloy_transforms.sandbox.contract import INPUT_DTYPES, Contract
from alloy_transforms.sandbox.protocol import EXAMPLES, EXAMPLES_ARE, MAX_REPLY_BYTES, encode_run, malformed
from alloy_transforms.sandbox.reply import Reply, ReplyDecoder

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 30.0
SPAWN_TRIES = 5
MAX_ZYGOTES_LOST = 3  # in a row, without an answer between
__all__ = ["TransformStage", "WorkerPool"]

Values = Sequence[Scalar | None]


class TransformStage:
    """Owns the worker of one transform; `start` first, `aclose` at the end. One `run` at a time.

    Args:
        pool: forks the workers, holds the places and the device's limits.
        pipeline: name of the pipeline, for messages.
        ref: file, name, params.
        on_log: gets what the transform prints, once per request.
    """

    tier = "sandbox"

    def __init__(
        self,
        pool: WorkerPool,
        pipeline: str,
        ref: TransformRef,
        *,
        on_log: Callable[[str], None] | None = None,
    ) -> None:
        self.ref = ref
        self.pipeline = pipeline
        self.limits = pool.limits
        self.accounting = Accounting()
        self._pool = pool
        self._on_log = on_log
        self._checked: Checked | None = None
        self._contract: Contract | None = None
        self._decoder: ReplyDecoder | None = None
        self._worker: WorkerProcess | None = None
        self._worker_state: bytes | None = None  # what the worker has; None: unknown
        self._first_call = True
        self._state = b""
        self._first_state = b""
        self._batch = 0
        self._zygotes_lost = 0
        self._quarantined = ""

    @property
    def label(self) -> str:
        """Pipeline and transform, for messages and process lists."""
        return f"{self.pipeline}/{self.ref.name}"

    @property
    def pid(self) -> int:
        """Of the worker; 0 while there is none."""
        return self._worker.pid if self._worker is not None and self._worker.status is None else 0

    @property
    def contract(self) -> Contract:
        """What the transform declares; known after `start`."""
        if self._contract is None:
            raise RuntimeError("the stage was not started")
        return self._contract

    @property
    def worker(self) -> WorkerProcess:
        """The worker that lives now, for measurements and tests."""
        if self._worker is None:
            raise RuntimeError("the stage has no worker")
        return self._worker

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
            ViolationError: a worker lied or attacked.
            WorkerError: no place or no worker.
        """
        self._pool.take(self)
        try:
            self._checked = await check(self._pool, self.ref, self.limits, self._pool.modules)
            self.limits = self.limits.under(self._checked.needs)
            worker, self._contract, self._first_state = await load(
                self._pool, self.ref, self._checked, self.limits
            )
        except BaseException:
            self._pool.give_back(self)
            raise
        self._adopt(worker)
        self._decoder = ReplyDecoder(self._contract)
        self._state = self._first_state if state is None else state
        return self._contract

    async def aclose(self) -> None:
        """End the worker and give the place back. Harmless when repeated."""
        await self._drop()
        self._pool.give_back(self)

    async def examples(self) -> tuple[Example, ...]:
        """EXAMPLES of the file."""
        worker = await self._ready()
        with trio.move_on_after(self.limits.first_wall_s):
            await worker.send(pack(EXAMPLES, {}))
            body = await worker.receive(MAX_REPLY_BYTES)
            if body[:1] != bytes((EXAMPLES_ARE,)):
                raise malformed("no examples where they were asked for")
            return unpack_examples(body)
        await self._drop("script.wall")
        raise malformed("no examples in time")

    def reset_state(self) -> None:
        """Back to the STATE of the file."""
        self._state = self._first_state

    async def run(self, columns: Sequence[Values], n: int) -> StageReply:
        """Run one batch of `n` inputs given as Python values, one column per entry of `contract.inputs`.

        Raises:
            TransformDisabledError: the transform is out of use.
            WorkerError: no worker can be had; nothing was answered (retryable).
        """
        packed, bad = self._pack(columns, n)
        if not bad:
            return await self.run_columns(packed, n)
        good = [i for i in range(n) if i not in bad]
        packed, _ = self._pack([[values[i] for i in good] for values in columns], len(good))
        reply = await self.run_columns(packed, len(good))
        errors = [StageError(good[e.index], e.code, e.message, e.line) for e in reply.errors]
        errors += [StageError(i, "data.schema", text, self.contract.line) for i, text in bad.items()]
        self.accounting.errors["data.schema"] += len(bad)
        src = array("I", [good[i] for i in reply.src])
        return StageReply(reply.rows, src, reply.columns, sorted(errors, key=lambda e: e.index))

    async def run_columns(self, columns: Sequence[Column], n: int) -> StageReply:
        """`run` for packed columns (dtypes of `INPUT_DTYPES`)."""
        self._refuse_if_out_of_use()
        contract = self.contract
        if n == 0:
            return StageReply(0, array("I"), tuple(column(f.dtype, ()) for f in contract.outputs), ())
        offers = Offers(n)
        parts: list[tuple[int, Reply]] = []
        before = self._state
        try:
            while (asked := offers.next()) is not None:
                await self._offer(columns, n, *asked, offers, parts)
        except BaseException:
            self._state = before
            await self._drop()
            raise
        return self._finish(n, offers, parts)

    async def _offer(
        self,
        columns: Sequence[Column],
        n: int,
        start: int,
        stop: int,
        offers: Offers,
        parts: list[tuple[int, Reply]],
    ) -> None:
        contract = self.contract
        cut = [
            take_rows(INPUT_DTYPES[kind], col, start, stop, n)
            for (_, kind), col in zip(contract.inputs, columns, strict=True)
        ]
        self._batch += 1
        worker = await self._ready()
        state = self._state if contract.stateful and self._worker_state != self._state else None
        try:
            frame = encode_run(self._batch, stop - start, contract.inputs, cut, state)
        except RecordError as error:
            offers.too_large(error.what)
            return
        try:
            reply = await self._request(worker, b"".join(frame), stop - start)
        except (WorkerDiedError, ViolationError) as error:
            await self._drop()
            if worker.status is not None and worker.status.signal and worker.status.why:
                # Its zygote died and took it along: nobody's fault here, the range is asked again.
                self._zygotes_lost += 1
                if self._zygotes_lost > MAX_ZYGOTES_LOST:
                    raise ZygoteDiedError(
                        "worker.zygote",
                        "the zygote keeps dying",
                        where=self.label,
                        got=str(error),
                        retryable=True,
                    ) from error
                return
            if not error.code.startswith(("script.", "violation.")):
                raise
            self.accounting.deaths += 1
            offers.died(error.code, f"{error.what}: {error.got}" if error.got else error.what)
            if error.code.startswith("violation."):
                self._quarantined = error.code
            return
        if reply.state is not None:
            self._state = self._worker_state = reply.state
        self._zygotes_lost = 0
        offers.answered(reply.answered)
        parts.append((start, reply))

    async def _request(self, worker: WorkerProcess, frame: bytes, asked: int) -> Reply:
        """One RUN within its wall clock.

        Raises:
            WorkerDiedError: the worker ended, or was killed at the end of its time (`script.wall`).
            ViolationError: `violation.protocol`, its reply is malformed.
        """
        assert self._decoder is not None
        wall_s = self.limits.first_wall_s if self._first_call else self.limits.wall_s
        began = time.perf_counter_ns()
        with trio.move_on_after(wall_s):
            await worker.send(frame)
            body = await worker.receive(MAX_REPLY_BYTES)
            wall_ns = time.perf_counter_ns() - began
            reply = self._decoder.decode(body, batch=self._batch, asked=asked)
            self._first_call = False
            self.accounting.answered(reply.answered, reply.rows, reply.cpu_ns, wall_ns)
            self.accounting.output_bytes += len(body)
            if reply.log:
                self.accounting.log_bytes += len(reply.log)
                if self._on_log is not None:
                    self._on_log(reply.log)
            return reply
        raise WorkerDiedError(
            "script.wall", "the batch took too long", where=self.label, got=f"more than {wall_s:g} s"
        )

    def _finish(self, n: int, offers: Offers, parts: list[tuple[int, Reply]]) -> StageReply:
        errors = [
            StageError(start + e.index, e.code, e.message, e.line)
            for start, reply in parts
            for e in reply.errors
        ]
        for given in offers.given_up:
            line = self.contract.line
            errors += [StageError(i, given.code, given.message, line) for i in range(given.start, given.stop)]
        self.accounting.batch(n, Counter(e.code for e in errors), offers.kills)
        if len(parts) == 1 and not offers.given_up:
            only = parts[0][1]
            return StageReply(only.rows, only.sources(), only.columns, tuple(errors))
        src = array("I", (start + i for start, reply in parts for i in reply.sources()))
        joined = tuple(
            join(f.dtype, [(reply.columns[k], reply.rows) for _, reply in parts])
            if parts
            else column(f.dtype, ())
            for k, f in enumerate(self.contract.outputs)
        )
        return StageReply(len(src), src, joined, tuple(sorted(errors, key=lambda e: e.index)))

    def _pack(self, columns: Sequence[Values], n: int) -> tuple[list[Column], dict[int, str]]:
        """Columns, and which inputs hold a value that is not of its declared type."""
        packed: list[Column] = []
        bad: dict[int, str] = {}
        for (name, kind), values in zip(self.contract.inputs, columns, strict=True):
            if len(values) != n:
                raise RuntimeError(f"the column of `{name}` has {len(values)} values, the batch {n}")
            try:
                packed.append(input_column(kind, values))
            except RecordError:
                for i, value in enumerate(values):
                    try:
                        input_column(kind, (value,))
                    except RecordError:
                        bad[i] = f"input `{name}` is {kind}, got {type(value).__name__}"
        return packed, bad

    def _refuse_if_out_of_use(self) -> None:
        if self._quarantined:
            raise TransformDisabledError(
                "transform.quarantined",
                "the transform is in quarantine",
                where=self.label,
                got=self._quarantined,
                hint="read the file as hostile; nothing of it runs again before it changes",
            )
        if self.accounting.disabled:
            raise TransformDisabledError(
                "transform.disabled",
                "the transform is disabled after three failed batches in a row",
                where=self.label,
                got=", ".join(sorted(c for c in self.accounting.errors if c.startswith("script."))),
                hint="run one of its dead letters with `alloy-edge try`, mend the file, reload",
            )

    async def _ready(self) -> WorkerProcess:
        """The worker; a new one where the last has ended. Deaths before the load is answered back off."""
        if self._worker is not None and self._worker.status is None:
            return self._worker
        await self._drop()
        assert self._checked is not None
        for attempt in range(SPAWN_TRIES):
            try:
                worker, contract, _ = await load(self._pool, self.ref, self._checked, self.limits)
            except (SpawnError, WorkerDiedError, TransformRefusedError):
                if attempt + 1 == SPAWN_TRIES:
                    raise
                await trio.sleep(min(BACKOFF_FIRST_S * 2**attempt, BACKOFF_MAX_S))
                continue
            if contract != self.contract:
                await worker.aclose()
                raise malformed("the file loads as another contract than before")
            self.accounting.respawns += 1
            self._adopt(worker)
            return worker
        raise RuntimeError("unreachable: the loop returns or raises")

    def _adopt(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._worker_state = self._first_state

    async def _drop(self, code: str = "worker.closed") -> None:
        """Kill the worker if it lives, note what memory it took, and forget it."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill(code)
        await worker.aclose()
        if worker.status is not None:
            self.accounting.high_water(worker.status.max_rss_bytes)
