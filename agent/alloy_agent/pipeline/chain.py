"""A chain of stages over one batch: inputs of the next stage come from the rows of the one before.

Columns stay packed; they are opened to Python values only where a next stage takes them as INPUT.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from alloy_agent.errors import AgentError
from alloy_devices.source import Input, Scalar
from alloy_transforms.record import Column
from alloy_transforms.sandbox.contract import OUTPUT_TYPES, Contract, Field

from .shape import Origin

Values = Sequence[Scalar | None]

_CASTS = {"bool": "B", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "u1": "B", "u2": "H", "u4": "I", "f8": "d"}


@dataclass(frozen=True, slots=True)
class StageError:
    """One input of a stage that gave no rows because of an error."""

    index: int
    code: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class StageReply:
    """What one stage made of `n` inputs: rows in input order, `src[row]` is the index of its input."""

    rows: int
    src: Sequence[int]
    columns: tuple[Column, ...]
    errors: Sequence[StageError]


class Stage(Protocol):
    """One transform of a pipeline, whatever tier runs it."""

    @property
    def contract(self) -> Contract:
        """What the transform declares."""
        ...

    @property
    def tier(self) -> str:
        """`sandbox` or `native`."""
        ...

    async def run(self, columns: Sequence[Values], n: int) -> StageReply:
        """Run one batch; columns are in the order of `contract.inputs`."""
        ...


@dataclass(frozen=True, slots=True)
class Refused:
    """One source input that a stage refused."""

    index: int
    code: str
    message: str
    stage: str
    line: int


@dataclass(frozen=True, slots=True)
class ChainReply:
    """The outcome so far of a chain.

    Attributes:
        src: for each row, the index of the *source* input it was made of.
        stages: the stages that ran, with their replies.
        rows_of: for each stage, its row for each row of the outcome.
    """

    rows: int
    src: Sequence[int]
    stages: tuple[Stage, ...]
    replies: tuple[StageReply, ...]
    rows_of: tuple[Sequence[int], ...]
    refused: tuple[Refused, ...]

    def column(self, origin: Origin, field: Field) -> Column:
        """The values of one variable, one for each row of the outcome."""
        reply = self.replies[origin.stage]
        return gather(reply.columns[origin.column], field, reply.rows, self.rows_of[origin.stage])

    def field(self, name: str) -> tuple[Origin, Field]:
        """Where a field of the rows comes from; the latest stage that has it counts.

        Raises:
            AgentError: `pipeline.no_field`, no stage so far delivers it.
        """
        for number in range(len(self.stages) - 1, -1, -1):
            for index, field in enumerate(self.stages[number].contract.outputs):
                if field.name == name:
                    return Origin(number, index), field
        raise AgentError(
            "pipeline.no_field",
            f"no stage delivers `{name}`",
            where=" -> ".join(stage.contract.name for stage in self.stages),
            hint="name a field of OUTPUT of an earlier stage",
        )

    def named(self, name: str) -> list[Scalar | None]:
        """The values of a field of the rows by name; errors as `field`."""
        origin, field = self.field(name)
        return open_column(self.column(origin, field), field, self.rows)

    def select(self, rows: Sequence[int]) -> ChainReply:
        """Only these rows, in this order; what was refused stays with the original."""
        src = [self.src[row] for row in rows]
        rows_of = tuple([numbers[row] for row in rows] for numbers in self.rows_of)
        return ChainReply(len(rows), src, self.stages, self.replies, rows_of, ())


def source_columns(contract: Contract, batch: Sequence[Input]) -> list[Values]:
    """The first stage's inputs: `payload` and the fields the source gives.

    A field that an input does not have is None there: the stage refuses that input, never its neighbours. What
    a kind of source can never give was refused when the pipeline was built.
    """
    columns: list[Values] = []
    for name, _ in contract.inputs:
        if name == "payload":
            columns.append([item.payload for item in batch])
        else:
            columns.append([item.fields.get(name) for item in batch])
    return columns


class Progress:
    """What the stages have answered of one batch, in the order they were asked.

    A batch that has to be taken up again gets these answers, so that no stage counts an input twice in its STATE.
    """

    def __init__(self) -> None:
        self._replies: list[StageReply] = []
        self._next = 0

    def rewind(self) -> None:
        """From the first stage again; the questions must be the same."""
        self._next = 0

    async def run(self, stage: Stage, columns: Sequence[Values], n: int) -> StageReply:
        """The answer of a stage: the one of before, or a new one."""
        if self._next == len(self._replies):
            self._replies.append(await stage.run(columns, n))
        self._next += 1
        return self._replies[self._next - 1]


def _numbers(column: Column, dtype: str) -> Sequence[Any]:
    return array(_CASTS[dtype], column.values)


def open_column(column: Column, field: Field, rows: int) -> list[Scalar | None]:
    """Packed column -> Python values; missing values are None. Numbers are mantissas."""
    dtype = OUTPUT_TYPES[field.type]
    values: list[Scalar | None]
    if dtype in ("utf8", "bytes"):
        offsets = memoryview(column.values).cast("I")
        arena = column.arena
        parts = [arena[offsets[i] : offsets[i + 1]] for i in range(rows)]
        values = [part.decode() for part in parts] if dtype == "utf8" else list(parts)
    else:
        values = list(_numbers(column, dtype))
        if dtype == "bool":
            values = [bool(value) for value in values]
    if column.validity is not None:
        bits = column.validity
        values = [value if bits[i >> 3] >> (i & 7) & 1 else None for i, value in enumerate(values)]
    return values


def gather(column: Column, field: Field, rows: int, wanted: Sequence[int]) -> Column:
    """Rows `wanted` of a column, in that order; the column itself where that is every row once."""
    every = range(rows)  # what a last stage says, and compared in no time
    if wanted == every or (len(wanted) == rows and list(wanted) == list(every)):
        return column
    validity = None
    if column.validity is not None:
        bits = bytearray((len(wanted) + 7) // 8)
        for i, row in enumerate(wanted):
            if column.validity[row >> 3] >> (row & 7) & 1:
                bits[i >> 3] |= 1 << (i & 7)
        validity = bytes(bits)
    dtype = OUTPUT_TYPES[field.type]
    if dtype in ("utf8", "bytes"):
        offsets = memoryview(column.values).cast("I")
        parts = [column.arena[offsets[row] : offsets[row + 1]] for row in wanted]
        ends = array("I", [0])
        for part in parts:
            ends.append(ends[-1] + len(part))
        return Column(ends.tobytes(), b"".join(parts), validity)
    numbers = _numbers(column, dtype)
    return Column(array(_CASTS[dtype], [numbers[row] for row in wanted]).tobytes(), b"", validity)


def _refused(stage: Stage, errors: Sequence[StageError], to_source: Sequence[int]) -> list[Refused]:
    name = stage.contract.name
    return [Refused(to_source[e.index], e.code, e.message, name, e.line) for e in errors]


async def begin(progress: Progress, stage: Stage, columns: Sequence[Values], n: int) -> ChainReply:
    """Run the first stage over `n` source inputs."""
    reply = await progress.run(stage, columns, n)
    refused = _refused(stage, reply.errors, range(n))
    return ChainReply(reply.rows, reply.src, (stage,), (reply,), (range(reply.rows),), tuple(refused))


async def advance(progress: Progress, so_far: ChainReply, stages: Sequence[Stage]) -> ChainReply:
    """Run further stages over the rows so far; each takes its INPUT fields by name."""
    for stage in stages:
        columns = [so_far.named(name) for name, _ in stage.contract.inputs]
        reply = await progress.run(stage, columns, so_far.rows)
        refused = _refused(stage, reply.errors, so_far.src)
        rows_of = (*([numbers[i] for i in reply.src] for numbers in so_far.rows_of), range(reply.rows))
        so_far = ChainReply(
            reply.rows,
            [so_far.src[i] for i in reply.src],
            (*so_far.stages, stage),
            (*so_far.replies, reply),
            rows_of,
            (*so_far.refused, *refused),
        )
    return so_far
