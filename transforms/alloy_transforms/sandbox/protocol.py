"""The frames between the core and a transform worker; sans-I/O, one layout for every tier.

A frame body starts with its kind (u8) and `VERSION` (u8). CHECK, LOAD, EXAMPLES and their answers go on as one
MessagePack map (`answers.py`); RUN and its REPLY are columns. Everything is little-endian; each section is
padded with zero bytes to a multiple of 8, so that every column is aligned in the frame.

RUN     header 24 B: kind u8, version u8, columns u16, batch u32, inputs n u32, state bytes u32, flags u32, 0 u32
                     FLAG_BOTH: a worker with a native module answers in both tiers and compares them
        table        per input column: u32 arena bytes (0 for fixed), u32 validity bytes (0: all present)
        state        MessagePack map (`encode_state`), only with FLAG_STATE: replaces the worker's state
        per input column, in the contract's order:
          values     i8 (int), f8 (float), u1 0/1 (bool); bytes and text: n + 1 u4 offsets from 0
          arena      bytes and text only
          validity   ceil(n / 8) bytes, bit i least significant first, set = present

REPLY   header 64 B: kind u8, version u8, columns u16, batch u32, answered u32, rows u32, errors u32,
                     error bytes u32, log bytes u32, state bytes u32, cpu ns u64, wall ns u64, flags u32,
                     declined u32: inputs the native module left to CPython (declined, or out of fuel)
                     differs u64: 1 + index of the first input whose answers in both tiers differ, 0 for none
        table        per output column, as above
        codes        `answered` bytes: 0, or the wire code of that input's error (`errors.WIRE_CODES`)
        src          `rows` u4, ascending: index of the input each row came from
        per output column, as above, in the order of OUTPUT: the dtypes of the record model, enum as u1 index
        errors       ascending by input, one per non-zero code: input u32, line u32, text bytes u16, UTF-8 text
        log          UTF-8 text
        state        with FLAG_STATE: the state after the last answered input

`answered` may be less than the inputs asked: the output reached its limit, the rest is asked again.
This module must not run user code and must not decode a reply (`reply.py` does, for the core alone).
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgpack

from ..errors import RecordError, ViolationError
from ..record import Column
from .contract import INPUT_DTYPES, MAX_FIELDS, MAX_STATE_BYTES, is_name, is_scalar

VERSION = 1
MAX_BATCH_INPUTS = 65_536
MAX_BATCH_ROWS = 1 << 20
MAX_REQUEST_BYTES = 16 << 20
MAX_REPLY_BYTES = 8 << 20
SOFT_REPLY_BYTES = 2 << 20  # a worker answers early once its rows take this much
MAX_LOG_BYTES = 8 << 10  # per batch
MAX_ERROR_TEXT = 160  # bytes of one error's message
MAX_REPORTED_NS = 3_600_000_000_000  # of CPU or wall clock; no batch may take an hour

CHECK, LOAD, RUN, EXAMPLES, LINT = 1, 2, 3, 4, 5
CHECKED, LOADED, REPLY, EXAMPLES_ARE, LINTED, FAILED = 0x81, 0x82, 0x83, 0x84, 0x85, 0xFF
LIED = 0xFE  # instead of a REPLY: the native module broke its interface; UTF-8 text of at most MAX_ERROR_TEXT bytes
FLAG_STATE = 1
FLAG_BOTH = 2

RUN_HEADER = struct.Struct("<BBHIIIII")
REPLY_HEADER = struct.Struct("<BBHIIIIIIIQQIIQ")
TABLES = tuple(struct.Struct(f"<{2 * k}I") for k in range(MAX_FIELDS + 1))
ERROR_HEADER = struct.Struct("<IIH")

BUILD, BUILT = 6, 0x86  # the IR of a file, for a build host; the answer's body is JSON (`build.py`)

Buffer = bytes | bytearray | memoryview
_VARIABLE = ("bytes", "utf8")
_PADS = tuple(bytes(k) for k in range(8))
_CASTS: Mapping[str, str] = {"i8": "q", "f8": "d", "bool": "B", "bytes": "I", "utf8": "I"}
_ITEM: Mapping[str, int] = {"i8": 8, "f8": 8, "bool": 1, "bytes": 4, "utf8": 4}


_indexes = array("I", range(1024)).tobytes()


def indexes(n: int) -> bytes:
    """0 to `n` as u4: the sources of a batch in which each input has its row. The longest is kept, 256 KiB at most."""
    global _indexes
    if len(_indexes) < 4 * n:
        _indexes = array("I", range(n)).tobytes()
    return _indexes[: 4 * n]


def padding(size: int) -> bytes:
    """The zero bytes after a section of `size` bytes."""
    return _PADS[-size & 7]


def malformed(what: str) -> ViolationError:
    """The error for a frame that breaks the layout."""
    return ViolationError("violation.protocol", what)


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One batch as the worker sees it: a list of Python values per input."""

    batch: int
    n: int
    columns: tuple[list[Any], ...]
    absent: bool  # whether any value is None
    state: bytes | None
    both: bool = False  # FLAG_BOTH


