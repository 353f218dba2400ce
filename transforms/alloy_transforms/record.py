"""The record model: Descriptor + blocks (Batch or Chunk) + Manifest.

A *descriptor* says once what is coming; a *block* carries values; a *manifest* closes a run so that a
receiver knows it has everything. Columns stay packed bytes from the worker to the wire: nothing here makes a
dict per record. This module must not do I/O and must not import numpy.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

Attr = str | int | float | bool | bytes | tuple["Attr", ...]
"""An attribute value: what every supported file format can say."""


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


DTYPES: Mapping[str, int] = {
    "bool": 1,
    "i1": 1,
    "i2": 2,
    "i4": 4,
    "i8": 8,
    "u1": 1,
    "u2": 2,
    "u4": 4,
    "u8": 8,
    "f2": 2,
    "f4": 4,
    "f8": 8,
    "c8": 8,
    "c16": 16,
    "utf8": 0,
    "bytes": 0,
}
"""The closed list of element types -> bytes per element [B]; 0: variable length. Always little-endian."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One named dimension; `size` None means it grows (a stream's rows, an unlimited dimension)."""

    name: str
    size: int | None
    role: str = ""  # "sample" for a stream's rows, else "" or a CF axis: "T", "Z", "Y", "X"


@dataclass(frozen=True, slots=True)
class Packing:
    """How stored numbers become physical ones.

    With `exp10` e (sensor mantissas): physical = stored / 10**-e, one correctly rounded division.
    Otherwise physical = stored * scale + offset (CF 1.11 section 8.1, FITS 4.0 section 4.4.2.5).
    """

    exp10: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    unsigned: bool = False  # stored signed, meant unsigned (_Unsigned, BZERO = 2**(n-1))
    out: str = "f8"  # dtype of the physical value


@dataclass(frozen=True, slots=True)
class MissingRule:
    """Which stored values mean "no value"; compared before scaling."""

    fills: tuple[int | float, ...] = ()
    missing_values: tuple[int | float, ...] = ()
    implicit: int | float | None = None  # default fill that applies because none is declared
    valid: tuple[int | float | None, int | float | None] | None = None  # outside: quality 4, value kept


@dataclass(frozen=True, slots=True)
class Flags:
    """Named values (enumeration) or named bits (CF 1.11 section 3.5)."""

    values: tuple[int, ...] = ()
    masks: tuple[int, ...] = ()
    meanings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimeRef:
    """What a time variable counts; only UTC instants are converted to int64 ns.

    `epoch_ns` is None where the calendar is no UTC calendar: number + unit + calendar stay as they are.
    """

    epoch_ns: int | None  # UTC ns of the reference instant
    tick_ns: float  # length of one unit [ns]
    calendar: str = "standard"
    scale: str = "UTC"  # UTC, TAI, TT, TDB, GPS


@dataclass(frozen=True, slots=True)
class Variable:
    """One quantity of a descriptor."""

    name: str
    dims: tuple[str, ...]
    dtype: str
    path: str = ""
    unit: str | None = None  # UCUM code; None where the source's unit is not known
    unit_src: str | None = None  # verbatim
    quantity: str | None = None  # CF standard_name or an equivalent path
    pack: Packing | None = None
    missing: MissingRule | None = None
    flags: Flags | None = None
    time: TimeRef | None = None
    coords: tuple[str, ...] = ()
    range: tuple[float | None, float | None] | None = None  # physical, as declared by the transform
    chunk: tuple[int, ...] | None = None
    codec: tuple[str, ...] = ()
    attrs: Mapping[str, Attr] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stage:
    """One transform that took part: `name`, source digest (SHA-256 hex) and the tier that ran it."""

    name: str
    digest: str
    tier: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a run comes from; never an absolute path."""

    source: str  # "lines:/gps", "mqtt:application/+/…", or the file's name inside the watched folder
    reader: str  # "lines/1", "netcdf3/1", "hdf5/1 (HDF5 2.0.0)"
    stages: tuple[Stage, ...] = ()
    size: int | None = None  # bytes, files only
    mtime_ns: int | None = None
    format: str = ""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What a stream or a file holds; its id is a digest of its deterministic CBOR (`wire.cbor.sid`)."""

    dims: tuple[Dimension, ...]
    variables: tuple[Variable, ...]
    prov: Provenance
    attrs: Mapping[str, Attr] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True)
class Statistics:
    """Facts over the values of quality 1-3 of a chunk, in physical units; None where there is no value."""

    n_valid: int
    minimum: float | int | None
    maximum: float | int | None
    mean: float | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One rectangular piece of one array: `origin` and `shape` in elements, row-major, little-endian."""

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


Block = Batch | Chunk


@dataclass(frozen=True, slots=True)
class VariableSummary:
    """What a manifest says of one variable of a run."""

    var: int
    blocks: int
    counts: Mapping[int, int]  # quality -> number of values
    digest: str  # SHA-256 hex over the block CRCs in order (u4 little-endian each)
    error: str = ""  # code of the reason why values are absent ("format.not_yet"), else ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """Closes a run: a receiver is complete only when its blocks match this."""

    sid: str
    run: str
    variables: tuple[VariableSummary, ...]
    status: str = "complete"  # complete | partial | refused
    errors: tuple[tuple[str, str], ...] = ()  # (code, message) of the run as a whole
