"""Columns of the record model as rows of an outcome."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from tests.transforms.differential.outcome import Outcome, Row, Value
from tests.transforms.differential.subjects import state_value

from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import TYPECODES, unpack_bits
from alloy_transforms.sandbox.contract import Contract, Field
from alloy_transforms.sandbox.errormap import NUMBERS
from alloy_transforms.sandbox.protocol import decode_state
from alloy_transforms.sandbox.reply import Reply


def values(f: Field, column: Column, rows: int) -> list[Value]:
    """The values of one column; floats as they are stored, bit for bit."""
    out: list[Value]
    if f.dtype in ("bytes", "utf8"):
        out = [bytes(column.arena[a:b]) for a, b in pairwise(array("I", column.values))]
    else:
        code = "Q" if f.dtype == "f8" else "B" if f.dtype == "bool" else TYPECODES[f.dtype]
        out = array(code, column.values).tolist()
    if column.validity is not None:
        out = [v if ok else None for v, ok in zip(out, unpack_bits(column.validity, rows), strict=True)]
    return out


def append(out: Outcome, contract: Contract, reply: Reply) -> None:
    """Add what a reply answers."""
    first = len(out)
    codes = [0] * reply.answered
    for error in reply.errors:
        codes[error.index] = NUMBERS[error.code]
    out.codes += codes
    out.rows += [[] for _ in range(reply.answered)]
    columns = [values(f, c, reply.rows) for f, c in zip(contract.outputs, reply.columns, strict=True)]
    rows: Sequence[Row] = list(zip(*columns, strict=True))
    for at, row in zip(reply.sources(), rows, strict=True):
        out.rows[first + at].append(row)
    if reply.state is not None:
        assert reply.answered == 1, "the state is compared after each input"
        out.states.append(state_row(decode_state(reply.state)))


def state_row(state: Mapping[str, Any]) -> Row:
    """The values of STATE in their order."""
    return tuple(map(state_value, state.values()))
