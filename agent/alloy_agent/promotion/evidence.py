"""Where two answers to one batch differ, and what an operator is shown of it: bounded, and exact to the bit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from alloy_agent.pipeline.chain import StageReply
from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import values_of
from alloy_transforms.sandbox.contract import INPUT_DTYPES, Contract

BYTES: Final = 512  # of one value that are shown
ROWS: Final = 4  # of one answer that are shown


def first_difference(
    contract: Contract, columns: Sequence[Column], n: int, native: StageReply, sandbox: StageReply
) -> dict[str, Any] | None:
    """The first input with two answers, as evidence; None where everything is the same."""
    if same(native, sandbox):
        return None
    ours, theirs = answers(contract, native, n), answers(contract, sandbox, n)
    at = next((i for i in range(n) if ours[i] != theirs[i]), 0)
    return evidence(contract, columns, n, at, ours[at], theirs[at])


def same(a: StageReply, b: StageReply) -> bool:
    """Whether two answers are the same bytes."""
    return (
        a.rows == b.rows
        and list(a.src) == list(b.src)
        and a.columns == b.columns
        and list(a.errors) == list(b.errors)
    )


def evidence(
    contract: Contract, columns: Sequence[Column], n: int, at: int, native: object, sandbox: object
) -> dict[str, Any]:
    """What is told of one input with two answers."""
    return {
        "input": shown_inputs(contract, columns, n, at),
        "native": native,
        "sandbox": sandbox,
    }


def shown_inputs(contract: Contract, columns: Sequence[Column], n: int, at: int) -> dict[str, Any]:
    """One input of a batch by name."""
    return {
        name: shown(values_of(INPUT_DTYPES[kind], column, n)[at])
        for (name, kind), column in zip(contract.inputs, columns, strict=True)
    }


def answers(contract: Contract, reply: StageReply, n: int) -> list[list[Any]]:
    """For each of `n` inputs its rows, or its error."""
    out: list[list[Any]] = [[] for _ in range(n)]
    values = [values_of(f.dtype, c, reply.rows) for f, c in zip(contract.outputs, reply.columns, strict=True)]
    for row, source in enumerate(reply.src):
        if len(out[source]) < ROWS:
            named = zip(contract.outputs, values, strict=True)
            out[source].append({f.name: shown(v[row]) for f, v in named if v[row] is not None})
    for error in reply.errors:
        out[error.index].append(f"{error.code} at line {error.line}: {error.message}")
    return out


def shown(value: Any) -> Any:
    """A value as JSON holds it without loss: bytes in hexadecimal, floats as `float.hex` and as a number."""
    if isinstance(value, bytes):
        return value[:BYTES].hex() + ("…" if len(value) > BYTES else "")
    if isinstance(value, float):
        return f"{value!r} ({value.hex()})"
    if isinstance(value, str):
        return value[:BYTES]
    return value
