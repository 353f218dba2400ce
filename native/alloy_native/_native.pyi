"""Types of the compiled module, written by hand and checked with stubtest."""

from collections.abc import Sequence
from typing import Literal, TypeAlias, final

from alloy_native.errors import FormatError
from alloy_native.module import Facts
from alloy_native.structure import FitsHdu, Nc3

ABI: int

# ---------------------------------------------------------------------------------------------- kernels

_Buffer: TypeAlias = bytes | bytearray | memoryview
_Number: TypeAlias = int | float
_Unsigned: TypeAlias = Literal["", "reinterpret", "offset"]

def crc32c(data: _Buffer, initial: int = 0) -> int:
    """CRC-32C (Castagnoli, RFC 3720 section 12.1); pass the last result as `initial` to go on."""

def fletcher32(data: _Buffer) -> int:
    """HDF5's Fletcher-32 over big-endian 16-bit words (H5_checksum_fletcher32)."""

def unshuffle(data: _Buffer, itemsize: int) -> bytes:
    """Undo HDF5's byte shuffle; bytes after the last whole item stay at the end."""

def inflate(data: _Buffer, size: int, kind: Literal["zlib", "gzip", "raw"] = "zlib") -> bytes:
    """Inflate into exactly `size` bytes [B].

    Raises:
        KernelError: `format.too_large` (size above 64 MiB), `format.decompression_bomb` (more than
            1,032 times the input, which one deflate stream cannot be), `format.decode` (damaged, or
            another length than `size`).
    """

def pack_bits(flags: _Buffer) -> bytes:
    """One bit per byte of `flags` (non-zero = set), least significant first; ceil(n / 8) bytes."""

def unpack_bits(bits: _Buffer, n: int) -> bytes:
    """n bytes of 0 or 1."""

def slice_bits(bits: _Buffer, start: int, n: int) -> bytes:
    """Bits start to start + n as a bitmap of its own; the unused bits of the last byte are 0."""

def count_bits(bits: _Buffer, n: int) -> int:
    """How many of the first n bits are set."""

@final
class Normalised:
    """What one pass over stored values gives; the fields fit `record.Column` and `record.Chunk`.

    Attributes:
        dtype: of `values`, after `unsigned`.
        n: number of values.
        values: n little-endian values; missing ones keep their stored number.
        validity: ceil(n / 8) bytes, least significant bit first; None when every value is there.
        quality: one byte for all, or n bytes (`record.Quality`: 1, 2, 3, 4, 9).
        reasons: one mask for all, or n little-endian u2 (`record.Reason`).
        n_valid: values of quality 1-3.
        minimum, maximum: over those, in physical units, rounded to `out`; int when an integer type is
            not scaled; None without a value.
        mean: over those, of the unrounded physical values, good to 1e-12 of the largest magnitude.
        counts: quality -> number of values, only those that occur.
    """

    @property
    def dtype(self) -> str: ...
    @property
    def n(self) -> int: ...
    @property
    def values(self) -> bytes: ...
    @property
    def validity(self) -> bytes | None: ...
    @property
    def quality(self) -> int | bytes: ...
    @property
    def reasons(self) -> int | bytes: ...
    @property
    def n_valid(self) -> int: ...
    @property
    def minimum(self) -> _Number | None: ...
    @property
    def maximum(self) -> _Number | None: ...
    @property
    def mean(self) -> float | None: ...
    @property
    def counts(self) -> dict[int, int]: ...

@final
class Normaliser:
    """The rules of one variable, compiled once: stored bytes -> L1 in one pass.

    Order of the rules: byte order, `unsigned`, missing (fills, missing_values, implicit, NaN), infinity,
    limits. A missing value is quality 9 and is not compared with limits; an infinite one and one outside
    the limits is quality 4 and kept (its validity bit is set). Several reasons of one value add up. A NaN
    that a NaN in `fills` or `missing_values` declares has that reason instead of NOT_FINITE.

    Args:
        dtype: of the stored values: i1 i2 i4 i8 u1 u2 u4 u8 f4 f8.
        big_endian: byte order of the stored values.
        unsigned: "reinterpret": the same bits mean an unsigned integer (`_Unsigned`); "offset": stored
            + 2**(n-1), FITS unsigned integers (give scale 1, offset 0, not BZERO). The values come out as uN.
        fills: -> FILL. Stored numbers; cast to dtype, an integer that does not fit never matches. With
            "reinterpret" -1 and 2**n - 1 mean the same; with "offset" they are numbers before the offset.
        missing_values: -> MISSING_VALUE, same rules.
        implicit: -> DEFAULT_FILL, same rules.
        valid: (low, high), inclusive, None = open -> OUT_OF_RANGE. 64-bit integers compare as integers.
        valid_physical: the limits are in physical units (compared in f64 before rounding to `out`).
        scale, offset: physical = stored * scale + offset, in f64.
        out: "f4" or "f8": type of a physical value.

    Raises:
        KernelError: `format.dtype` (unknown dtype, `unsigned` or `out`), `format.bad_scaling` (not finite, or
            scale 0).
    """

    def __new__(
        cls,
        dtype: str,
        *,
        big_endian: bool = False,
        unsigned: _Unsigned = "",
        fills: Sequence[_Number] = ...,
        missing_values: Sequence[_Number] = ...,
        implicit: _Number | None = None,
        valid: tuple[_Number | None, _Number | None] | None = None,
        valid_physical: bool = False,
        scale: float = 1.0,
        offset: float = 0.0,
        out: str = "f8",
    ) -> Normaliser: ...
    @property
    def dtype(self) -> str:
        """Of the values that come out."""
    def normalise(self, data: _Buffer, *, quality: int = 1, reasons: int = 0) -> Normalised:
        """Normalise the whole of `data`.

        Args:
            quality: floor of every value's quality (3 for a wrong checksum, say); the worse one stays.
            reasons: mask added to every value's reasons.

        Raises:
            KernelError: `format.length`, data is no whole number of values.
        """
    def physical(self, data: _Buffer) -> bytes:
        """Stored bytes straight to f4 or f8 (`out`), NaN where there is no value; no quality, no facts."""

