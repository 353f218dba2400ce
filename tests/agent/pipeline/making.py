"""Small honest parts for pipeline tests: a sink that does as told, a stage in this process, a source of numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cbor2
import trio

from alloy_agent.errors import AgentError
from alloy_agent.pipeline.chain import StageError, StageReply, Values
from alloy_devices.source import Emit, Input, SourceStats
from alloy_transforms.record import ClockState
from alloy_transforms.sandbox.columns import column
from alloy_transforms.sandbox.contract import OUTPUT_TYPES, Contract, Field, Profile

DISK_FULL = AgentError("sink.write", "the disk is full", retryable=True)
BUSY = AgentError("sink.refused", "quota exceeded", retryable=True)
FORBIDDEN = AgentError("sink.refused", "not authorised")
NOBODY = AgentError("sink.no_consumer", "nobody listens", retryable=True)

Row = dict[str, object] | None


@dataclass
class Slip:
    """A ticket that the test settles: `error` None means safe."""

    event: trio.Event = field(default_factory=trio.Event)
    error: AgentError | None = None

    async def wait(self) -> None:
        await self.event.wait()
        if self.error is not None:
            raise self.error

    def settle(self, error: AgentError | None = None) -> None:
        self.error = error
        self.event.set()


class MemorySink:
    """Keeps what it is sent; `answers` are given in turn (None safe, an error, "wait"), then all is safe.

    `full` raises from `send` itself while it is set.
    """

    def __init__(self, *answers: AgentError | str | None) -> None:
        self.name = "memory"
        self.blocks: list[bytes] = []
        self.times: list[float] = []
        self.slips: list[Slip] = []
        self.announced: list[str] = []
        self.full: AgentError | None = None
        self.asked = 0
        self._answers = list(answers)

    async def announce(self, sid: str, descriptor: bytes) -> None:
        if self.full is not None:
            raise self.full
        self.announced.append(sid)

    async def send(self, block: Sequence[bytes | bytearray | memoryview]) -> Slip:
        await trio.lowlevel.checkpoint()
        self.asked += 1
        if self.full is not None:
            raise self.full
        self.blocks.append(b"".join(block))
        self.times.append(trio.current_time())
        slip = Slip()
        self.slips.append(slip)
        answer = self._answers.pop(0) if self._answers else None
        if answer != "wait":
            assert not isinstance(answer, str)
            slip.settle(answer)
        return slip

    async def aclose(self) -> None:
        return

    def numbers(self) -> list[int]:
        """The first column of every block of the `cbor` encoding, as numbers."""
        return [n for block in self.blocks for n in decode_numbers(block)]


def decode_numbers(block: bytes) -> list[int]:
    """The first int64 column of a CBOR batch."""
    tree = cbor2.loads(block)
    if tree["k"] != "b":
        return []
    raw = tree["p"][0].value
    return [int.from_bytes(raw[i : i + 8], "little", signed=True) for i in range(0, len(raw), 8)]


def contract(
    name: str, inputs: Sequence[tuple[str, str]], *outputs: Field, stateful: bool = False
) -> Contract:
    return Contract(
        name=name,
        doc="Test.",
        digest="0" * 64,
        profile=Profile.GATEWAY,
        inputs=tuple(inputs),
        outputs=outputs,
        stateful=stateful,
        max_rows=64,
    )


class LocalStage:
    """A stage without a process: `work` gives the rows of one input, or raises ValueError for a data error."""

    tier = "sandbox"

    def __init__(self, made: Contract, work: Callable[..., list[Row]]) -> None:
        self.contract = made
        self.calls = 0
        self.failing: list[Exception] = []
        self._work = work

    async def run(self, columns: Sequence[Values], n: int) -> StageReply:
        await trio.lowlevel.checkpoint()
        if self.failing:
            raise self.failing.pop(0)
        self.calls += 1
        rows: list[dict[str, object]] = []
        src: list[int] = []
        errors: list[StageError] = []
        for i in range(n):
            try:
                for row in self._work(*[values[i] for values in columns]):
                    rows.append(row or {})
                    src.append(i)
            except ValueError as error:
                errors.append(StageError(i, "data.value", str(error), 7))
        made = tuple(
            column(OUTPUT_TYPES[f.type], [row.get(f.name) for row in rows]) for f in self.contract.outputs
        )
        return StageReply(len(rows), src, made, errors)


class NumberSource:
    """Emits the numbers it is given as text, `step` at a time, then waits; acknowledgements are recorded."""

    def __init__(self, numbers: Sequence[int], *, step: int = 10, can_acknowledge: bool = True) -> None:
        self.name = "numbers"
        self.can_acknowledge = can_acknowledge
        self.stats = SourceStats()
        self.acknowledged: list[int] = []
        self.failing: list[Exception] = []
        self._left = list(numbers)
        self._step = step

    async def run(self, emit: Emit) -> None:
        if self.failing:
            raise self.failing.pop(0)
        while self._left:
            part, self._left = self._left[: self._step], self._left[self._step :]
            await emit([self._input(number) for number in part])
        await trio.sleep_forever()

    def _input(self, number: int) -> Input:
        def acknowledge() -> None:
            self.acknowledged.append(number)

        call = acknowledge if self.can_acknowledge else None
        return Input(str(number).encode(), number, ClockState.FREE, {"topic": "t"}, call)


def inputs(*payloads: bytes) -> list[Input]:
    return [Input(payload, 1000 + i, ClockState.FREE) for i, payload in enumerate(payloads)]
