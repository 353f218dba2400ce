"""Values on their way: columns, batches, chunks, and the manifest that closes a run.

Import these names from `record`. What needs the descriptor is checked by `wire.batches.check_batch`.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass

from .record_checks import MAX_RANK, QUALITIES, U32_MAX, check_block, check_marks, check_sides, refuse


class Quality(enum.IntEnum):
    """QARTOD primary flag of one value (IOOS QARTOD manual, flag table)."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class Reason(enum.IntFlag):
    """Why a value is not quality 1: a 16-bit mask beside the quality byte."""

    NONE = 0
    FILL = 1 << 0  # equals _FillValue, BLANK or TNULL
    MISSING_VALUE = 1 << 1  # equals one of missing_value
    DEFAULT_FILL = 1 << 2  # equals the default fill of its type, none was declared
    OUT_OF_RANGE = 1 << 3  # outside the range its source declares (valid_range, `range`)
    NOT_FINITE = 1 << 4  # NaN or infinite
    DECODE = 1 << 5  # could not be decoded
    CHECKSUM = 1 << 6  # a checksum over it is wrong
    EXPECT = 1 << 7  # outside what the pipeline's `expect` says
    UNIT = 1 << 8  # unit unknown, kept verbatim
    SCALING = 1 << 9  # scale or offset unusable or repaired
    INCOMPLETE = 1 << 10  # past the end of what the source holds
    TEXT = 1 << 11  # not valid in its declared character set
    ABSENT = 1 << 12  # an optional field the transform did not set
    TRANSFORM = 1 << 13  # the transform refused it


class ClockState(enum.StrEnum):
    """Where the host's time came from when the receive time was taken."""

    GPS = "gps"
    PTP = "ptp"
    NTP = "ntp"
    FREE = "free"
    UNSET = "unset"


class Level(enum.IntEnum):
    """How far the values of a block are decoded."""

    STORED = 0  # bytes as in the file, with their codec chain
    PACKED = 1  # native integers or floats + scale/offset + validity bits
    PHYSICAL = 2  # floating point in the declared unit


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one variable in a batch of `n` rows, packed and little-endian.

    Attributes:
        values: n * itemsize bytes; for utf8 and bytes n + 1 offsets (u4) into `arena`.
        arena: the bytes of utf8 and bytes columns, else empty.
        validity: ceil(n / 8) bytes, bit i (least significant first) set = row i has a value; None = all have.
        quality: one byte for all rows, or n bytes (`Quality`).
        reasons: one mask for all rows, or n little-endian u2 (`Reason`).
    """

    values: bytes
    arena: bytes = b""
    validity: bytes | None = None
    quality: int | bytes = Quality.PASS
    reasons: int | bytes = 0

    def __post_init__(self) -> None:
        check_marks("column", self.quality, self.reasons)


@dataclass(frozen=True, slots=True)
class Batch:
    """A columnar block of `n` samples of one stream, in the descriptor's variable order.

    `time` and `received` are n int64 little-endian [ns since 1970-01-01 UTC]; `seq` counts batches of this
    run and stream from 0; `first_row` numbers the first row of the run.
    """

    sid: str
    run: str
    seq: int
    first_row: int
    n: int
    time: bytes
    received: bytes
    clock: ClockState
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        n = self.n
        check_block("batch", self.sid, self.run, self.seq)
        if n < 0 or self.first_row < 0:
            raise refuse("a negative count", "batch", (n, self.first_row), "0 or more")
        if len(self.time) != 8 * n or len(self.received) != 8 * n:
            got = (len(self.time), len(self.received))
            raise refuse("times of a batch", "batch", got, f"{8 * n} bytes each", "record.shape")
        for column in self.columns:
            check_sides("batch", n, column.validity, column.quality, column.reasons)


@dataclass(frozen=True, slots=True)
class Statistics:
    """Facts over the values of quality 1-3 of a chunk, in physical units; None where there is no value."""

    n_valid: int
    minimum: float | int | None
    maximum: float | int | None
    mean: float | None

    def __post_init__(self) -> None:
        if self.n_valid < 0:
            raise refuse("a negative count", "statistics", self.n_valid, "0 or more")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One rectangular piece of one array: `origin` and `shape` in elements, row-major, little-endian.

    The payload of utf8 and bytes variables is count + 1 little-endian u4 offsets, then the bytes they point
    into; that of complex ones (re, im) pairs. Scalars have shape () and one element.
    """

    sid: str
    run: str
    var: int  # index into the descriptor's variables
    seq: int  # counts chunks of this variable from 0
    origin: tuple[int, ...]
    shape: tuple[int, ...]
    level: Level
    payload: bytes
    crc: int  # CRC-32C of the payload
    raw_bytes: int  # payload bytes once every codec is undone
    codec: tuple[str, ...] = ()
    validity: bytes | None = None
    quality: int | bytes = Quality.PASS
    reasons: int | bytes = 0
    stats: Statistics | None = None
    received_ns: int = 0
    clock: ClockState = ClockState.UNSET

    def __post_init__(self) -> None:
        check_block("chunk", self.sid, self.run, self.seq)
        if len(self.origin) != len(self.shape) or len(self.shape) > MAX_RANK:
            got = (len(self.origin), len(self.shape))
            raise refuse("origin and shape of a chunk", "chunk", got, "one rank", "record.shape")
        if any(n < 0 for n in (*self.origin, *self.shape, self.var, self.raw_bytes)):
            raise refuse("a negative number", "chunk", (self.origin, self.shape), "0 or more", "record.shape")
        if not 0 <= self.crc <= U32_MAX:
            raise refuse("not a CRC-32C", "chunk", self.crc, "32 bits")
        check_marks("chunk", self.quality, self.reasons)
        check_sides("chunk", math.prod(self.shape), self.validity, self.quality, self.reasons)


Block = Batch | Chunk


@dataclass(frozen=True, slots=True)
class VariableSummary:
    """What a manifest says of one variable of a run."""

    var: int
    blocks: int
    counts: Mapping[int, int]  # quality -> number of values
    digest: str  # SHA-256 hex over the block CRCs in order (u4 little-endian each); "" where error is set
    error: str = ""  # code of the reason why values are absent ("format.not_yet"), else ""
    message: str = ""

    def __post_init__(self) -> None:
        if self.var < 0 or self.blocks < 0 or any(count < 0 for count in self.counts.values()):
            raise refuse("a negative count", "summary", (self.var, self.blocks), "0 or more")
        if any(quality not in QUALITIES for quality in self.counts):
            raise refuse("not a quality", "summary", tuple(self.counts), "1, 2, 3, 4 or 9")
        if self.digest and len(self.digest) != 64:
            raise refuse("not a digest", "summary", self.digest, "SHA-256 as 64 hex characters, or nothing")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Closes a run: a receiver is complete only when its blocks match this."""

    sid: str
    run: str
    variables: tuple[VariableSummary, ...]
    status: str = "complete"  # complete | partial | refused
    errors: tuple[tuple[str, str], ...] = ()  # (code, message) of the run as a whole

    def __post_init__(self) -> None:
        check_block("manifest", self.sid, self.run, 0)
        if self.status not in ("complete", "partial", "refused"):
            raise refuse("unknown status", "manifest", self.status, "complete, partial or refused")
