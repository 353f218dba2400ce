"""The tier of the sandbox: real zygote, real jail, RUN frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio
from tests.transforms.differential.columns import append
from tests.transforms.differential.outcome import Outcome
from tests.transforms.differential.subjects import Subject

from alloy_agent.config.model import TransformRef
from alloy_agent.workers import stage
from alloy_agent.workers.pool import WorkerPool
from alloy_agent.workers.process import WorkerProcess
from alloy_transforms.cases import Inputs
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.protocol import MAX_REPLY_BYTES, encode_run
from alloy_transforms.sandbox.reply import ReplyDecoder

BATCH = 1024
DEADLINE_S = 100.0  # of everything; a worker that hangs ends the test, not CI


def run(work: Mapping[str, tuple[Subject, Sequence[Inputs]]]) -> dict[str, Outcome]:
    """Every subject with its inputs in a jailed worker of its own, one after the other."""

    async def main() -> dict[str, Outcome]:
        out = {}
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery)
            with trio.fail_after(DEADLINE_S):
                for name, (subject, inputs) in work.items():
                    out[name] = await _one(pool, subject, inputs)
            await pool.aclose()
            nursery.cancel_scope.cancel()
        return out

    return trio.run(main)


async def _one(pool: WorkerPool, subject: Subject, inputs: Sequence[Inputs]) -> Outcome:
    ref = TransformRef(subject.name, f"./{subject.name}.py", subject.source.encode(), {})
    checked = await stage.check(pool, ref, pool.limits, ())
    worker, contract, _ = await stage.load(pool, ref, checked, pool.limits)
    async with worker:
        return await ask(worker, contract, inputs)


async def ask(worker: WorkerProcess, contract: Contract, inputs: Sequence[Inputs]) -> Outcome:
    """All inputs through a loaded worker; with STATE one by one, so that each state is seen."""
    out = Outcome()
    decoder = ReplyDecoder(contract)
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
