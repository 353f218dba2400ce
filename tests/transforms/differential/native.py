"""The native tier as a process of its own: batches as files for `driver.c`, and its answers as outcomes."""

from __future__ import annotations

import struct
import subprocess
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from tests.transforms.differential.outcome import Outcome, Value
from tests.transforms.differential.subjects import NAN_BITS, Subject, Work

from alloy_transforms.cases import Inputs
from alloy_transforms.sandbox.columns import TYPECODES, unpack_bits
from alloy_transforms.sandbox.contract import Field

BATCH = 1000
SPAN_BYTES = 16
DEADLINE_S = 400.0
_KINDS = {"bytes": 0, "int": 1, "float": 1, "bool": 2}
_CODES = {"int": "q", "float": "d", "bool": "B"}


@dataclass(frozen=True)
class Entry:
    """One entry point: the file and the symbol."""

    path: Path
    symbol: str = "alloy_run_v1"


@dataclass(frozen=True)
class Machine:
    """A compiled driver and what runs it.

    Attributes:
        driver: the program.
        runner: the command before it; empty for this machine's own.
    """

    driver: Path
    runner: tuple[str, ...] = ()

    def run(self, work: Work, entries: Mapping[str, Entry], folder: Path) -> dict[str, Outcome]:
        """Every subject with its inputs, in one process.

        Args:
            work: the reference says with which state to go on after a declined input.
            entries: where each is.
            folder: for the files.
        """
        jobs, answers = folder / "jobs.bin", folder / "answers.bin"
        jobs.write_bytes(b"".join(_job(entries[name], *item) for name, item in work.items()))
        command = [*self.runner, str(self.driver), str(jobs), str(answers)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=DEADLINE_S)
        assert done.returncode == 0, f"{done.returncode}: {done.stderr}"
        read = _Reader(answers.read_bytes())
        out = {name: _outcome(subject, len(inputs), read) for name, (subject, inputs, _) in work.items()}
        assert read.at == len(read.data)
        return out


def _padded(*parts: bytes) -> bytes:
    return b"".join(part + bytes(-len(part) & 7) for part in parts)


def _job(entry: Entry, subject: Subject, inputs: Sequence[Inputs], reference: Outcome) -> bytes:
    contract = subject.contract
    n, slots = len(inputs), len(subject.first_state)
    head = struct.pack("<6Q", n, len(contract.inputs), len(contract.outputs), slots, contract.max_rows, BATCH)
    parts = [bytes(entry.path).ljust(256, b"\0"), entry.symbol.encode().ljust(64, b"\0"), head]
    for k, (_, kind) in enumerate(contract.inputs):
        values = [given[k] for given in inputs]
        arena = b"".join(values) if kind == "bytes" else b""
        if kind == "bytes":
            data = array("I", accumulate(map(len, values), initial=0)).tobytes()
        else:
            data = array(_CODES[kind], values).tobytes()
        parts += [struct.pack("<2Q", _KINDS[kind], len(arena)), data, arena]
    parts += [struct.pack("<2Q", _size(f), f.optional) for f in contract.outputs]
    if slots:
        first = tuple(_slot(v) for v in subject.first_state.values())
        after = [value & (1 << 64) - 1 for row in reference.states for value in row if isinstance(value, int)]
        parts += [struct.pack(f"<{slots}Q", *first), array("Q", after).tobytes()]
    return _padded(*parts)


def _size(f: Field) -> int:
    return SPAN_BYTES if f.max else f.itemsize


def _slot(value: Any) -> int:
    if isinstance(value, float):
        return int.from_bytes(struct.pack(">d", value), "big")
    return int(value) & (1 << 64) - 1


class _Reader:
    """Sections of an answer, one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        out = self.data[self.at : self.at + size]
        assert len(out) == size
        self.at += size + 7 & -8
        return out


def _outcome(subject: Subject, n: int, read: _Reader) -> Outcome:
    (rows,) = struct.unpack("<Q", read.take(8))
    out = Outcome(list(read.take(n)), [[] for _ in range(n)])
    src = array("I", read.take(4 * rows))
    assert list(src) == sorted(src), "rows stay in the order of their inputs"
    columns = [_column(f, rows, read) for f in subject.contract.outputs]
    for at, row in zip(src, zip(*columns, strict=True), strict=True):
        out.rows[at].append(row)
    assert not any(code and made for code, made in zip(out.codes, out.rows, strict=True)), (
        "rows beside a code"
    )
    if slots := len(subject.first_state):
        kinds = [type(v) for v in subject.first_state.values()]
        values = array("Q", read.take(8 * slots * n)).tolist()
        out.states = [tuple(map(_state, kinds, values[i : i + slots])) for i in range(0, len(values), slots)]
    return out


def _state(kind: type, bits: int) -> int:
    return bits - (1 << 64) if kind is int and bits >> 63 else bits


def _column(f: Field, rows: int, read: _Reader) -> list[Value]:
    """One column; what the ABI says of missing values, NaN and 0/1 is asserted here."""
    values: list[Any]
    if f.max:
        lengths = array("Q", read.take(8 * rows))
        data = read.take(sum(lengths))
        ends = list(accumulate(lengths))
        values = [data[end - size : end] for end, size in zip(ends, lengths, strict=True)]
    else:
        code = "Q" if f.dtype == "f8" else "B" if f.dtype == "bool" else TYPECODES[f.dtype]
        values = array(code, read.take(f.itemsize * rows)).tolist()
    if f.type == "f64":
        assert not any(v & NAN_BITS == NAN_BITS and v != NAN_BITS and v << 12 & (1 << 64) - 1 for v in values)
    if f.type == "bool":
        assert set(values) <= {0, 1}
    if not f.optional:
        return values
    present = unpack_bits(read.take((rows + 7) // 8), rows)
    assert not any(v for v, there in zip(values, present, strict=True) if not there), (
        "a missing value is zero"
    )
    return [v if there else None for v, there in zip(values, present, strict=True)]
