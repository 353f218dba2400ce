"""Jailed workers: real zygote, real jail, RUN frames; answers by CPython or by a native module."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import closing, nullcontext

import trio
from tests.transforms.differential.columns import append
from tests.transforms.differential.outcome import Outcome
from tests.transforms.differential.subjects import Subject

from alloy_agent.config.model import TransformRef
from alloy_agent.workers import stage
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_transforms.cases import Inputs
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.protocol import MAX_REPLY_BYTES, encode_run
from alloy_transforms.sandbox.reply import ReplyDecoder

BATCH = 1024
DEADLINE_S = 300.0  # of one subject; a worker that hangs ends the test, not CI


class Jail:
    """A loop in a thread of its own with one pool, so that tests share its zygote."""

    def __init__(self) -> None:
        self._token: trio.lowlevel.TrioToken | None = None
        self._pool: WorkerPool | None = None
        self._stop: trio.Event | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main,), daemon=True)

    def __enter__(self) -> Jail:
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._stop is not None
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()

    def run(self, subject: Subject, inputs: Sequence[Inputs], module: bytes | None = None) -> Outcome:
        """All inputs through a worker that loads the source.

        Args:
            subject: the transform.
            inputs: what it is asked.
            module: its native form; then the worker answers with that, and with the source where it declines.
        """
        return trio.from_thread.run(self._run, subject, inputs, module, trio_token=self._token)

    async def _main(self) -> None:
        async with trio.open_nursery() as nursery:
            self._token = trio.lowlevel.current_trio_token()
            self._pool = WorkerPool(nursery)
            self._stop = trio.Event()
            self._ready.set()
            await self._stop.wait()
            await self._pool.aclose()
            nursery.cancel_scope.cancel()

    async def _run(self, subject: Subject, inputs: Sequence[Inputs], data: bytes | None) -> Outcome:
        assert self._pool is not None
        ref = TransformRef(
            subject.name, f"./{subject.name}.py", subject.source.encode(), dict(subject.params)
        )
        with trio.fail_after(DEADLINE_S):
            checked = await stage.check(self._pool, ref, self._pool.limits, ())
            module = None if data is None else NativeModule.read(data, hashlib.sha256(data).hexdigest())
            with closing(module) if module else nullcontext():
                worker, contract, _ = await stage.load(self._pool, ref, checked, self._pool.limits, module)
            async with worker:
                return await ask(worker, ReplyDecoder(contract, native=module is not None), contract, inputs)


async def ask(
    worker: WorkerProcess, decoder: ReplyDecoder, contract: Contract, inputs: Sequence[Inputs]
) -> Outcome:
    """All inputs through a loaded worker; with STATE one by one, so that each state is seen."""
    out = Outcome()
    size = 1 if contract.stateful else BATCH
    while len(out) < len(inputs):
        part = inputs[len(out) : len(out) + size]
        columns = [
            input_column(kind, values)
            for (_, kind), values in zip(contract.inputs, zip(*part, strict=True), strict=True)
        ]
        await worker.send(*encode_run(len(out), len(part), contract.inputs, columns))
        reply = decoder.decode(await worker.receive(MAX_REPLY_BYTES), batch=len(out), asked=len(part))
        append(out, contract, reply)
    return out
