"""The differential gate: a module serves only if it answers as Python does, to the bit, on everything at hand.

Two workers, one with the module and one without, are asked the same: EXAMPLES, the newest live inputs, then
generated ones. Rows, error codes with their places, and the STATE afterwards have to be the same bytes. The worker
without the module is the judge: what it cannot answer in its time proves nothing and is left out.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from alloy_agent.errors import ModuleRefusedError, WorkerDiedError, WorkerError
from alloy_agent.pipeline.chain import StageReply
from alloy_agent.promotion.canary import AT_ONCE
from alloy_agent.promotion.evidence import first_difference, shown_inputs
from alloy_agent.promotion.recent import Recorded
from alloy_agent.workers.batches import pack, put_together
from alloy_agent.workers.generation import Generation
from alloy_transforms.errors import RecordError, ViolationError
from alloy_transforms.record import Column
from alloy_transforms.sandbox.answers import Example
from alloy_transforms.sandbox.columns import take_rows, values_of
from alloy_transforms.sandbox.contract import INPUT_DTYPES
from alloy_transforms.sandbox.examples import inputs_of
from alloy_transforms.sandbox.reply import Reply

GENERATED: Final = 2048  # inputs
BATCH: Final = 64  # inputs of one request
SOFT_S: Final = 10.0  # then no further generated inputs are tried
HARD_S: Final = 60.0  # then the module is not promoted now
SEED: Final = 20_250_301


class DifferError(ModuleRefusedError):
    """`build.diff`: the tiers do not agree; `evidence` holds the input and both answers."""

    def __init__(self, where: str, what: str, evidence: dict[str, Any]) -> None:
        super().__init__(
            "build.diff",
            what,
            where=where,
            got=str(evidence.get("native", ""))[:200],
            expected=str(evidence.get("sandbox", ""))[:200],
            hint="the module is in quarantine; report the input of the event with the transform's file",
        )
        self.evidence = evidence


@dataclass(slots=True)
class GateReport:
    """What was compared, in inputs.

    Attributes:
        skipped: generated or recorded inputs that Python itself did not answer in its time.
        declined: those the module left to Python.
    """

    examples: int = 0
    recorded: int = 0
    generated: int = 0
    skipped: int = 0
    declined: int = 0
    seconds: float = 0.0

    def facts(self) -> dict[str, Any]:
        """Plain values for answers and events."""
        return {
            "examples": self.examples,
            "recorded": self.recorded,
            "generated": self.generated,
            "skipped": self.skipped,
            "declined": self.declined,
            "seconds": round(self.seconds, 3),
        }


class Gate:
    """Compares one version of a transform without and with its module; each has a worker of its own.

    Args:
        where: pipeline and transform, for messages.
        judge: without the module.
        candidate: with it.
    """

    def __init__(self, where: str, judge: Generation, candidate: Generation) -> None:
        self.report = GateReport()
        self._where = where
        self._judge = judge
        self._candidate = candidate

    async def run(self, recorded: Sequence[Recorded]) -> GateReport:
        """Compare everything.

        Raises:
            DifferError: `build.diff`.
            WorkerDiedError, ViolationError: the worker with the module died, although the other did not.
            WorkerError: `promotion.time`, it took too long (retryable); or no worker.
        """
        began = time.monotonic()
        contract, first = self._judge.contract, self._judge.first_state
        examples = await self._judge.examples()
        for example in examples:
            with contextlib.suppress(
                RecordError
            ):  # an example that names no such input is a matter of `test`
                columns, bad = pack(contract.inputs, [[v] for v in inputs_of(contract, example)], 1)
                if not bad:
                    self.report.examples += await self._compare(columns, 1, first)
        for batch in recorded:
            self._in_time(began)
            self.report.recorded += await self._compare(batch.columns, batch.n, batch.state)
        state = first
        for columns, n in self._generated(examples, recorded):
            self._in_time(began)
            if self.report.generated and time.monotonic() - began > SOFT_S:
                break
            done = await self._compare(columns, n, state)
            self.report.generated += done
            state = self._judge.worker_state or first if done else first
        self.report.seconds = time.monotonic() - began
        return self.report

    def _generated(
        self, examples: Sequence[Example], recorded: Sequence[Recorded]
    ) -> Iterator[tuple[list[Column], int]]:
        from alloy_transforms.cases import cases, words  # only a promotion needs it

        contract = self._judge.contract
        live = [
            row
            for batch in recorded
            for row in zip(
                *(
                    values_of(INPUT_DTYPES[kind], column, batch.n)
                    for (_, kind), column in zip(contract.inputs, batch.columns, strict=True)
                ),
                strict=True,
            )
        ]
        whole = [row for row in live if None not in row]
        values = cases(contract, examples, GENERATED, SEED, more=whole, words=words(self._judge.ref.source))
        for start in range(0, len(values), BATCH):
            part = values[start : start + BATCH]
            columns, bad = pack(contract.inputs, list(zip(*part, strict=True)), len(part))
            if bad:
                raise RuntimeError(f"a generated case is not of the contract: {next(iter(bad.values()))}")
            yield columns, len(part)

    def _in_time(self, began: float) -> None:
        if time.monotonic() - began > HARD_S:
            raise WorkerError(
                "promotion.time",
                "the comparison of the tiers takes too long",
                where=self._where,
                got=f"{self.report.facts()}",
                expected=f"at most {HARD_S:g} s",
                hint="try again when the device has less to do",
                retryable=True,
            )

    async def _compare(self, columns: Sequence[Column], n: int, state: bytes) -> int:
        """Ask both; how many inputs were compared: all, or none where Python itself failed."""
        try:
            wanted, state_wanted, _ = await self._answer(self._judge, columns, n, state)
        except (WorkerDiedError, ViolationError, RecordError) as error:
            await self._judge.drop()
            if not isinstance(error, RecordError) and not error.code.startswith(("script.", "violation.")):
                raise
            self.report.skipped += n
            return 0
        try:
            got, state_got, declined = await self._answer(self._candidate, columns, n, state)
        except WorkerDiedError as error:
            if not error.code.startswith((*AT_ONCE, "script.")):
                raise
            raise self._died(error, columns, n) from error
        except ViolationError as error:
            raise self._died(error, columns, n) from error
        self.report.declined += declined
        found = first_difference(self._judge.contract, columns, n, got, wanted)
        if found is None and state_got != state_wanted:
            found = {"input": {}, "native": state_got.hex(), "sandbox": state_wanted.hex(), "what": "STATE"}
        if found is not None:
            raise DifferError(self._where, "the native module answers otherwise than the sandbox", found)
        return n

    def _died(
        self, error: WorkerDiedError | ViolationError, columns: Sequence[Column], n: int
    ) -> ModuleRefusedError:
        refused = ModuleRefusedError(
            error.code, "the worker with the native module died", where=self._where, got=str(error)[:200]
        )
        refused.context["input"] = str(shown_inputs(self._judge.contract, columns, n, 0))[:2000]
        return refused

    async def _answer(
        self, generation: Generation, columns: Sequence[Column], n: int, state: bytes
    ) -> tuple[StageReply, bytes, int]:
        """The whole answer of one side, in as many requests as it takes; the state and the declines after it."""
        contract = generation.contract
        parts: list[tuple[int, Reply]] = []
        start = declined = 0
        while start < n:
            piece = [
                take_rows(INPUT_DTYPES[kind], column, start, n, n)
                for (_, kind), column in zip(contract.inputs, columns, strict=True)
            ]
            reply = await generation.ask(await generation.ready(), piece, n - start, state)
            parts.append((start, reply))
            start += reply.answered
            declined += reply.declined
            state = reply.state if reply.state is not None else state
        return put_together(contract, parts, ()), state, declined