Sections = tuple[Buffer, Buffer, Buffer]
"""values, arena, validity of one column; empty where there is none."""


def append_columns(out: list[Buffer], columns: Sequence[Sections]) -> None:
    """Append the sections of columns to a frame, each padded."""
    for column in columns:
        for section in column:
            if section:
                out.append(section)
                if pad := _PADS[-len(section) & 7]:
                    out.append(pad)


def table(columns: Sequence[Sections]) -> bytes:
    """The table of column sizes at the head of a frame."""
    return TABLES[len(columns)].pack(*[len(part) for column in columns for part in column[1:]])


def encode_run(
    batch: int,
    n: int,
    inputs: Sequence[tuple[str, str]],
    columns: Sequence[Column],
    state: bytes | None = None,
    *,
    both: bool = False,
) -> list[Buffer]:
    """The buffers of one RUN frame.

    Args:
        batch: comes back in the reply.
        n: inputs, 1 to `MAX_BATCH_INPUTS`.
        inputs: (name, type) of the contract.
        columns: one per input, with the dtypes of `INPUT_DTYPES`.
        state: replaces the worker's state first.
        both: ask a native worker for both tiers, compared.
    """
    if len(columns) != len(inputs) or not 0 < n <= MAX_BATCH_INPUTS:
        raise RecordError("data.schema", "a batch has one column per input and 1 to 65536 inputs")
    sections: list[Sections] = []
    for (name, kind), column in zip(inputs, columns, strict=True):
        dtype = INPUT_DTYPES[kind]
        if len(column.values) != _ITEM[dtype] * (n + (dtype in _VARIABLE)):
            raise RecordError("data.schema", f"the column of input `{name}` is not {n} values of {dtype}")
        sections.append((column.values, column.arena, column.validity or b""))
    flags = (0 if state is None else FLAG_STATE) | (FLAG_BOTH if both else 0)
    state = state or b""
    head = RUN_HEADER.pack(RUN, VERSION, len(columns), batch & 0xFFFFFFFF, n, len(state), flags, 0)
    out: list[Buffer] = [head, table(sections), state, padding(len(state))]
    append_columns(out, sections)
    if sum(map(len, out)) > MAX_REQUEST_BYTES:
        raise RecordError("data.length", f"a batch is larger than {MAX_REQUEST_BYTES} bytes")
    return out


def decode_run(body: bytes, inputs: Sequence[tuple[str, str]]) -> RunRequest:
    """A RUN frame as Python values; used by the worker, which trusts the core that made it."""
    kind, version, columns, batch, n, state_bytes, flags, _ = RUN_HEADER.unpack_from(body)
    if kind != RUN or version != VERSION or columns != len(inputs) or not 0 < n <= MAX_BATCH_INPUTS:
        raise malformed("not a RUN frame of this version and contract")
    sizes = TABLES[columns].unpack_from(body, RUN_HEADER.size)
    at = RUN_HEADER.size + TABLES[columns].size
    state = body[at : at + state_bytes] if flags & FLAG_STATE else None
    at += state_bytes + 7 & -8
    values: list[list[Any]] = []
    absent = False
    for i, (_name, type_) in enumerate(inputs):
        dtype = INPUT_DTYPES[type_]
        size = _ITEM[dtype] * (n + (dtype in _VARIABLE))
        raw = array(_CASTS[dtype], body[at : at + size])
        at += size + 7 & -8
        arena = body[at : at + sizes[2 * i]]
        at += sizes[2 * i] + 7 & -8
        column = _values(dtype, raw, arena)
        if bits := body[at : at + sizes[2 * i + 1]]:
            at += len(bits) + 7 & -8
            for k in range(n):
                if not bits[k >> 3] >> (k & 7) & 1:
                    column[k] = None
                    absent = True
        values.append(column)
    if at != len(body):
        raise malformed("the sections do not fill the frame")
    return RunRequest(batch, n, tuple(values), absent, state, bool(flags & FLAG_BOTH))