def physical(
    values: _Buffer,
    dtype: str,
    *,
    scale: float = 1.0,
    offset: float = 0.0,
    exp10: int | None = None,
    out: str = "f8",
    validity: _Buffer | None = None,
) -> bytes:
    """L1 -> L2: little-endian `values` to f4 or f8, NaN where validity says there is none.

    With `exp10` (from -18 to 18) the value is stored / 10**-exp10 or stored * 10**exp10, correctly
    rounded, else stored * scale + offset in f64; rounded to `out` last.
    """

def range_quality(
    values: _Buffer,
    dtype: str,
    n: int,
    exp10: int,
    validity: _Buffer | None,
    low: float | None,
    high: float | None,
    reason_bit: int,
    fail_quality: int,
    quality: int | _Buffer,
    reasons: int | _Buffer,
) -> tuple[int | bytes, int | bytes]:
    """Compare the physical values of a column with limits, inclusive; None = open.

    A value outside, or NaN, gets the worse of its quality and `fail_quality`, and `reason_bit`; rows
    without a value keep what they have. What is equal in all rows comes back as one int.

    Args:
        values: n little-endian values of `dtype`.
        exp10: from -18 to 18; physical = value / 10**-exp10, correctly rounded.

    Raises:
        KernelError: `format.length` (a buffer is shorter than n needs), `format.dtype`, `format.exp10`.
    """

# ---------------------------------------------------------------------------------------------- formats

def nc3_describe(fd: int, *, partial: bool = False) -> Nc3:
    """Read the header of a NetCDF classic file and check it against the size of the file.

    Args:
        fd: open for reading; read with pread only.
        partial: accept a file that ends early: `rows` counts the complete records; a variable that is not
            a record variable and not there in full still raises.

    Raises:
        FormatError: `format.not_recognised`, `format.truncated` (context: expected, actual, rows),
            `format.header_lie` (tag, index, offset, overlap, overflow), `format.too_large` (over a limit),
            `format.io`.
    """

def fits_describe(fd: int) -> list[FitsHdu]:
    """Read all headers of a FITS file.

    A file whose first header is unusable raises; a later fault is the `error` of its HDU, which is then
    the last of the list when nothing after it can be found.

    Raises:
        FormatError: `format.not_recognised`, `format.truncated` (in the first header), `format.too_large`
            (header over its limit), `format.header_lie` (mandatory keywords), `format.io`.

    Source: FITS Standard 4.0, sections 3, 4, 7.
    """

def fits_checksum(fd: int, offset: int, length: int) -> int:
    """Ones' complement sum of big-endian 32-bit words (FITS 4.0 appendix J).

    0xFFFFFFFF or 0 over a sound HDU (header and data);
    DATASUM is this over the padded data; a last incomplete word counts as padded with zeros.
    """

def fits_descriptors(
    fd: int,
    hdu_data_offset: int,
    rows: tuple[int, int],
    row_size: int,
    offset: int,
    code: str,
    element_bits: int,
    heap_offset: int,
    heap_size: int,
) -> list[tuple[int, int] | FormatError]:
    """Array descriptors of a P or Q column for rows first to last (exclusive): (elements, file offset [B]).

    A descriptor that points outside the heap is a FormatError `format.header_lie` in its place.
    """

def read_span(fd: int, offset: int, length: int) -> bytes:
    """Exactly `length` bytes, at most 64 MiB.

    Raises:
        FormatError: `format.truncated`, `format.too_large`, `format.io`.
    """

def read_strided(fd: int, offset: int, count: int, stride: int, width: int) -> bytes:
    """`width` bytes from each of `count` records that lie `stride` bytes apart, one after the other.

    Gathers the record variables of NetCDF classic and the columns of binary tables; reads in blocks of at
    most 1 MiB; the result is at most 64 MiB. Raises as `read_span`.
    """

