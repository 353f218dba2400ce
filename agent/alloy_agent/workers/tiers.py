"""Which generation of a stage answers, and the way back from a native module in the middle of a batch.

A worker that dies with its module, or answers otherwise than Python, costs nothing but time: the same inputs are
asked again of a worker without the module, which is made of the same checked file. `promotion/watch.py` decides what
follows for the module.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import trio

from alloy_agent.errors import WorkerDiedError
from alloy_agent.native import CodedError
from alloy_agent.promotion.canary import AT_ONCE
from alloy_agent.promotion.evidence import answers, evidence, shown_inputs
from alloy_agent.promotion.watch import Back, Watch
from alloy_agent.workers.accounting import Accounting
from alloy_agent.workers.batches import put_together
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.process import WorkerProcess
from alloy_transforms.errors import RecordError, ViolationError
from alloy_transforms.record import Column
from alloy_transforms.sandbox.reply import Reply

NATIVE, SANDBOX = "native", "sandbox"


class Tiers:
    """Of one stage.

    Attributes:
        generation: the one to ask now.
        watch: of the module that serves; None in the sandbox.

    Args:
        on_change: told after the tier has changed by itself, with what is known.
    """

    def __init__(
        self, generation: Generation, accounting: Accounting, on_change: Callable[[Watch, Back], None]
    ) -> None:
        self.generation = generation
        self.watch: Watch | None = None
        self._accounting = accounting
        self._on_change = on_change
        self._resting: Generation | None = None  # the native one, while Python answers the rest of a batch
        self._doubt: tuple[str, str, dict[str, Any]] | None = None

    @property
    def tier(self) -> str:
        """`native` or `sandbox`; of the stage, whoever answers the batch in hand."""
        return SANDBOX if self.watch is None else NATIVE

    def put(self, following: Generation, watch: Watch | None) -> Generation:
        """The next generation serves from now on; between two batches.

        Returns:
            The one before; end it.
        """
        old, self.generation = self.generation, following
        before, self.watch = self.watch, watch
        if before is not None:
            before.module.close()
        return old

    def compare(self) -> bool:
        """Whether the batch that begins is run in both tiers."""
        return self.watch is not None and self.watch.canary.take(trio.current_time())

    async def refused(self, error: CodedError) -> None:
        """No worker comes up with the module any more."""
        await self._back(Back(False, error.code, f"no worker comes up with the module: {error.what}"))

    async def died(self, error: WorkerDiedError | ViolationError, columns: Sequence[Column], n: int) -> None:
        """The worker with the module died over `n` inputs; Python is asked for the rest of the batch."""
        assert self.watch is not None
        self._accounting.deaths += 1
        text = f"{error.what}: {error.got}" if error.got else error.what
        shown = {"first_input": shown_inputs(self.generation.contract, columns, n, 0), "inputs": n}
        if error.code.startswith(AT_ONCE):
            await self._back(Back(True, error.code, f"the worker with the native module died: {text}", shown))
            return
        self._doubt = error.code, text, shown
        self._resting, self.generation = self.generation, self.generation.alike(None)

    async def differs(
        self, worker: WorkerProcess, columns: Sequence[Column], n: int, state: bytes, reply: Reply
    ) -> None:
        """Both tiers answered `n` inputs and do not agree; nothing of the reply is used."""
        assert self.watch is not None
        self._accounting.inputs -= reply.answered
        self._accounting.rows -= reply.rows
        self.generation.accounting = Accounting()  # what is asked for the evidence is no work
        shown = await self._evidence(worker, columns, n, state, reply)
        what = "the native module answered otherwise than the sandbox"
        await self._back(Back(True, "build.diff", what, shown))

    async def answered(self, reply: Reply, *, compared: bool) -> None:
        """An answer with the module was taken."""
        assert self.watch is not None
        self._accounting.declined += reply.declined
        self.watch.canary.compared += reply.answered if compared else 0
        if (back := self.watch.answered(reply.answered, reply.declined)) is not None:
            await self._back(back)

    async def end(self, kills: int) -> None:
        """A batch was answered.

        Args:
            kills: workers without the module that died over it: then the fault is in the transform.
        """
        if self._resting is None:
            return
        assert self.watch is not None
        assert self._doubt is not None
        self.watch.fallbacks += 1
        code, text, shown = self._doubt
        back = None if kills else self.watch.died(code, text, trio.current_time(), shown)
        if back is not None:
            await self._back(back)
        else:
            await self.generation.drop()
            self.restore()

    def restore(self) -> None:
        """The generation with the module serves again; its worker comes up with the next batch."""
        if self._resting is not None:
            self.generation, self._resting = self._resting, None

    async def _back(self, back: Back) -> None:
        """To the sandbox for good. It is durable before the first answer from there is given."""
        watch = self.watch
        assert watch is not None
        if self._resting is None:
            await self.generation.drop()
            self.generation = self.generation.alike(None, self._accounting)
        self._resting = self.watch = None
        with trio.CancelScope(shield=True):
            await watch.on_back(back)
        watch.module.close()
        self._on_change(watch, back)

    async def _evidence(
        self, worker: WorkerProcess, columns: Sequence[Column], n: int, state: bytes, reply: Reply
    ) -> dict[str, Any]:
        """The input with two answers, and both: the module is asked once more, alone."""
        at = reply.differs - 1
        contract = self.generation.contract
        sandbox = answers(contract, put_together(contract, [(0, reply)], ()), n)[at]
        native: Any = "it gave none when it was asked once more"
        try:
            alone = await self.generation.ask(worker, columns, n, state)
            if alone.answered > at:
                native = answers(contract, put_together(contract, [(0, alone)], ()), n)[at]
        except (WorkerDiedError, ViolationError, RecordError) as error:
            native = f"its worker died when it was asked once more: {error.code}"
        return evidence(contract, columns, n, at, native, sandbox)