def _values(dtype: str, raw: array[Any], arena: bytes) -> list[Any]:
    if dtype == "bytes":
        return [arena[a:b] for a, b in pairwise(raw)]
    if dtype == "utf8":
        return [str(arena[a:b], "utf-8") for a, b in pairwise(raw)]
    return [v != 0 for v in raw] if dtype == "bool" else raw.tolist()


def encode_reply(
    *,
    batch: int,
    codes: bytes,
    src: bytes,
    columns: Sequence[Sections],
    errors: Sequence[tuple[int, int, str]],
    log: bytes,
    state: bytes | None,
    cpu_ns: int,
    wall_ns: int,
    declined: int = 0,
    differs: int = 0,
) -> list[Buffer]:
    """The buffers of one REPLY frame.

    Args:
        codes: one byte per answered input.
        src: u4 per row.
        columns: in the order of OUTPUT.
        errors: (input, line, text) per non-zero code.
        declined: inputs the native module left to CPython.
        differs: 1 + index of the first input whose answers differ, 0 for none.
    """
    packed = b"".join([_error(*error) for error in errors]) if errors else b""
    head = REPLY_HEADER.pack(
        REPLY, VERSION, len(columns), batch, len(codes), len(src) // 4, len(errors), len(packed), len(log),
        len(state or b""), cpu_ns, wall_ns, 0 if state is None else FLAG_STATE, declined, differs,
    )  # fmt: skip
    out: list[Buffer] = [head, table(columns), codes, _PADS[-len(codes) & 7], src, _PADS[-len(src) & 7]]
    append_columns(out, columns)
    for section in (packed, log, state):
        if section:
            out += (section, _PADS[-len(section) & 7])
    return out


def encode_one(
    columns: int, batch: int, head: bytes, plain: bytes, log: bytes, cpu_ns: int, wall_ns: int
) -> list[Buffer]:
    """The REPLY frame of one input with one row whose columns are `plain` already; no error, no state."""
    fixed = REPLY_HEADER.pack(
        REPLY, VERSION, columns, batch, 1, 1, 0, 0, len(log), 0, cpu_ns, wall_ns, 0, 0, 0
    )
    return [fixed, head, plain, log, _PADS[-len(log) & 7]] if log else [fixed, head, plain]


def encode_lie(what: str) -> list[Buffer]:
    """The frame that stands for a reply where the native module broke its interface."""
    return [bytes((LIED, VERSION)) + clip(what)]


def _error(at: int, line: int, text: str) -> bytes:
    words = clip(text)
    return ERROR_HEADER.pack(at, line, len(words)) + words


def clip(text: str, limit: int = MAX_ERROR_TEXT) -> bytes:
    """`text` as UTF-8 of at most `limit` bytes, cut between characters, control characters shown."""
    shown = "".join(c if c.isprintable() else "?" for c in text[:limit])
    return shown.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").encode()


StateValue = int | float | bool | str | bytes


def encode_state(state: Mapping[str, StateValue]) -> bytes:
    """STATE as bytes that survive the worker.

    Raises:
        RecordError: `data.range`, it takes more than `MAX_STATE_BYTES`.
    """
    blob: bytes = msgpack.packb(dict(state), use_bin_type=True)
    if len(blob) > MAX_STATE_BYTES:
        raise RecordError("data.range", f"the state takes {len(blob)} bytes, at most {MAX_STATE_BYTES} fit")
    return blob


def decode_state(blob: bytes) -> dict[str, StateValue]:
    """Check a state blob; both sides do.

    Raises:
        ViolationError: `violation.protocol`, it is no flat map of plain values.
    """
    if len(blob) > MAX_STATE_BYTES:
        raise malformed("the state is too large")
    try:
        state = msgpack.unpackb(blob, raw=False, strict_map_key=True, max_map_len=MAX_FIELDS, max_array_len=0)
    except (ValueError, UnicodeError, msgpack.UnpackException) as error:
        raise malformed("the state is not MessagePack") from error
    if not isinstance(state, dict) or not all(
        is_name(k) and (is_scalar(v) or isinstance(v, float)) for k, v in state.items()
    ):
        raise malformed("the state is no flat map of plain values")
    return state
