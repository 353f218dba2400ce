"""The other tiers of a program, compared with CPython's answers input by input."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.transforms.emit.compiled import DECLINED as DECLINE
from tests.transforms.emit.compiled import OUT_OF_FUEL as FUEL
from tests.transforms.emit.compiled import Program as Compiled
from tests.transforms.lang.interpreter import DeclineError, FaultError, Interpreter
from tests.transforms.programs.answers import Answer, Row, frozen
from tests.transforms.programs.program import Program

from alloy_transforms.errors import WIRE_CODES
from alloy_transforms.sandbox.protocol import decode_state, encode_state


@dataclass(frozen=True)
class Difference:
    """One input that two tiers answer differently."""

    program: Program
    tier: str
    index: int
    got: Any
    wanted: Answer

    def __str__(self) -> str:
        given = self.program.inputs[self.index]
        place = f"seed {self.program.seed}, {self.tier}, input {self.index} {given}"
        return f"{place}:\n  got {self.got}\n  CPython {self.wanted}"


def interpreted(
    program: Program, document: dict[str, Any], answers: list[Answer]
) -> Iterator[Difference | None]:
    """The IR in the reference interpreter: per input a difference, or None; declined inputs are left out."""
    run = Interpreter(document)
    state = run.first_state
    for index, (given, wanted) in enumerate(zip(program.inputs, answers, strict=True)):
        got: Any
        after = state
        try:
            if program.kind == "map":
                got = Answer("", (frozen({"": run.call(*given)}),))
            else:
                rows, after = run.run(list(given), state)
                kept = (
                    encode_state({k: math.nan if v != v else v for k, v in after.items()}) if state else b""
                )
                got = Answer("", tuple(shown(document, row) for row in rows), kept)
        except DeclineError:
            got = None
        except FaultError as fault:
            got = Answer(fault.code, (), wanted.state)
        except AssertionError as broken:  # the document claims what is not so
            got = f"{broken}"[:2000]
        state = decode_state(wanted.state) if state else state
        if got is not None:
            yield None if got == wanted else Difference(program, "ir", index, got, wanted)


def shown(document: dict[str, Any], row: dict[str, Any]) -> Row:
    """A row as the sandbox gives it: a bool field may be filled with 0 and 1, a text field with bytes."""
    kinds = {f["name"]: f["type"] for f in document["outputs"]}
    ways = {"bool": bool, "text": lambda v: str(v, "utf-8")}
    return frozen({k: ways[kinds[k]](v) if kinds[k] in ways else v for k, v in row.items()})


def native(program: Program, compiled: Compiled, answers: list[Answer]) -> Iterator[Difference | None]:
    """The compiled program: per input a difference, or None; declined inputs are left out.

    A state goes on from one input to the next in the native tier itself; behind a declined input it is CPython's.
    """
    if program.kind == "map":
        columns = [list(column) for column in zip(*program.inputs, strict=True)]
        values, codes = compiled.map(*columns)
        got = [[{"": v}] if code == 0 else code for v, code in zip(values, codes, strict=True)]
        yield from _compared(program, 0, got, [{}] * len(got), answers)
        return
    first, state = 0, compiled.first_state
    while first < len(answers):
        try:
            out = compiled.run(program.inputs[first:], state)
        except AssertionError as broken:  # the batch breaks the rules of the interface
            yield Difference(program, "native", first, f"{broken}", answers[first])
            return
        declined = [i for i, a in enumerate(out.answers) if a in (DECLINE, FUEL)] if state else []
        stop = declined[0] + 1 if declined else len(out.answers)
        after = out.after or [{}] * len(out.answers)
        yield from _compared(program, first, out.answers[:stop], after[:stop], answers)
        first += stop
        state = decode_state(answers[first - 1].state) if state else state


def _compared(
    program: Program, first: int, got: list[Any], after: list[dict[str, Any]], answers: list[Answer]
) -> Iterator[Difference | None]:
    for index, (each, state) in enumerate(zip(got, after, strict=True), first):
        wanted = answers[index]
        if each in (DECLINE, FUEL):
            before = answers[index - 1].state if index else None
            if state and before is not None and encode_state(state) != before:
                yield Difference(program, "native", index, f"declined, and the state is {state}", wanted)
            continue
        kept = encode_state(state) if state else b""
        if isinstance(each, int):
            answer = Answer(WIRE_CODES.get(each, str(each)), (), kept)
        else:
            answer = Answer("", tuple(frozen(row) for row in each), kept)
        yield None if answer == wanted else Difference(program, "native", index, answer, wanted)
