"""A chain of stages over one batch: inputs of the next stage come from the rows of the one before.

Columns stay packed; they are opened to Python values only where a next stage takes them as INPUT.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
    """The outcome of a chain; `src[row]` is the index of the *source* input of each row."""

    rows: int
    src: Sequence[int]
    replies: tuple[StageReply, ...]
    rows_of: tuple[Sequence[int], ...]  # for each stage: its row for each row of the outcome
    refused: tuple[Refused, ...]

    def column(self, origin: Origin, field: Field) -> Column:
        """The values of one variable, one for each row of the outcome."""
        reply = self.replies[origin.stage]
        return gather(reply.columns[origin.column], field, reply.rows, self.rows_of[origin.stage])


def source_columns(contract: Contract, batch: Sequence[Input]) -> list[Values]:
    """The first stage's inputs: `payload` and the fields the source gives.

    Raises:
        AgentError: `pipeline.no_input`, the source has no field of that name.
    """
    columns: list[Values] = []
    for name, kind in contract.inputs:
        if name == "payload":
            columns.append([item.payload for item in batch])
            continue
        values = [item.fields.get(name) for item in batch]
        if all(value is None for value in values):
            known = sorted({key for item in batch for key in item.fields})
            raise AgentError(
                "pipeline.no_input",
                f"the source gives no `{name}`",
                where=contract.name,
                got=", ".join(["payload", *known]),
                expected=f"{name} ({kind})",
                hint="put a stage before it that delivers this field, or take it out of INPUT",
            )
        columns.append(values)
    return columns


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
        values = memoryview(column.values).cast(_CASTS[dtype]).tolist()
        if dtype == "bool":
            values = [bool(value) for value in values]
    if column.validity is not None:
        bits = column.validity
        values = [value if bits[i >> 3] >> (i & 7) & 1 else None for i, value in enumerate(values)]
    return values


def gather(column: Column, field: Field, rows: int, wanted: Sequence[int]) -> Column:
    """Rows `wanted` of a column, in that order; the column itself where that is every row once."""
    if len(wanted) == rows and all(row == i for i, row in enumerate(wanted)):
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
    cast = _CASTS[dtype]
    source = memoryview(column.values).cast(cast)
    return Column(array(cast, [source[row] for row in wanted]).tobytes(), b"", validity)


class Chain:
    """Stages in a row, each with its own worker."""

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)

    async def run(self, columns: Sequence[Values], n: int) -> ChainReply:
        """Run one batch through every stage; `columns` are the first stage's inputs."""
        replies: list[StageReply] = []
        refused: list[Refused] = []
        to_source: Sequence[int] = range(n)  # source input of each input of the current stage
        for number, stage in enumerate(self.stages):
            if number:
                columns = self._next_columns(number, replies[-1])
            reply = await stage.run(columns, n)
            for error in reply.errors:
                refused.append(
                    Refused(to_source[error.index], error.code, error.message, stage.contract.name, error.line)
                )
            to_source = [to_source[index] for index in reply.src]
            n = reply.rows
            replies.append(reply)
        rows_of: list[Sequence[int]] = [range(n)]
        for reply in reversed(replies[1:]):  # walk back: which row of the stage before made each final row
            rows_of.insert(0, [reply.src[row] for row in rows_of[0]])
        return ChainReply(n, to_source, tuple(replies), tuple(rows_of), tuple(refused))

    def _next_columns(self, number: int, reply: StageReply) -> list[Values]:
        before = {field.name: (i, field) for i, field in enumerate(self.stages[number - 1].contract.outputs)}
        columns: list[Values] = []
        for name, _ in self.stages[number].contract.inputs:
            index, field = before[name]  # `check_contracts` has seen to it
            columns.append(open_column(reply.columns[index], field, reply.rows))
        return columns
