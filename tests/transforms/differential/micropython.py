"""The tier of the boards: the same file on the MicroPython VM, all transforms in one process."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from tests.micropython.vm import VM
from tests.transforms.differential.outcome import Outcome, Row, Value
from tests.transforms.differential.subjects import Subject, Work

from alloy_transforms.cases import Inputs
from alloy_transforms.sandbox.contract import Field

PORTABLE = resources.files("alloy_transforms.portable")
BOARD = (Path(__file__).parent / "board.py").read_text("utf-8")
DEADLINE_S = 400.0


def run(work: Work) -> dict[str, Outcome]:
    """Every subject with its inputs, one after the other."""
    files = {f"{name}.py": PORTABLE.joinpath(f"{name}.py").read_bytes() for name in ("kit", "fmath")}
    files |= {f"{name}.py": subject.source.encode() for name, (subject, _, _) in work.items()}
    files["job.txt"] = "".join(_job(subject, inputs) for subject, inputs, _ in work.values()).encode()
    lines = iter(VM(files, BOARD).run(DEADLINE_S).lines())
    out = {
        name: _outcome(subject, [next(lines) for _ in inputs]) for name, (subject, inputs, _) in work.items()
    }
    assert next(lines, None) is None
    return out


def _job(subject: Subject, inputs: Sequence[Inputs]) -> str:
    contract = subject.contract
    kinds = [kind for _, kind in contract.inputs]
    fields = [f"{f.name}:{f.type}:{int(f.optional)}:{_most(f)}" for f in contract.outputs]
    state = [f"{k}:{type(v).__name__}:{_text(type(v).__name__, v)}" for k, v in subject.first_state.items()]
    params = [f"{k}:{type(v).__name__}:{_text(type(v).__name__, v)}" for k, v in subject.params.items()]
    head = f"{subject.name} {len(inputs)} {contract.max_rows}"
    lines = [head, *(" ".join(words) for words in (kinds, fields, state, params))]
    lines += [" ".join(map(_text, kinds, given)) for given in inputs]
    return "\n".join(lines) + "\n"


def _most(f: Field) -> int:
    return len(f.names) - 1 if f.type == "enum" else 1 if f.type == "bool" else f.max


def _text(kind: str, value: Any) -> str:
    if kind == "bytes":
        return f"x{value.hex()}"
    return struct.pack(">d", value).hex() if kind == "float" else str(int(value))


def _outcome(subject: Subject, lines: Sequence[str]) -> Outcome:
    out = Outcome()
    floats = [f.type == "f64" for f in subject.contract.outputs]
    kept = [isinstance(v, float) for v in subject.first_state.values()]
    for line in lines:
        code, rows, *state = line.split(";")
        out.codes.append(int(code))
        out.rows.append([_row(row.split(","), floats) for row in rows.split("|")] if rows else [])
        out.states += [_row(text.split(","), kept) for text in state]
    return out


def _row(texts: Sequence[str], floats: Sequence[bool]) -> Row:
    return tuple(map(_value, texts, floats))


def _value(text: str, real: bool) -> Value:
    if text == "-":
        return None
    if text[0] == "x":
        return bytes.fromhex(text[1:])
    return int(text, 16) if real else int(text)
