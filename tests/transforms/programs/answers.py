"""What CPython answers for every input of a program: the sandbox's own worker, without its process and its jail.

An element-wise program is called directly, with the sandbox's map of exceptions to codes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.transforms.programs.program import Program

from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.answers import pack, unpack_contract, unpack_failure
from alloy_transforms.sandbox.columns import input_column, rows_of
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.errormap import classify
from alloy_transforms.sandbox.reply import ReplyDecoder
from alloy_transforms.sandbox.worker import Worker

MODULES = ["binascii", "fmath", "kit", "math", "struct"]
Row = tuple[tuple[str, Any], ...]


class RefusedError(Exception):
    """The sandbox does not load the program."""


@dataclass(frozen=True)
class Answer:
    """One input: its error or its rows, floats as bits; the state is the one behind it (bytes of the protocol)."""

    code: str
    rows: tuple[Row, ...] = ()
    state: bytes = b""


class Sandbox:
    """One loaded record-wise program."""

    def __init__(self, source: str) -> None:
        self.worker = Worker()
        load = {
            "source": source.encode(), "file": "t.py", "name": "t", "profile": "portable", "imports": MODULES,
            "params": {}, "needs": [],
        }  # fmt: skip
        answer = b"".join(self.worker.answer(pack(protocol.LOAD, load)))
        if answer[0] == protocol.FAILED:
            raise RefusedError("; ".join(p.render("t.py") for p in unpack_failure(answer)))
        self.contract: Contract
        self.contract, self.state, _ = unpack_contract(answer)
        self.decoder = ReplyDecoder(self.contract)

    def run(self, inputs: Sequence[Sequence[Any]]) -> list[Answer]:
        """The answers, in order; a state goes from one input to the next."""
        if self.contract.stateful:
            return [self._part([given])[0] for given in inputs]
        out: list[Answer] = []
        while len(out) < len(inputs):  # a full reply answers a part
            out += self._part(inputs[len(out) :])
        return out

    def _part(self, inputs: Sequence[Sequence[Any]]) -> list[Answer]:
        columns = [list(column) for column in zip(*inputs, strict=True)]
        packed = [input_column(kind, v) for (_, kind), v in zip(self.contract.inputs, columns, strict=True)]
        state = self.state if self.contract.stateful else None
        frame = protocol.encode_run(7, len(inputs), self.contract.inputs, packed, state)
        reply = self.decoder.decode(b"".join(self.worker.answer(b"".join(frame))), batch=7, asked=len(inputs))
        self.state = bytes(reply.state or b"")
        enums = {f.name: f.names for f in self.contract.outputs if f.type == "enum"}
        rows: list[list[Row]] = [[] for _ in range(reply.answered)]
        for at, row in zip(reply.sources(), rows_of(self.contract, reply), strict=True):
            rows[at].append(frozen({k: enums[k].index(v) if k in enums else v for k, v in row.items()}))
        codes = {e.index: e.code for e in reply.errors}
        return [Answer(codes.get(i, ""), tuple(rows[i]), self.state) for i in range(reply.answered)]


def cpython(program: Program) -> list[Answer]:
    """The answer for every input."""
    if program.kind == "record":
        return Sandbox(program.source).run(program.inputs)
    names: dict[str, Any] = {}
    exec(compile(program.source, "t.py", "exec"), names)
    return [_element(names["f"], given) for given in program.inputs]


def _element(f: Any, given: Sequence[float]) -> Answer:
    try:
        return Answer("", (frozen({"": f(*given)}),))
    except Exception as error:
        return Answer(classify(error, "t.py").code)


def frozen(row: dict[str, Any]) -> Row:
    """A row to compare: floats as their bits, every NaN the same one, an enum as its index; sorted by key."""
    return tuple(sorted((k, bits(v)) for k, v in row.items()))


def bits(v: Any) -> Any:
    """One value to compare: its type and, of a float, its bits."""
    if type(v) is float:
        return "float", struct.pack(">d", v if v == v else float("nan")).hex()
    return (type(v).__name__, bytes(v)) if isinstance(v, bytes | memoryview) else (type(v).__name__, v)
