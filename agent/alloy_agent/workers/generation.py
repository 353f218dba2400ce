"""One version of a transform: its file checked once, and the jailed worker that holds it, as often as one is needed.

A stage has one generation that serves; `TransformStage.replace` starts the next one beside it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.errors import SpawnError, TransformRefusedError, WorkerDiedError
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.capabilities import allow
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.stage import check, load
from alloy_transforms.record import Column
from alloy_transforms.sandbox.answers import Checked, Example, pack, unpack_examples
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.examples import inputs_of
from alloy_transforms.sandbox.protocol import EXAMPLES, EXAMPLES_ARE, MAX_REPLY_BYTES, encode_run, malformed
from alloy_transforms.sandbox.reply import Reply, ReplyDecoder

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 30.0
SPAWN_TRIES = 5
SAMPLE_S = 1.0  # between two looks at a worker's memory


class Generation:
    """Made by a stage; `start` first, `drop` at the end.

    Args:
        label: pipeline and transform, for messages.
        accounting: of the stage; all of its generations count there.
        module: native form of the file, opened by each of its workers; stays the caller's.
    """

    def __init__(
        self,
        pool: WorkerPool,
        label: str,
        ref: TransformRef,
        accounting: Accounting,
        module: NativeModule | None = None,
    ) -> None:
        self.ref = ref
        self.module = module
        self.limits = pool.limits
        self.worker: WorkerProcess | None = None
        self.worker_state: bytes | None = None  # what the worker has; None: unknown
        self.first_state = b""
        self._pool = pool
        self._label = label
        self.accounting = accounting
        self._checked: Checked | None = None
        self._contract: Contract | None = None
        self._decoder: ReplyDecoder | None = None
        self._first_call = True
        self._rested = False  # the worker was ended for having nothing to do
        self._sampled_s = float("-inf")
        self._batch = 0

    @property
    def contract(self) -> Contract:
        """What the transform declares; known after `start`."""
        if self._contract is None:
            raise RuntimeError("the stage was not started")
        return self._contract

    @property
    def tier(self) -> str:
        """`native` or `sandbox`."""
        return "sandbox" if self.module is None else "native"

    @property
    def ir(self) -> str:
        """SHA-256 of the IR of the file with these PARAMS; empty where it has no native form."""
        return "" if self._checked is None else self._checked.ir

    async def start(self) -> None:
        """Check the file, ask the device's policy, load.

        Raises:
            ModuleRefusedError: `load.*`, the native module cannot be used with this file.
            TransformRefusedError: the file cannot be used.
            ForbiddenError: it needs what the policy does not allow; nothing of it ran.
            ViolationError: a worker lied or attacked.
            WorkerError: no worker.
        """
        self._checked = await check(self._pool, self.ref, self.limits, self._pool.modules)
        self.limits = allow(self._label, self._checked.needs, self.limits, self._pool.sandbox)
        worker, self._contract, self.first_state = await load(
            self._pool, self.ref, self._checked, self.limits, self.module
        )
        self._adopt(worker)
        self._decoder = ReplyDecoder(self._contract, native=self.module is not None)

    @property
    def reason(self) -> str:
        """Why the file has no native form."""
        return "" if self._checked is None else self._checked.reason

    def alike(self, module: NativeModule | None, accounting: Accounting | None = None) -> Generation:
        """The same version with another module or without one; its first worker comes with `ready`.

        Args:
            module: stays the caller's.
            accounting: where it counts, if not where this one does.
        """
        other = Generation(self._pool, self._label, self.ref, accounting or self.accounting, module)
        other._checked, other._contract = self._checked, self._contract
        other.limits, other.first_state = self.limits, self.first_state
        other._decoder = ReplyDecoder(self.contract, native=module is not None)
        other._rested = True  # its first worker replaces none that died
        return other

    async def ready(self) -> WorkerProcess:
        """The worker; a new one where the last has ended. Deaths before the load is answered back off."""
        if self.worker is not None and self.worker.status is None:
            return self.worker
        await self.drop()
        assert self._checked is not None
        for attempt in range(SPAWN_TRIES):
            try:
                worker, contract, _ = await load(
                    self._pool, self.ref, self._checked, self.limits, self.module
                )
            except (SpawnError, WorkerDiedError, TransformRefusedError):
                if attempt + 1 == SPAWN_TRIES:
                    raise
                await trio.sleep(min(BACKOFF_FIRST_S * 2**attempt, BACKOFF_MAX_S))
                continue
            if contract != self.contract:
                await worker.aclose()
                raise malformed("the file loads as another contract than before")
            self.accounting.respawns += not self._rested
            self._rested = False
            self._adopt(worker)
            return worker
        raise RuntimeError("unreachable: the loop returns or raises")

    async def ask(
        self, worker: WorkerProcess, columns: Sequence[Column], n: int, state: bytes, *, both: bool = False
    ) -> Reply:
        """One RUN of `n` inputs within its wall clock; the reply is checked.

        Args:
            worker: what `ready` returned.
            columns: dtypes of `INPUT_DTYPES`.
            state: where the inputs go on from; sent only if the worker has another.
            both: a native worker answers in both tiers and says where they differ (`Reply.differs`); the
                answer is CPython's then, and takes as long as both.

        Raises:
            RecordError: the inputs do not fit one request; nothing was asked.
            WorkerDiedError: the worker ended, or was killed at the end of its time (`script.wall`).
            ViolationError: `violation.protocol`, its reply is malformed.
        """
        assert self._decoder is not None
        contract = self.contract
        self._batch += 1
        sent = state if contract.stateful and self.worker_state != state else None
        frame = b"".join(encode_run(self._batch, n, contract.inputs, columns, sent, both=both))
        wall_s = self.limits.first_wall_s if self._first_call else self.limits.wall_s
        began = time.perf_counter_ns()
        try:
            body = await worker.ask(frame, max_bytes=MAX_REPLY_BYTES, limit_s=wall_s)
        except trio.TooSlowError:
            raise WorkerDiedError(
                "script.wall", "the batch took too long", where=self._label, got=f"more than {wall_s:g} s"
            ) from None
        wall_ns = time.perf_counter_ns() - began
        reply = self._decoder.decode(body, batch=self._batch, asked=n)
        self._first_call = False
        self.worker_state = reply.state
        self.accounting.answered(reply.answered, reply.rows, reply.cpu_ns, wall_ns, len(body))
        self._sample(worker)
        return reply

    async def warm(self, state: bytes) -> None:
        """Run the first of EXAMPLES with `state` and forget what came out: whatever is slow at first is paid.

        Raises:
            WorkerDiedError, ViolationError: as `ask`; this version is not fit to serve.
        """
        counted, self.accounting = self.accounting, Accounting()  # it is no work
        try:
            for example in (await self.examples())[:1]:
                values = inputs_of(self.contract, example)
                columns = [
                    input_column(kind, (value,))
                    for (_, kind), value in zip(self.contract.inputs, values, strict=True)
                ]
                await self.ask(await self.ready(), columns, 1, state)
                self.worker_state = None
        finally:
            self.accounting = counted

    async def examples(self) -> tuple[Example, ...]:
        """EXAMPLES of the file."""
        worker = await self.ready()
        question = pack(EXAMPLES, {})
        try:
            body = await worker.ask(question, max_bytes=MAX_REPLY_BYTES, limit_s=self.limits.first_wall_s)
        except trio.TooSlowError:
            await self.drop("script.wall")
            raise malformed("no examples in time") from None
        if body[:1] != bytes((EXAMPLES_ARE,)):
            raise malformed("no examples where they were asked for")
        return unpack_examples(body)

    async def rest(self) -> None:
        """End the worker because nothing comes; the next `ready` starts another."""
        if self.worker is not None:
            self._rested = True
            self.accounting.idle_stops += 1
            await self.drop()

    async def drop(self, code: str = "worker.closed") -> None:
        """Kill the worker if it lives, note what memory it took, and forget it."""
        worker, self.worker = self.worker, None
        if worker is None:
            return
        self.accounting.memory_bytes = 0
        worker.kill(code)
        await worker.aclose()
        if worker.status is not None:
            self.accounting.memory(0, worker.status.max_rss_bytes)

    def _adopt(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self.worker_state = self.first_state
        self._sampled_s = float("-inf")

    def _sample(self, worker: WorkerProcess) -> None:
        """Look at the worker's memory now and then; the kernel keeps its peak (VmHWM)."""
        now = trio.current_time()
        if now - self._sampled_s >= SAMPLE_S and (sizes := worker.resident()) is not None:
            self._sampled_s = now
            self.accounting.memory(*sizes)
