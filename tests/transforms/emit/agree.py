"""Compares a compiled program with CPython (the sandbox's own runner), bit for bit, and with the IR's interpreter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.transforms.emit.compiled import DECLINED, OUT_OF_FUEL, Program
from tests.transforms.in_process import InProcess
from tests.transforms.lang.differential import bits, cpython
from tests.transforms.lang.interpreter import DeclineError, FaultError, Interpreter

from alloy_transforms.errors import WIRE_CODES
from alloy_transforms.sandbox.protocol import decode_state, encode_state


@dataclass
class Agreement:
    """What a comparison saw."""

    inputs: int = 0
    rows: int = 0
    errors: int = 0
    declined: int = 0


def agree(
    source: str, program: Program, inputs: Sequence[Sequence[Any]], params: Mapping[str, Any] | None = None
) -> Agreement:
    """Every input through both; the first difference is an AssertionError.

    With STATE an input that is declined goes on with CPython's state.
    """
    worker = InProcess(source, params)
    contract = worker.contract
    enums = {f.name: f.names for f in contract.outputs if f.type == "enum"}
    out = Agreement(len(inputs))
    state = program.first_state
    answers: Any = None if contract.stateful else program.run(inputs).answers
    for number, (given, (code, rows, after)) in enumerate(zip(inputs, cpython(worker, inputs), strict=True)):
        if contract.stateful:
            run = program.run([given], state)
            answer, new = run.answers[0], run.state
        else:
            answer, new = answers[number], {}
        if answer in (DECLINED, OUT_OF_FUEL):
            out.declined += 1
            assert not contract.stateful or encode_state(new) == encode_state(state)
            state = decode_state(after) if contract.stateful else state
            continue
        if isinstance(answer, int):
            assert WIRE_CODES[answer] == code, f"{given}: {WIRE_CODES[answer]}, CPython {code or rows}"
            out.errors += 1
        else:
            assert code == "", f"{given}: {answer}, CPython {code}"
            shown = [{k: enums[k][v] if k in enums else v for k, v in row.items()} for row in answer]
            assert bits(shown) == bits(rows), f"{given}: {shown}, CPython {rows}"
            out.rows += len(rows)
        if contract.stateful:
            assert encode_state(new) == after, f"{given}: {new}, CPython {decode_state(after)}"
            state = new
    return out


def declines_as_the_document_says(program: Program, inputs: Sequence[Sequence[Any]]) -> None:
    """An input is declined where the IR's interpreter declines it, and nowhere else."""
    interpreter = Interpreter(program.doc)
    for given, answer in zip(inputs, program.run(inputs).answers, strict=True):
        try:
            interpreter.run(list(given), interpreter.first_state)
            declined = False
        except FaultError:
            declined = False
        except DeclineError:
            declined = True
        assert (answer == DECLINED) == declined, f"{given}: {answer}, the document declines: {declined}"
