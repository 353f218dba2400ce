"""A pipeline of records: source, queue, chain of stages, quality, blocks, window.

It owns the promise that an input is acknowledged only after every block made of it, or its dead letter, is safe.
Whatever fails in between, the batch in hand stays here (`_current`) and is taken up again when the supervisor
starts the pipeline anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import trio

from alloy_agent.errors import AgentError
from alloy_devices.source import Input, Source

from .chain import Refused
from .deadletter import DeadLetters, Letter
from .queue import BatchLimits, InputQueue
from .routes import Outcome, Route
from .window import Window

TRIES = 5
"""How often a batch is offered to stages whose worker cannot be had."""
STAGE_FAILED = ("transform.disabled", "transform.quarantined")


@dataclass(slots=True)
class PipelineStats:
    """Counters of one pipeline; read by status and the demo."""

    inputs: int = 0
    rows: int = 0
    blocks: int = 0
    refused: int = 0
    restarts: int = 0
    by_code: dict[str, int] = field(default_factory=dict)


class RecordPipeline:
    """One running pipeline.

    Args:
        source: where inputs come from.
        route: the chain a batch is put through, and where its rows go.
        letters: dead letters of this pipeline.
        publish_letters: announces dead letters to the operator; must not raise or wait long.
    """

    def __init__(
        self,
        name: str,
        source: Source,
        route: Route,
        window: Window,
        letters: DeadLetters,
        limits: BatchLimits,
        publish_letters: Callable[[Sequence[Letter]], None],
        *,
        queue_bytes: int = 4 << 20,
        drop_refused: bool = False,
    ) -> None:
        self.name = name
        self.source = source
        self.route = route
        self.window = window
        self.letters = letters
        self.limits = limits
        self.stats = PipelineStats()
        self.state = "starting"
        self.reason = ""
        self.queue = InputQueue(4 * limits.rows, queue_bytes)
        self._publish_letters = publish_letters
        self._drop_refused = drop_refused
        self._current: list[Input] = []
        self._stopping = trio.Event()

    def stop(self) -> None:
        """Ask for a clean end: the source is closed, what was taken is finished."""
        self._stopping.set()

    async def run(self) -> None:
        """Run until stopped and drained; may be called again after it raised."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.window.run)
            async with trio.open_nursery() as inner:
                inner.start_soon(self._feed)
                await self._work()
                inner.cancel_scope.cancel()
            await self.window.drained()
            nursery.cancel_scope.cancel()
        self.state = "stopped"

    async def _feed(self) -> None:
        if self.queue.closed:
            return
        async with trio.open_nursery() as nursery:

            async def end_when_stopped() -> None:
                await self._stopping.wait()
                nursery.cancel_scope.cancel()

            nursery.start_soon(end_when_stopped)
            await self.source.run(self.queue.put)
            nursery.cancel_scope.cancel()
        self.queue.close()

    async def _work(self) -> None:
        self.state = "running"
        while True:
            if not self._current:
                self._current = await self.queue.take(self.limits)
            if not self._current:
                return
            await self._batch(self._current)
            self._current = []

    async def _batch(self, batch: list[Input]) -> None:
        if self.state == "disabled":
            await self._refuse_whole(batch)
            return
        try:
            outcome = await self._outcome(batch)
        except AgentError as error:
            if error.code not in STAGE_FAILED:
                raise
            self.state, self.reason = "disabled", f"{error.code}: {error.what}"
            await self._refuse_whole(batch)
            return
        self.stats.inputs += len(batch)
        self.stats.rows += outcome.rows
        await self._hand_over(batch, outcome)

    async def _outcome(self, batch: list[Input]) -> Outcome:
        """Run the stages; what may work the next time (a zygote that died) is tried again a few times."""
        delay = 0.1
        for _ in range(TRIES - 1):
            try:
                return await self.route.run(batch)
            except AgentError as error:
                if not error.retryable:
                    raise
                self.reason = str(error)
            await trio.sleep(delay)
            delay *= 2
        return await self.route.run(batch)

    async def _hand_over(self, batch: list[Input], outcome: Outcome) -> None:
        letters = self._letters_of(batch, outcome.refused)
        self._count(letters)
        settle = _Settle(self, batch, letters, max(len(outcome.blocks), 1))
        self.stats.blocks += len(outcome.blocks)
        for messages in outcome.blocks or ((),):
            await self.window.add(messages, settle.safe, settle.failed)

    async def _refuse_whole(self, batch: list[Input]) -> None:
        """A disabled transform: what can be asked again is not acknowledged, the rest is kept raw."""
        if self.source.can_acknowledge:
            await self._stopping.wait()
            return
        refused = [Refused(i, "transform.disabled", self.reason, self.name, 0) for i in range(len(batch))]
        letters = self._letters_of(batch, refused)
        self._count(letters)
        settle = _Settle(self, batch, letters, 1)
        await self.window.add((), settle.safe, settle.failed)

    def _letters_of(self, batch: Sequence[Input], refused: Sequence[Refused]) -> list[Letter]:
        return [self._letter(batch[r.index], r) for r in refused]

    def _letter(self, item: Input, refused: Refused) -> Letter:
        return Letter(
            refused.code, refused.message, refused.stage, refused.line, item.received_ns, item.payload
        )

    def _count(self, letters: Sequence[Letter]) -> None:
        self.stats.refused += len(letters)
        for letter in letters:
            if letter.code in self.stats.by_code or len(self.stats.by_code) < 64:
                self.stats.by_code[letter.code] = self.stats.by_code.get(letter.code, 0) + 1

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Make dead letters safe; waits for the disk where the source can be asked to wait."""
        if not letters or self._drop_refused:
            return
        delay = 0.5
        while True:
            try:
                await self.letters.add(letters)
                break
            except AgentError as error:
                self.reason = str(error)
                if not self.source.can_acknowledge:
                    return  # counted as lost by the store; a serial line cannot be asked again
                await trio.sleep(delay)
                delay = min(delay * 2, 30.0)
        self._publish_letters(letters)


@dataclass(slots=True)
class _Settle:
    """Acknowledges one batch once all its blocks and dead letters are safe."""

    pipeline: RecordPipeline
    batch: list[Input]
    letters: list[Letter]
    waiting: int
    refused_by_sink: AgentError | None = None

    async def safe(self) -> None:
        self.waiting -= 1
        if self.waiting:
            return
        letters = self.letters
        if self.refused_by_sink is not None:
            error = self.refused_by_sink
            letters = [
                Letter(error.code, error.what, "sink", 0, item.received_ns, item.payload)
                for item in self.batch
            ]
        await self.pipeline.bury(letters)
        for item in self.batch:
            if item.acknowledge is not None:
                item.acknowledge()

    async def failed(self, error: AgentError) -> None:
        self.refused_by_sink = error
        await self.safe()
