"""What a format file hands to the engine: described objects and a way to read their stored bytes in pieces.

Nothing here reads a file. A format file (`netcdf3.py`, `fits_image.py`, `hdf5.py` ...) turns a structure it
does not trust into `Found` objects; the engine turns those into a descriptor, chunks and a manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from alloy_transforms.record import Attr, Dimension, Reason, Variable

from ..errors import FormatError

PIECE_BYTES = 128 * 1024
"""Payload of one chunk at most [B]: several brokers cap a message at 256 KiB."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask for; every field is a bound that ends in a coded error."""

    objects: int = 2_000  # objects of one file
    depth: int = 32  # groups below one another
    rank: int = 32  # dimensions of one array
    attribute_bytes: int = 64 * 1024  # one attribute
    attributes_bytes: int = 1024 * 1024  # all attributes of a file together
    chunk_bytes: int = 32 * 1024 * 1024  # one stored chunk, inflated
    chunks: int = 1_000_000  # stored chunks of one array
    expansion: int = 1_100  # inflated bytes per stored byte of one chunk; deflate reaches 1,032
    unstored_bytes: int = (
        16 * 1024 * 1024
    )  # never written part of an array that is still delivered as missing
    text_bytes: int = 8 * 1024 * 1024  # text of one variable
    text_item_bytes: int = 1024 * 1024  # one text
    piece_bytes: int = PIECE_BYTES


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one object (`path`) or with the file (`path` empty)."""

    code: str
    message: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """One stored number: `kind` as in the record model's dtypes (i, u, f, c, b), bytes, byte order."""

    kind: str
    size: int
    big: bool = False

    @property
    def dtype(self) -> str:
        """The record model's name of it."""
        return "bool" if self.kind == "b" else f"{self.kind}{self.size}"


@dataclass(frozen=True, slots=True)
class TypedAttr:
    """An attribute with the type it was stored in: conventions depend on it.

    `dtype` is a record dtype, "text" (value str) or "bytes" (text that is not UTF-8: value bytes). Numbers are
    always a tuple.
    """

    dtype: str
    value: str | bytes | tuple[int | float, ...] | tuple[str, ...]

    @property
    def numbers(self) -> tuple[int | float, ...]:
        """The numbers, or nothing where it is text."""
        if isinstance(self.value, tuple):
            return tuple(v for v in self.value if isinstance(v, (int, float)))
        return ()

    @property
    def text(self) -> str | None:
        """The text, or None where it is numbers or no UTF-8."""
        return self.value if isinstance(self.value, str) else None

    def plain(self) -> Attr:
        """As a descriptor shows it: one number for a tuple of one."""
        if isinstance(self.value, tuple) and len(self.value) == 1:
            return self.value[0]
        return self.value


@dataclass(frozen=True, slots=True)
class Piece:
    """Stored bytes of one rectangle of an array, packed row-major in stored byte order.

    Attributes:
        data: the stored bytes; for texts a sequence of texts as bytes.
        missing: true where nothing is stored there (an HDF5 chunk that was never written).
        problem: why these elements cannot be delivered; then `data` is empty.
    """

    origin: tuple[int, ...]
    shape: tuple[int, ...]
    data: bytes | bytearray | memoryview | list[bytes]
    missing: bool = False
    problem: Problem | None = None


class Pieces(Protocol):
    """Reads one array piece by piece, in row-major order of origins, in bounded memory."""

    def __call__(self) -> Iterator[Piece]:
        """A fresh pass over the array."""
        ...


@dataclass(frozen=True, slots=True)
class Rules:
    """How stored numbers become values; `Variable.pack`, `.missing` and `.range` say the same to the receiver.

    Attributes:
        unsigned: "", "reinterpret" (same bits, `_Unsigned`) or "offset" (stored + 2**(n-1), FITS).
        suspect: reasons that hold for every value (a wrong checksum, a repaired scale): quality 3.
        logical: stored characters T and F (FITS L); anything else is missing.
        physical_limits: limits that apply after scaling.
    """

    unsigned: Literal["", "reinterpret", "offset"] = ""
    suspect: Reason = Reason.NONE
    logical: bool = False
    physical_limits: tuple[int | float | None, int | float | None] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One object of a file: what it is, and either how to read it or why not.

    Attributes:
        element: None for texts.
        pieces: None where nothing is read; `problem` says why unless the array is empty.
    """

    variable: Variable
    shape: tuple[int, ...]
    element: Element | None = None
    pieces: Pieces | None = None
    rules: Rules = field(default_factory=Rules)
    problem: Problem | None = None
    notes: tuple[Problem, ...] = ()

    def refused(self, code: str, message: str) -> Found:
        """The same object, described but not read."""
        problem = Problem(code, message, self.variable.path or self.variable.name)
        return replace(self, pieces=None, problem=problem)


@dataclass(frozen=True, slots=True)
class FileFound:
    """Everything a file holds.

    Attributes:
        notes: what is wrong with links, groups and attributes that belong to no variable.
    """

    format: str
    reader: str
    dims: tuple[Dimension, ...]
    objects: tuple[Found, ...]
    attrs: Mapping[str, Attr] = field(default_factory=dict)
    notes: tuple[Problem, ...] = ()


def refuse(
    code: str, what: str, *, where: str = "", got: str = "", expected: str = "", hint: str = ""
) -> FormatError:
    """The error that ends a whole file."""
    return FormatError(f"format.{code}", what, where=where, got=got, expected=expected, hint=hint)


def rectangles(
    shape: tuple[int, ...], element_bytes: int, limit_bytes: int
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int, int]]:
    """Cut an array on its slowest axes into pieces that are contiguous in memory.

    Args:
        shape: of the array; no element: nothing is yielded.
        element_bytes: bytes of one element.
        limit_bytes: bytes of one piece at most, unless one element is larger.

    Yields:
        (origin, shape, first element, number of elements).
    """
    total = 1
    for size in shape:
        total *= size
    if total == 0:
        return
    axis, inner = len(shape), 1
    while axis and inner * shape[axis - 1] * element_bytes <= limit_bytes:
        axis -= 1
        inner *= shape[axis]
    if axis == 0:
        yield (0,) * len(shape), shape, 0, total
        return
    step = max(1, limit_bytes // (inner * element_bytes))
    outer = shape[: axis - 1]
    index = [0] * len(outer)
    first = 0
    while True:
        for start in range(0, shape[axis - 1], step):
            count = min(step, shape[axis - 1] - start)
            origin = (*index, start) + (0,) * (len(shape) - axis)
            yield origin, (1,) * len(outer) + (count,) + shape[axis:], first, count * inner
            first += count * inner
        for at in range(len(outer) - 1, -1, -1):
            index[at] += 1
            if index[at] < outer[at]:
                break
            index[at] = 0
        else:
            return
