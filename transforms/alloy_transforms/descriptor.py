"""What is coming: dimensions, variables, packing, missing rules, times and provenance.

Import these names from `record`. Every constructor checks what its object knows by itself.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from .record_checks import MAX_EXP10, MAX_RANK, check_names, refuse

Attr = str | int | float | bool | bytes | tuple["Attr", ...]
"""An attribute value: what every supported file format can say."""

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

TIME_SCALES = ("UTC", "TAI", "TT", "TDB", "TCG", "TCB", "UT1", "GPS", "LOCAL", "")
"""Time scales a source may name (FITS 4.0 table 30 without synonyms, and GPS); "" is unknown."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One named dimension; `size` None means it grows (a stream's rows, an unlimited dimension)."""

    name: str
    size: int | None
    role: str = ""  # "sample" for a stream's rows, else "" or a CF axis: "T", "Z", "Y", "X"

    def __post_init__(self) -> None:
        check_names("dimension", (self.name,))
        if self.size is not None and self.size < 0:
            raise refuse("a dimension has a negative size", self.name, self.size, "0 or more")


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

    def __post_init__(self) -> None:
        if not (math.isfinite(self.scale) and math.isfinite(self.offset)):
            got = (self.scale, self.offset)
            raise refuse("scale or offset is not finite", "pack", got, "finite numbers")
        if self.exp10 is not None:
            if abs(self.exp10) > MAX_EXP10:
                raise refuse("exponent out of range", "pack.exp10", self.exp10, f"-{MAX_EXP10}..{MAX_EXP10}")
            if (self.scale, self.offset) != (1.0, 0.0):
                raise refuse("exp10 excludes scale and offset", "pack", self.exp10, "one of the two forms")
        if DTYPES.get(self.out, 0) == 0:
            raise refuse("unknown dtype of the physical value", "pack.out", self.out, "a number type")


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

    def __post_init__(self) -> None:
        for numbers in (self.values, self.masks):
            if numbers and len(numbers) != len(self.meanings):
                raise refuse("not one meaning per flag", "flags", len(self.meanings), str(len(numbers)))


@dataclass(frozen=True, slots=True)
class TimeRef:
    """What a time variable counts; only UTC instants are converted to int64 ns.

    `epoch_ns` is None where the calendar is no UTC calendar: number + unit + calendar stay as they are.
    """

    epoch_ns: int | None  # UTC ns of the reference instant
    tick_ns: float  # length of one unit [ns]
    calendar: str = "standard"
    scale: str = "UTC"  # one of TIME_SCALES

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tick_ns) and self.tick_ns > 0):
            raise refuse("the length of a time unit is not positive", "time.tick_ns", self.tick_ns, "above 0")
        if self.scale not in TIME_SCALES:
            raise refuse("unknown time scale", "time.scale", self.scale, ", ".join(TIME_SCALES))


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

    def __post_init__(self) -> None:
        check_names(self.path or "variable", (self.name, *self.dims, *self.coords))
        where = self.path or self.name
        if self.dtype not in DTYPES:
            raise refuse("unknown dtype", where, self.dtype, ", ".join(DTYPES))
        if len(self.dims) > MAX_RANK:
            raise refuse("too many dimensions", where, len(self.dims), f"at most {MAX_RANK}")
        if self.unit == "":
            raise refuse("an empty unit", where, self.unit, 'a UCUM code ("1" for a pure number) or None')
        if self.chunk is not None and (len(self.chunk) != len(self.dims) or any(n < 1 for n in self.chunk)):
            raise refuse(
                "a chunk shape that does not fit", where, self.chunk, f"{len(self.dims)} sizes above 0"
            )
        if self.range is not None:
            low, high = self.range
            if any(end is not None and math.isnan(end) for end in (low, high)):
                raise refuse("a range without an end", where, self.range, "numbers or None")
            if low is not None and high is not None and low > high:
                raise refuse("a range upside down", where, self.range, "(low, high)")
            ends = tuple(None if end is None else float(end) for end in self.range)
            object.__setattr__(
                self, "range", ends
            )  # 0 and 0.0 are two encodings, and a descriptor has one id


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

    def __post_init__(self) -> None:
        dims = {dim.name for dim in self.dims}
        if len(dims) != len(self.dims):
            raise refuse("two dimensions have one name", "descriptor", len(self.dims), "distinct names")
        seen: set[str] = set()
        for variable in self.variables:
            where = variable.path or variable.name
            if where in seen:
                raise refuse("two variables have one name", "descriptor", where, "distinct paths")
            seen.add(where)
            for name in variable.dims:
                if name not in dims:
                    raise refuse("a variable has an unknown dimension", where, name, "a declared dimension")