def read_chunks(
    fd: int,
    chunks: Sequence[tuple[int, int, int]],
    filters: Sequence[str],
    itemsize: int,
    out_size: int,
) -> list[bytes | FormatError]:
    """Read and decode a batch of stored chunks of one HDF5 dataset.

    Args:
        chunks: (file offset [B], stored size [B], filter mask: bit i = filter i was not applied).
        filters: in the order in which they were applied when writing, each at most once:
            "shuffle", "deflate", "fletcher32".
        itemsize: of one element, for unshuffle [B].
        out_size: decoded size of each chunk [B], at most 64 MiB; the batch at most 64 MiB as well.

    Returns:
        In order, the decoded bytes, or the error of that chunk: `format.truncated`,
        `format.checksum_mismatch`, `format.decode`, `format.decompression_bomb`.

    Raises:
        FormatError: `format.filter` (unknown or repeated filter), `format.too_large`.
    """

# --- jail (see jail.py) ---
def jail_seal(
    profile: str,
    memory_bytes: int,
    cpu_s: int,
    keep_fds: list[int],
    report_fd: int,
    path: str,
    layers: list[str],
    allow_degraded: bool,
) -> dict[str, int | bool]: ...
def jail_probe() -> dict[str, int | str | bool]: ...
def jail_die_with_parent(parent_pid: int) -> bool: ...
def jail_trim_heap() -> None: ...
def jail_send_message(fd: int, data: bytes, fds: list[int]) -> None: ...
def jail_receive_message(fd: int, max_bytes: int, max_fds: int) -> tuple[bytes, list[int]]: ...

# --- end of jail ---

# --- native modules (see module.py) ---
def module_lint(data: bytes, machine: str) -> Facts: ...
def module_instructions(code: bytes, machine: str) -> list[int]: ...

@final
class Module:
    """A native module that is mapped in this process, for the rest of its life.

    Args:
        fd: of the file; a memfd sealed against change is mapped itself, of anything else a sealed copy.

    Raises:
        ModuleError: `load.elf`, `load.arch`, `load.abi`.
    """

    def __new__(cls, fd: int) -> Module: ...
    @property
    def kind(self) -> Literal["record", "map"]: ...
    @property
    def schema(self) -> bytes: ...
    def map(
        self,
        arguments: Sequence[bytes | float],
        out: bytearray,
        total: bool,
        present: bytes | None = None,
    ) -> bytes:
        """Element-wise: fills `out` with f8 values and returns one code each, none where `total`.

        Args:
            arguments: as many f8 values as `out`, or one number for all.
            out: at least one f8 value; what was there is lost.
            total: the schema says that no element can fail.
            present: a bit for each element, the least significant first; one whose bit is not set is zero and not
                shown to the module. None: all are.

        Raises:
            ValueError: arguments that do not fit.
            ModuleError: `violation.protocol`, what the module says cannot be.
        """

@final
class ModulePlan:
    """A module bound to the fields of a contract.

    Args:
        inputs: `bytes`, `int`, `float`, `bool`.
        outputs: (type, optional, `max` of text and bytes or number of names of an enum).
        state: `int`, `float`, `bool`.
        max_rows: rows of one input.

    Raises:
        ValueError: no native module has such fields.
    """

    def __new__(
        cls,
        module: Module,
        inputs: Sequence[str],
        outputs: Sequence[tuple[str, bool, int]],
        state: Sequence[str],
        max_rows: int,
    ) -> ModulePlan: ...
    def batch(self, body: bytes) -> ModuleBatch:
        """A RUN frame (`alloy_transforms.sandbox.protocol`), checked.

        Raises:
            ModuleError: `violation.protocol`, the frame is malformed.
        """

@final
class ModuleBatch:
    """One batch on its way through a module; made by `ModulePlan.batch`."""

    @property
    def n(self) -> int: ...
    @property
    def batch(self) -> int: ...
    @property
    def both(self) -> bool: ...
    @property
    def state(self) -> bytes | None: ...
    def input(self, index: int) -> tuple[int | float | bool | bytes | None, ...]:
        """The values of one input, in the order of INPUT; None where one is absent."""
    def run(
        self, first: int, stop: int, state: bytes
    ) -> tuple[int, bytes, bytes, list[tuple[bytes, bytes, bytes]], bytes]:
        """Inputs `first` to `stop` through the module, without the interpreter lock.

        An input that lacks a value is not shown to the module; its code is that of `data.schema`.

        Args:
            state: 8 bytes per STATE value: i8, f8, or 0 and 1.

        Returns:
            Inputs answered (index after the last); their codes from `first` on; per row the input it came from
            (u4); per output (values, arena, validity) as in a REPLY; the state after the last answered input.

        Raises:
            ModuleError: `violation.protocol`, what the module says cannot be.
        """

# --- end of native modules ---
