"""Emitted programs, built by rustc alone into one shared object and called through the C interface by ctypes.

`compile_programs` builds, `Program.run` and `Program.map` answer one batch. The structures are those of
`docs/native-abi.md`.
"""

from __future__ import annotations

import ctypes
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alloy_transforms import emit

FLAGS = (
    "--edition=2021", "--crate-type=cdylib", "-Copt-level=3", "-Cpanic=abort", "-Coverflow-checks=off",
    "-Cdebug-assertions=off", "-Ccodegen-units=1", "-Cstrip=symbols", "-Clink-arg=-nostartfiles",
    "-Clink-arg=-nostdlib", "-Dwarnings",
)  # fmt: skip
DECLINED, OUT_OF_FUEL = 200, 201
NAN = struct.pack("<Q", 0x7FF8000000000000)
_FORMATS = {"int": "q", "float": "d", "bool": "B"}
_COLUMNS = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "time_ns": "q", "u8": "B", "u16": "H", "u32": "I",
            "f64": "d", "bool": "B", "enum": "B"}  # fmt: skip


class Input(ctypes.Structure):
    """`struct alloy_input`."""

    _fields_ = [("values", ctypes.c_void_p), ("arena", ctypes.c_void_p), ("arena_len", ctypes.c_uint64)]


class Output(ctypes.Structure):
    """`struct alloy_output`."""

    _fields_ = [("values", ctypes.c_void_p), ("validity", ctypes.c_void_p)]


class Span(ctypes.Structure):
    """`struct alloy_span`."""

    _fields_ = [("at", ctypes.c_void_p), ("len", ctypes.c_uint64)]


class Batch(ctypes.Structure):
    """`struct alloy_batch`."""

    _fields_ = [
        ("n", ctypes.c_uint64), ("first", ctypes.c_uint64), ("inputs", ctypes.POINTER(Input)),
        ("outputs", ctypes.POINTER(Output)), ("rows_max", ctypes.c_uint64), ("src", ctypes.c_void_p),
        ("codes", ctypes.c_void_p), ("state", ctypes.c_void_p), ("rows", ctypes.c_uint64),
        ("answered", ctypes.c_uint64),
    ]  # fmt: skip


class Argument(ctypes.Structure):
    """`struct alloy_argument`."""

    _fields_ = [("values", ctypes.c_void_p), ("stride", ctypes.c_uint64)]


class Map(ctypes.Structure):
    """`struct alloy_map`."""

    _fields_ = [
        ("n", ctypes.c_uint64), ("arguments", ctypes.POINTER(Argument)), ("out", ctypes.c_void_p),
        ("codes", ctypes.c_void_p),
    ]  # fmt: skip


@dataclass
class Outcome:
    """What a batch gave.

    Attributes:
        answers: per input its rows, dicts of Python values without the missing fields, or its code.
        state: afterwards.
        after: per input the state behind it, for programs with STATE.
    """

    answers: list[list[dict[str, Any]] | int]
    state: dict[str, Any] = field(default_factory=dict)
    after: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Buffers:
    """A batch with the memory it points to."""

    batch: Batch
    columns: list[tuple[dict[str, Any], Any, Any]]
    src: Any
    codes: Any
    keep: list[Any]


