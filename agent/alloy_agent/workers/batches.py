"""One batch on its way into a transform and out again: packing values, putting partial replies together. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence

from alloy_agent.pipeline.chain import StageError, StageReply
from alloy_agent.workers.offers import Given
from alloy_devices.source import Scalar
from alloy_transforms.errors import RecordError
from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import column, input_column, join
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.reply import Reply

Values = Sequence[Scalar | None]
"""One input of the transform, a value per record."""


def pack(
    inputs: Sequence[tuple[str, str]], columns: Sequence[Values], n: int
) -> tuple[list[Column], dict[int, str]]:
    """Columns, and which inputs hold a value that is not of its declared type.

    Args:
        inputs: (name, type) of each column, as `Contract.inputs`.
        columns: `n` values each.

    Returns:
        A column per input, those left out that hold a wrong value; index of a record -> what is wrong with it.
    """
    packed: list[Column] = []
    bad: dict[int, str] = {}
    for (name, kind), values in zip(inputs, columns, strict=True):
        if len(values) != n:
            raise RuntimeError(f"the column of `{name}` has {len(values)} values, the batch {n}")
        try:
            packed.append(input_column(kind, values))
        except RecordError:
            for i, value in enumerate(values):
                try:
                    input_column(kind, (value,))
                except RecordError:
                    bad[i] = f"input `{name}` is {kind}, got {type(value).__name__}"
    return packed, bad


def put_together(
    contract: Contract, parts: Sequence[tuple[int, Reply]], given_up: Sequence[Given]
) -> StageReply:
    """One reply of a batch that was asked in parts.

    Args:
        parts: (index of its first input in the batch, reply), in order.
        given_up: inputs that no part answers.
    """
    errors = [
        StageError(start + e.index, e.code, e.message, e.line) for start, reply in parts for e in reply.errors
    ]
    if len(parts) == 1 and not given_up:
        only = parts[0][1]
        return StageReply(only.rows, only.sources(), only.columns, tuple(errors))
    for given in given_up:
        line = contract.line
        errors += [StageError(i, given.code, given.message, line) for i in range(given.start, given.stop)]
    src = array("I", (start + i for start, reply in parts for i in reply.sources()))
    joined = tuple(
        join(f.dtype, [(reply.columns[k], reply.rows) for _, reply in parts])
        if parts
        else column(f.dtype, ())
        for k, f in enumerate(contract.outputs)
    )
    return StageReply(len(src), src, joined, tuple(sorted(errors, key=lambda e: e.index)))


def with_wrong(reply: StageReply, good: Sequence[int], wrong: Mapping[int, str], line: int) -> StageReply:
    """The reply to a whole batch of which only the inputs `good` were asked.

    Args:
        wrong: index of each other input -> what is wrong with it.
        line: of the transform's file, for those.
    """
    errors = [StageError(good[e.index], e.code, e.message, e.line) for e in reply.errors]
    errors += [StageError(i, "data.schema", text, line) for i, text in wrong.items()]
    src = array("I", [good[i] for i in reply.src])
    return StageReply(reply.rows, src, reply.columns, sorted(errors, key=lambda e: e.index))
