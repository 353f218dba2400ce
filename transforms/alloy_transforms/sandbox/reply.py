"""The core's reply decoder: bounded, typed, and it believes nothing.

The frame is bytes of the core's own, so the worker cannot change it after it was looked at. What comes out
is a valid batch of columns of the contract; anything else is `violation.protocol`.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from operator import le, lt, sub

from ..errors import WIRE_CODES
from ..record import Column
from .contract import VARIABLE_TYPES, Contract, Field
from .protocol import (
    ERROR_HEADER,
    FLAG_STATE,
    LIED,
    MAX_BATCH_ROWS,
    MAX_ERROR_TEXT,
    MAX_LOG_BYTES,
    MAX_REPLY_BYTES,
    MAX_REPORTED_NS,
    REPLY,
    REPLY_HEADER,
    TABLES,
    VERSION,
    decode_state,
    indexes,
    malformed,
)

WORKER_CODES = frozenset(
    number
    for number, code in WIRE_CODES.items()
    if code.startswith("data.")
    or code in ("script.exception", "script.memory", "script.recursion", "script.output")
)
"""What a worker may say of an input; the other codes are for whoever watches the worker to say."""


_LIED = bytes((LIED, VERSION))


@dataclass(frozen=True, slots=True)
class InputError:
    """Why one input gave no rows."""

    index: int  # of the input, in the batch that was asked
    code: str
    line: int  # of the transform's file; 0 unknown
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a transform made of the first `answered` inputs of a batch.

    Attributes:
        rows: number of rows in each column.
        src: `rows` u4 little-endian, ascending: index of the input each row came from.
        columns: in the order of OUTPUT, as in `record.Batch`.
        errors: ascending by input.
        state: the state after the last answered input, None for a transform without STATE.
        declined: inputs that a native module left to CPython in the same worker; 0 from a sandbox worker.
        differs: 1 + index of the first input whose answers in the two tiers differ; 0: none, or not compared.
            The answer is CPython's then.
    """

    answered: int
    rows: int
    src: bytes
    columns: tuple[Column, ...]
    errors: tuple[InputError, ...] = ()
    log: str = ""
    state: bytes | None = None
    cpu_ns: int = 0
    wall_ns: int = 0
    declined: int = 0
    differs: int = 0

    def sources(self) -> Sequence[int]:
        """`src` as integers."""
        return array("I", self.src)


class ReplyDecoder:
    """Checks the replies of one transform; made once for its contract.

    Args:
        native: the worker holds a native module; another one has nothing to decline or to compare.
    """

    def __init__(self, contract: Contract, *, native: bool = False) -> None:
        self._contract = contract
        self._native = native
        self._fields = tuple((f, f.itemsize, f.type in VARIABLE_TYPES) for f in contract.outputs)
        self._table = TABLES[len(contract.outputs)]
        self._variable = contract.variable
        self._slices = tuple(slice(8 * k, 8 * k + f.itemsize) for k, f in enumerate(contract.outputs))
        self._small = tuple((k, f) for k, f in enumerate(contract.outputs) if f.type in ("bool", "enum"))

    def decode(self, body: bytes, *, batch: int, asked: int) -> Reply:
        """Check one REPLY frame against what was asked.

        Raises:
            ViolationError: `violation.protocol`.
        """
        contract = self._contract
        if self._native and body[:2] == _LIED and len(body) <= 2 + MAX_ERROR_TEXT:
            raise malformed(f"the native module broke its interface: {_text(body[2:])}")
        at = REPLY_HEADER.size + self._table.size
        if not at <= len(body) <= MAX_REPLY_BYTES:
            raise malformed("a reply of impossible size")
        (kind, version, columns, echoed, answered, rows, n_errors, error_bytes, log_bytes, state_bytes, cpu_ns,
         wall_ns, flags, declined, differs) = REPLY_HEADER.unpack_from(body)  # fmt: skip
        if (kind, version, columns, echoed) != (REPLY, VERSION, len(self._fields), batch & 0xFFFFFFFF):
            raise malformed("not the reply to this batch")
        if not 0 < answered <= asked or rows > answered * contract.max_rows or rows > MAX_BATCH_ROWS:
            raise malformed("more answers or rows than were asked for")
        if flags & ~FLAG_STATE or n_errors > answered or log_bytes > MAX_LOG_BYTES:
            raise malformed("a header field is out of bounds")
        if contract.elementwise and rows + n_errors != answered:
            raise malformed("an element has neither one value nor an error")
        if max(declined, differs) > (answered if self._native else 0):
            raise malformed("a header field is out of bounds")
        if max(cpu_ns, wall_ns) > MAX_REPORTED_NS:
            raise malformed("a batch that took hours")
        codes = body[at : at + answered]
        at += answered + 7 & -8
        src = body[at : at + 4 * rows]
        at += 4 * rows + 7 & -8
        if at > len(body):
            raise malformed("a section ends past the frame")
        if rows != answered or n_errors or src != indexes(rows) or codes.count(0) != rows:
            _check_src(src, codes, contract.max_rows)
        sizes = self._table.unpack_from(body, REPLY_HEADER.size)
        if rows == 1 and not (self._variable or any(sizes)):
            out, at = self._one_row(body, at)
        else:
            out, at = self._columns(body, at, sizes, rows)
        packed = body[at : at + error_bytes]
        at += error_bytes + 7 & -8
        log = body[at : at + log_bytes]
        at += log_bytes + 7 & -8
        blob = body[at : at + state_bytes]
        at += state_bytes + 7 & -8
        if at != len(body):
            raise malformed("the sections do not fill the frame")
        errors = _errors(packed, codes, n_errors)
        state = _state(blob, bool(flags & FLAG_STATE), contract.stateful)
        return Reply(
            answered,
            rows,
            src,
            tuple(out),
            errors,
            _text(log) if log else "",
            state,
            cpu_ns,
            wall_ns,
            declined,
            differs,
        )

    def _columns(self, body: bytes, at: int, sizes: Sequence[int], rows: int) -> tuple[list[Column], int]:
        """The columns from offset `at`, and the offset after them."""
        out: list[Column] = []
        for (f, size, variable), arena_bytes, bits in zip(self._fields, sizes[::2], sizes[1::2], strict=True):
            length = size * (rows + variable)
            values = body[at : at + length]
            at += length + 7 & -8
            if not (arena_bytes or bits or variable):  # a plain column: nearly all of them
                if len(values) != length:
                    raise malformed("a section ends past the frame")
                if f.names or f.type == "bool":
                    _check_small(f, values)
                out.append(Column(values))
                continue
            arena = body[at : at + arena_bytes]
            at += arena_bytes + 7 & -8
            validity = body[at : at + bits]
            at += bits + 7 & -8
            if at > len(body):
                raise malformed("a section ends past the frame")
            _check_column(f, values, arena, validity, rows)
            out.append(Column(values, arena, validity or None))
        return out, at

    def _one_row(self, body: bytes, at: int) -> tuple[list[Column], int]:
        """The columns of one row where nothing is absent and nothing is of variable size."""
        end = at + 8 * len(self._fields)
        if end > len(body):
            raise malformed("a section ends past the frame")
        parts = body[at:end]
        out = [Column(parts[where]) for where in self._slices]
        for k, f in self._small:
            _check_small(f, out[k].values)
        return out, end


