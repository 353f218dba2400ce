"""Runs a source in CPython (the sandbox's own runner) and its IR in the reference interpreter, and compares bits."""

from __future__ import annotations

import ast
import random
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tests.transforms.in_process import InProcess
from tests.transforms.lang.interpreter import DeclineError, FaultError, Interpreter

from alloy_transforms.lang.check import Report, check
from alloy_transforms.sandbox.columns import rows_of
from alloy_transforms.sandbox.protocol import decode_state, encode_state

EDGES = (0, 1, -1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, -128, -32768, (1 << 31) - 1, -(1 << 31),
         1 << 32, 1 << 53, (1 << 53) + 1, -(1 << 53), (1 << 63) - 1, -(1 << 63))  # fmt: skip
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.1, 0.5, 1.5, 2.5, -2.5, 1e-308, 5e-324, 1e308, -1e308, 9.007199254740993e15, 9.3e18,
          float("inf"), float("-inf"), float("nan"))  # fmt: skip


@dataclass
class Outcome:
    """What a comparison saw."""

    inputs: int = 0
    rows: int = 0
    errors: int = 0
    declined: int = 0


def report(source: str, **options: Any) -> Report:
    """Check a source."""
    return check(ast.parse(source), source.encode(), **options)


def compare(source: str, inputs: Sequence[Sequence[Any]], checked: Report | None = None) -> Outcome:
    """Every input through both; the first difference is an AssertionError."""
    checked = checked or report(source)
    assert checked.document is not None, [f"{f.line}:{f.column} {f.rule} {f.what}" for f in checked.refusals]
    interpreter = Interpreter(checked.document)
    worker = InProcess(source)
    enums = {f.name: f.names for f in worker.contract.outputs if f.type == "enum"}
    texts = {f.name for f in worker.contract.outputs if f.type == "text"}
    bools = {f.name for f in worker.contract.outputs if f.type == "bool"}
    out = Outcome(len(inputs))
    stateful = worker.contract.stateful
    state = interpreter.first_state
    for given, (code, rows, after) in zip(inputs, cpython(worker, inputs), strict=True):
        try:
            got, new = interpreter.run(list(given), state)
        except DeclineError:
            out.declined += 1
            state = decode_state(after) if stateful else state
            continue
        except FaultError as fault:
            if fault.code != code:
                raise AssertionError(f"{given}: {fault.code}, CPython {code or rows}") from fault
            out.errors += 1
            continue
        assert code == "", f"{given}: {got}, CPython {code}"
        shown = [
            {
                k: enums[k][v] if k in enums else bool(v) if k in bools else v.decode() if k in texts else v
                for k, v in row.items()
            }
            for row in got
        ]
        assert bits(shown) == bits(rows), f"{given}: {shown}, CPython {rows}"
        out.rows += len(rows)
        if stateful:
            assert encode_state(_canonical(new)) == after
            state = new
    return out


def cpython(worker: InProcess, inputs: Sequence[Sequence[Any]]) -> Iterator[tuple[str, list[Any], bytes]]:
    size = 1 if worker.contract.stateful else 256
    for start in range(0, len(inputs), size):
        part = inputs[start : start + size]
        done = 0
        while done < len(part):  # a full reply answers a part
            left = part[done:]
            reply = worker.run(*[list(column) for column in zip(*left, strict=True)])
            rows: list[list[Any]] = [[] for _ in range(reply.answered)]
            for at, row in zip(reply.sources(), rows_of(worker.contract, reply), strict=True):
                rows[at].append(row)
            codes = {e.index: e.code for e in reply.errors}
            for i in range(reply.answered):
                yield codes.get(i, ""), rows[i], reply.state or b""
            done += reply.answered


def _canonical(state: dict[str, Any]) -> dict[str, Any]:
    return {k: float("nan") if v != v else v for k, v in state.items()}


def bits(rows: Sequence[dict[str, Any]]) -> list[list[tuple[str, Any]]]:
    """Rows with floats as their bits; every NaN is the one that leaves a transform."""
    return [sorted((k, _bits(v)) for k, v in row.items()) for row in rows]


def _bits(v: Any) -> Any:
    if isinstance(v, float):
        return ("f", struct.pack(">d", v if v == v else float("nan")))
    return (type(v).__name__, bytes(v) if isinstance(v, bytes | memoryview) else v)


Fix = Callable[[bytearray], None]


def generated(
    kinds: Sequence[str], seeds: Sequence[Sequence[Any]], n: int, seed: int, fix: Fix | None = None
) -> list[list[Any]]:
    """`n` inputs: the seeds, mutations of them, edges and noise. `fix` repairs checksums in most of them."""
    chance = random.Random(seed)
    out = [list(s) for s in seeds][:n]
    while len(out) < n:
        base = chance.choice(seeds) if seeds and chance.random() < 0.9 else [_any(k, chance) for k in kinds]
        out.append([_mutated(v, k, chance, fix) for v, k in zip(base, kinds, strict=True)])
    return out


def _any(kind: str, chance: random.Random) -> Any:
    if kind == "bytes":
        return chance.randbytes(chance.choice((0, 1, 2, 3, 4, 8, 16, 20, 32, 64)))
    if kind == "bool":
        return chance.random() < 0.5
    if kind == "float":
        return chance.choice(FLOATS) if chance.random() < 0.3 else chance.uniform(-1e3, 1e3)
    return chance.choice(EDGES) if chance.random() < 0.5 else chance.randrange(-1000, 1000)


def _mutated(v: Any, kind: str, chance: random.Random, fix: Fix | None) -> Any:
    if kind != "bytes":
        return v if chance.random() < 0.7 else _any(kind, chance)
    data = bytearray(v)
    for _ in range(chance.choice((0, 1, 1, 2, 4))):
        how = chance.random()
        at = chance.randrange(len(data)) if data else 0
        if how < 0.5 and data:
            data[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF, 44, 46, 48, 57, chance.randrange(256)))
        elif how < 0.65 and data:
            del data[at : at + chance.choice((1, 1, 2, 8))]
        elif how < 0.8:
            data[at:at] = chance.randbytes(chance.choice((1, 1, 2, 8)))
        elif how < 0.9:
            data[at:at] = bytes(chance.choice(b"0123456789,.-AN") for _ in range(3))
        else:
            del data[at:]
    if fix is not None and chance.random() < 0.9:
        fix(data)
    return bytes(data)