class Program:
    """One compiled program."""

    def __init__(self, doc: dict[str, Any], entry: Any) -> None:
        self.doc = doc
        self.kind = doc["kind"]
        self.entry = entry
        self.entry.restype = ctypes.c_uint64
        self.entry.argtypes = [ctypes.POINTER(Map if self.kind == "map" else Batch)]
        self.first_state = {name: _constant(v) for name, _, v in doc["state"]}

    def run(self, inputs: Sequence[Sequence[Any]], state: dict[str, Any] | None = None) -> Outcome:
        """One batch, from its first input to its last. An input with a code leaves the state as it was."""
        out = Outcome([], dict(self.first_state if state is None else state))
        if not inputs:
            return out
        room = len(inputs) * max(1, int(self.doc["max_rows"]))
        made = self.buffers(inputs, room, out.state)
        batch = made.batch
        marks: list[dict[str, Any]] = []
        if self.doc["state"]:
            self._one_by_one(made, marks)
        else:
            set_ = self.entry(ctypes.byref(batch))
            assert batch.answered == batch.n
            assert set_ == sum(c != 0 for c in made.codes)
        out.answers = self.answers(made)
        if marks:
            out.state, out.after = marks[-1], marks
        return out

    def _one_by_one(self, made: Buffers, marks: list[dict[str, Any]]) -> None:
        """With STATE, in steps of one input, by `first` and `n`, so that the state behind each is seen."""
        n = made.batch.n
        for i in range(n):
            made.batch.first, made.batch.n = i, i + 1
            set_ = self.entry(ctypes.byref(made.batch))
            assert made.batch.answered == i + 1
            assert set_ == (made.codes[i] != 0)
            marks.append(self.state_of(made))
        made.batch.n = n

    def state_of(self, made: Buffers) -> dict[str, Any]:
        """The state slots of a batch."""
        slots = ctypes.cast(made.batch.state, ctypes.POINTER(ctypes.c_uint64))
        read = {"int": "q", "float": "d", "bool": "?"}
        out = {}
        for k, (name, kind, _) in enumerate(self.doc["state"]):
            (out[name],) = struct.unpack_from("<" + read[kind], struct.pack("<Q", slots[k]))
        return out

    def buffers(self, inputs: Sequence[Sequence[Any]], room: int, state: dict[str, Any]) -> Buffers:
        """A batch of these inputs with room for so many rows; memory for outputs holds noise at first."""
        n = len(inputs)
        keep: list[Any] = []

        def memory(data: bytes) -> int:
            made = ctypes.create_string_buffer(data, max(8, len(data)))
            keep.append(made)
            return ctypes.addressof(made)

        ins = (Input * max(1, len(self.doc["inputs"])))()
        for k, (_, kind) in enumerate(self.doc["inputs"]):
            values = [row[k] for row in inputs]
            if kind == "bytes":
                offsets = [0]
                for v in values:
                    offsets.append(offsets[-1] + len(v))
                arena = b"".join(values)
                ins[k] = Input(memory(struct.pack(f"<{n + 1}I", *offsets)), memory(arena), len(arena))
            else:
                ins[k] = Input(memory(struct.pack(f"<{n}{_FORMATS[kind]}", *values)), None, 0)
        outs = (Output * max(1, len(self.doc["outputs"])))()
        columns: list[tuple[dict[str, Any], Any, Any]] = []
        for k, f in enumerate(self.doc["outputs"]):
            size = 16 if f["type"] in ("bytes", "text") else struct.calcsize(_COLUMNS[f["type"]])
            column = (ctypes.c_uint8 * (size * room + 8))(*(b"\xa5" * (size * room)))
            bits = (ctypes.c_uint8 * (room // 8 + 1))(*(b"\x5a" * (room // 8 + 1))) if f["optional"] else None
            outs[k] = Output(ctypes.addressof(column), ctypes.addressof(bits) if bits is not None else None)
            columns.append((f, column, bits))
        slots = [self._slot(kind, state[name]) for name, kind, _ in self.doc["state"]]
        src, codes = (ctypes.c_uint32 * max(1, room))(), (ctypes.c_uint8 * max(1, n))()
        batch = Batch(
            n, 0, ins, outs, room, ctypes.addressof(src), ctypes.addressof(codes),
            memory(struct.pack(f"<{len(slots)}Q", *slots)) if slots else None, 0, 0,
        )  # fmt: skip
        return Buffers(batch, columns, src, codes, [*keep, ins, outs])

    @staticmethod
    def _slot(kind: str, v: Any) -> int:
        code = {"int": "q", "float": "d", "bool": "Q"}[kind]
        return int(struct.unpack("<Q", struct.pack("<" + code, v))[0])

    def answers(self, made: Buffers) -> list[list[dict[str, Any]] | int]:
        """Rows, or the code, of each input of a batch that was answered."""
        rows: list[list[dict[str, Any]]] = [[] for _ in range(made.batch.answered)]
        values = [list(self._values(f, column, bits, made.batch.rows)) for f, column, bits in made.columns]
        names = [f["name"] for f, _, _ in made.columns]
        before = 0
        for at in range(made.batch.rows):
            assert made.src[at] >= before
            before = made.src[at]
            rows[before].append(
                {name: v[at] for name, v in zip(names, values, strict=True) if v[at] is not None}
            )
        out: list[list[dict[str, Any]] | int] = []
        for row, code in zip(rows, made.codes, strict=False):
            assert code == 0 or not row, "rows of an input with a code"
            out.append(code or row)
        return out

    @staticmethod
    def _values(f: dict[str, Any], column: Any, bits: Any, n: int) -> Iterator[Any]:
        raw = bytes(column)
        for at in range(n):
            there = bits is None or bits[at >> 3] >> (at & 7) & 1
            if f["type"] in ("bytes", "text"):
                address, size = struct.unpack_from("<QQ", raw, 16 * at)
                v: Any = ctypes.string_at(address, size) if size else b""
                v = v.decode() if f["type"] == "text" else v
            else:
                code = _COLUMNS[f["type"]]
                (v,) = struct.unpack_from("<" + code, raw, struct.calcsize(code) * at)
                if v != v:
                    assert raw[8 * at : 8 * at + 8] == NAN, "a NaN that is not the one"
                if f["type"] == "bool":
                    assert v in (0, 1)
                    v = bool(v)
            assert there or not v, "a missing value that is not zero"
            yield v if there else None

    def map(self, *columns: Sequence[float] | float, codes: bool = True) -> tuple[list[float], list[int]]:
        """One element-wise call: a sequence has one value for each element, a number stands for all."""
        n = next(len(c) for c in columns if not isinstance(c, float))
        keep = [
            (ctypes.c_double * 1)(c) if isinstance(c, float) else (ctypes.c_double * max(1, n))(*c)
            for c in columns
        ]
        arguments = (Argument * len(columns))(
            *(
                Argument(ctypes.addressof(m), 0 if isinstance(c, float) else 1)
                for m, c in zip(keep, columns, strict=True)
            )
        )
        out, marks = (ctypes.c_double * max(1, n))(), (ctypes.c_uint8 * max(1, n))()
        call = Map(n, arguments, ctypes.addressof(out), ctypes.addressof(marks) if codes else None)
        set_ = self.entry(ctypes.byref(call))
        assert set_ == sum(c != 0 for c in marks[:n]) or not codes
        return list(out[:n]), list(marks[:n])


def _constant(v: Any) -> Any:
    return float.fromhex(v["f64"]) if isinstance(v, dict) else v


def build(
    source: str,
    folder: Path,
    *,
    rustc: str = "rustc",
    target: str | None = None,
    linker: str | None = None,
    flags: Sequence[str] = (),
) -> Path:
    """One shared object of a `lib.rs`; `flags` come behind `FLAGS`."""
    folder.mkdir(parents=True, exist_ok=True)
    text, out = folder / "lib.rs", folder / "programs.so"
    text.write_text(source, encoding="utf-8")
    command = [rustc, *FLAGS, *flags, "--crate-name=programs", f"-o{out}", str(text)]
    command += [f"--target={target}"] if target else []
    command += [f"-Clinker={linker}"] if linker else []
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise RuntimeError(f"rustc refused what was emitted:\n{done.stderr[:8000]}")
    return out


def compile_programs(
    docs: Sequence[dict[str, Any]],
    folder: Path,
    *,
    rustc: str = "rustc",
    target: str | None = None,
    linker: str | None = None,
    mutate: Callable[[str], str] | None = None,
    flags: Sequence[str] = (),
) -> list[Program]:
    """All programs in one shared object, opened.

    Args:
        docs: documents of the checker.
        folder: for the source and the object.
        mutate: changes the emitted text before it is compiled: a planted bug.
        flags: further ones for rustc, such as another level of optimisation.
    """
    text = emit.many(docs)
    text = mutate(text) if mutate else text
    library = ctypes.CDLL(str(build(text, folder, rustc=rustc, target=target, linker=linker, flags=flags)))
    names = {"record": "alloy_run_v1", "map": "alloy_map_v1"}
    return [Program(doc, library[f"{names[doc['kind']]}_{k}"]) for k, doc in enumerate(docs)]