def _check_src(src: bytes, codes: bytes, max_rows: int) -> None:
    source = array("I", src)
    if source and (source[-1] >= len(codes) or not all(map(le, source, islice(source, 1, None)))):
        raise malformed("the rows' inputs are not ascending or not in the batch")
    if not all(map(lt, source, islice(source, max_rows, None))):
        raise malformed("an input has more rows than MAX_ROWS")
    if any(codes) and any(map(codes.__getitem__, source)):
        raise malformed("an input has both an error and rows")


def _check_column(f: Field, values: bytes, arena: bytes, validity: bytes, rows: int) -> None:
    if f.type in VARIABLE_TYPES:
        _check_spans(values, arena, f)
    elif arena:
        raise malformed(f"field `{f.name}` has an arena")
    else:
        _check_small(f, values)
    if validity:
        if not f.optional or len(validity) != (rows + 7) // 8:
            raise malformed(f"field `{f.name}` has validity bits that do not fit")
        if rows & 7 and validity[-1] >> (rows & 7):
            raise malformed(f"field `{f.name}` has validity bits past its rows")


def _check_small(f: Field, values: bytes) -> None:
    if f.type == "bool" and values.translate(None, b"\0\1"):
        raise malformed(f"field `{f.name}` holds what is no bool")
    if f.type == "enum" and values and max(values) >= len(f.names):
        raise malformed(f"field `{f.name}` holds an index without a name")


def _check_spans(values: bytes, arena: bytes, f: Field) -> None:
    offsets = array("I", values)
    if offsets[0] != 0 or offsets[-1] != len(arena):
        raise malformed(f"field `{f.name}`: the offsets do not span the arena")
    if len(offsets) == 1:
        return
    if not all(map(le, offsets, islice(offsets, 1, None))):
        raise malformed(f"field `{f.name}`: the offsets are not ascending")
    if max(map(sub, islice(offsets, 1, None), offsets)) > f.max:
        raise malformed(f"field `{f.name}` holds more than its `max`")
    if f.type == "text" and not arena.isascii():
        _text(arena)
        # The arena is UTF-8; each text is, too, if none starts inside a character (a continuation byte).
        if any(o < len(arena) and arena[o] & 0xC0 == 0x80 for o in offsets):
            raise malformed(f"field `{f.name}` is cut inside a character")


def _errors(packed: bytes, codes: bytes, count: int) -> tuple[InputError, ...]:
    wanted = [i for i, code in enumerate(codes) if code] if codes.strip(b"\0") else []
    if len(wanted) != count:
        raise malformed("the errors do not match the codes")
    out = []
    at = 0
    for index in wanted:
        if at + ERROR_HEADER.size > len(packed):
            raise malformed("an error ends past its section")
        named, line, size = ERROR_HEADER.unpack_from(packed, at)
        at += ERROR_HEADER.size
        if (
            named != index
            or codes[index] not in WORKER_CODES
            or size > MAX_ERROR_TEXT
            or at + size > len(packed)
        ):
            raise malformed("an error that no worker may report")
        out.append(InputError(index, WIRE_CODES[codes[index]], line, _text(packed[at : at + size])))
        at += size
    if at != len(packed):
        raise malformed("bytes are left after the last error")
    return tuple(out)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed("a text is not UTF-8") from error


def _state(blob: bytes, present: bool, stateful: bool) -> bytes | None:
    if present != stateful or (blob and not present):
        raise malformed("a state that the contract does not have, or none")
    if not present:
        return None
    decode_state(blob)
    return blob
