"""A pipeline of records: source, queue, chain of stages, quality, blocks, window.

It owns the promise that an input is acknowledged only after every block made of it, or its dead letter, is safe.
Whatever fails in between, the batch in hand stays here with all that was done of it (`_InHand`), and the pipeline
goes on exactly there when the supervisor starts it anew: no stage counts an input twice, no block is sent twice.

Twice a record can arrive only where nobody can know better: when a connection broke between the consumer and the
acknowledgement, and after a restart of the daemon, for the inputs that were not acknowledged before. Across a
restart such repeats carry another run id.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import trio

from alloy_agent.errors import AgentError
from alloy_agent.native import CodedError
from alloy_devices.source import Input, Source

from .again import again
from .chain import Progress, Refused, Stage
from .deadletter import DeadLetters, Letter
from .queue import BatchLimits, InputQueue, cost
from .routes import Block, Outcome, Route
from .window import Window

GIVEN_UP_AFTER = 3
"""Failures of the pipeline over one batch, none of them the world's fault, before the batch is given up."""
BURY_FIRST_S, BURY_MAX_S = 0.5, 30.0
MAX_CODES = 64
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
        self._hand: _InHand | None = None
        self._stopping = trio.Event()
        self._released = trio.Event()  # a batch that is held back is looked at again

    def stop(self) -> None:
        """Ask for a clean end: the source is closed, what was taken is finished."""
        self._stopping.set()
        self._released.set()

    def all_stages(self) -> list[Stage]:
        """Every transform its records may go through."""
        return self.route.all_stages()

    def resume(self) -> None:
        """A transform is in use again: run the batch that was held back."""
        self._released.set()

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
        self.state, self.reason = "running", ""
        while True:
            if self._hand is None:
                batch = await self.queue.take(self.limits)
                if not batch:
                    return
                self._hand = _InHand(batch)
            await self._finish(self._hand)
            self._hand = None

    async def _finish(self, hand: _InHand) -> None:
        """Take a batch from where it is to the window."""
        if hand.settle is None:
            while (refused := await self._run_stages(hand)) is None:
                await self._released.wait()
                if self._stopping.is_set():
                    return  # not acknowledged, so it is asked for again
                self._released = trio.Event()
            letters = self._letters_of(hand.batch, refused)
            self.count(letters)
            self.stats.blocks += len(hand.blocks)
            hand.settle = _Settle(self, hand.batch, letters, max(len(hand.blocks), 1))
            if not hand.blocks:
                hand.blocks.append(Block((), ()))
            hand.held = sum(map(cost, hand.batch)) // len(hand.blocks)
        while hand.blocks:
            block = hand.blocks[0]
            await self.window.add(
                block.messages,
                hand.settle.safe,
                partial(hand.settle.failed, frozenset(block.src)),
                held=hand.held,
            )
            hand.blocks.popleft()

    async def _run_stages(self, hand: _InHand) -> Sequence[Refused] | None:
        """Fill the blocks of a batch.

        Returns:
            The inputs that were refused; None when the batch has to be held back.
        """
        everything = range(len(hand.batch))
        if hand.tries >= GIVEN_UP_AFTER:
            return [Refused(i, "pipeline.given_up", hand.why, self.name, 0) for i in everything]
        hand.tries += 1
        try:
            outcome = await self._outcome(hand)
        except trio.Cancelled:
            hand.tries -= 1  # something else failed
            raise
        except CodedError as error:
            hand.why = str(error)
            hand.tries -= error.retryable
            if error.code not in STAGE_FAILED:
                raise
            hand.tries -= 1  # nothing of it ran
            self.state, self.reason = "disabled", f"{error.code}: {error.got or error.what}"
            if self.source.can_acknowledge:
                return None
            return [Refused(i, error.code, error.what, self.name, 0) for i in everything]
        self.state, self.reason = "running", ""
        self.stats.inputs += len(hand.batch)
        self.stats.rows += outcome.rows
        hand.blocks.extend(outcome.blocks)
        return outcome.refused

    async def _outcome(self, hand: _InHand) -> Outcome:
        """Run the stages."""

        def note(error: CodedError) -> None:
            self.reason = str(error)

        return await again(partial(self.route.run, hand.batch, hand.progress), note)

    def _letters_of(self, batch: Sequence[Input], refused: Sequence[Refused]) -> list[Letter]:
        return [self._letter(batch[r.index], r) for r in refused]

    def _letter(self, item: Input, refused: Refused) -> Letter:
        return Letter(
            refused.code, refused.message, refused.stage, refused.line, item.received_ns, item.payload
        )

    def count(self, letters: Sequence[Letter]) -> None:
        """Count what was refused."""
        self.stats.refused += len(letters)
        for letter in letters:
            if letter.code in self.stats.by_code or len(self.stats.by_code) < MAX_CODES:
                self.stats.by_code[letter.code] = self.stats.by_code.get(letter.code, 0) + 1

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Make dead letters safe; waits for the disk where the source can be asked to wait."""
        if not letters or self._drop_refused:
            return
        delay = BURY_FIRST_S
        while True:
            try:
                await self.letters.add(letters)
                break
            except AgentError:
                if not self.source.can_acknowledge:
                    self.letters.lost += len(letters)  # a serial line cannot be asked again
                    return
                await trio.sleep(delay)
                delay = min(delay * 2, BURY_MAX_S)
        self._publish_letters(letters)


@dataclass(slots=True)
class _Settle:
    """Acknowledges one batch once all its blocks and dead letters are safe.

    Each call counts only when it returns: the window repeats one that was cancelled.
    """

    pipeline: RecordPipeline
    batch: list[Input]
    letters: list[Letter]
    waiting: int

    async def safe(self) -> None:
        if self.waiting == 1:
            await self.pipeline.bury(self.letters)
            for item in self.batch:
                if item.acknowledge is not None:
                    item.acknowledge()
        self.waiting -= 1

    async def failed(self, src: frozenset[int], error: AgentError) -> None:
        """A sink refused the block made of inputs `src`: they go to the dead letters."""
        before = len(self.letters)
        items = [self.batch[index] for index in sorted(src)]
        self.letters += [
            Letter(error.code, str(error), "sink", 0, item.received_ns, item.payload) for item in items
        ]
        try:
            await self.safe()
        except BaseException:
            del self.letters[before:]
            raise
        self.pipeline.count(self.letters[before:])


@dataclass(slots=True)
class _InHand:
    """One batch on its way from the queue to the window, and how far it came.

    Attributes:
        progress: what the stages have answered.
        settle: set once the stages are through.
        blocks: those the window does not have yet.
        tries: failures over this batch; `why` is the last.
    """

    batch: list[Input]
    progress: Progress = field(default_factory=Progress)
    settle: _Settle | None = None
    blocks: deque[Block] = field(default_factory=deque)
    held: int = 0  # bytes of the inputs, for each block
    tries: int = 0
    why: str = "the pipeline failed over this input again and again"
