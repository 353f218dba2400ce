"""NetCDF classic (CDF-1, CDF-2, CDF-5): structure by the compiled reader, values by plain offsets.

Rows that a truncated file does not hold are never read: a file shorter than its header implies is refused.
Source: NetCDF Classic Format Specification (Unidata), "The Classic Format".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from alloy_transforms.record import Dimension, Variable

from ..native import nc3_describe, read_span, read_strided
from .conventions_cf import Meaning, meaning_of
from .model import Element, FileFound, Found, Limits, Piece, Problem, Rules, TypedAttr, rectangles
from .texts import is_text, split_fixed

if TYPE_CHECKING:
    from ..native import Nc3, Nc3Variable

READER = "netcdf3/1"
_FORMATS = {1: "netcdf3-classic", 2: "netcdf3-64bit-offset", 5: "netcdf3-cdf5"}


def can_open(magic: bytes) -> bool:
    """True for the first bytes of a classic file."""
    return magic[:3] == b"CDF" and magic[3:4] in (b"\x01", b"\x02", b"\x05")


def describe(fd: int, limits: Limits) -> FileFound:
    """Read the header.

    Raises:
        FormatError: of the compiled reader: `format.truncated`, `format.header_lie`, ...
    """
    head = nc3_describe(fd)
    attrs, notes = typed_attrs(head["attrs"], "", limits)
    dims = tuple(Dimension(name.rstrip("\0"), size) for name, size in head["dims"])
    objects = tuple(_variable(fd, each, head, limits) for each in head["variables"])
    return FileFound(
        _FORMATS[head["version"]],
        READER,
        dims,
        objects,
        {name: attr.plain() for name, attr in attrs.items()},
        tuple(notes),
    )


def typed_attrs(
    found: list[tuple[str, str, str | bytes | int | float | tuple[int | float, ...]]],
    path: str,
    limits: Limits,
) -> tuple[dict[str, TypedAttr], list[Problem]]:
    """Attributes with their types; what is too long is left out and noted."""
    out: dict[str, TypedAttr] = {}
    notes: list[Problem] = []
    for name, dtype, value in found:
        if isinstance(value, bytes):
            notes.append(Problem("format.bad_text", f"attribute `{name}` is not UTF-8", path))
            attr = TypedAttr("bytes", value)
        elif isinstance(value, str):
            attr = TypedAttr("text", value.rstrip("\0"))
        else:
            attr = TypedAttr(dtype, value if isinstance(value, tuple) else (value,))
        size = len(attr.value) * (1 if isinstance(attr.value, (str, bytes)) else 8)
        if size > limits.attribute_bytes:
            notes.append(Problem("format.attribute", f"`{name}` of {size} bytes is left out", path))
            continue
        out[name] = attr
    return out, notes


def _variable(fd: int, head: Nc3Variable, file: Nc3, limits: Limits) -> Found:
    name = head["name"].rstrip("\0")  # written padded by old libraries
    path = f"/{name}"
    attrs, notes = typed_attrs(head["attrs"], path, limits)
    shape = head["shape"]
    dims = tuple(file["dims"][index][0].rstrip("\0") for index in head["dims"])
    element = None if head["dtype"] == "char" else Element(head["dtype"][0], int(head["dtype"][1:]), True)
    meaning = meaning_of(path, element, attrs, conventions=True, default_fills=True)
    notes.extend(meaning.notes)
    if element is None:
        return _text(fd, head, path, dims, meaning, notes, limits)
    found = Found(
        variable_of(name, path, dims, element, meaning),
        shape,
        element,
        _Numbers(fd, head, element, limits),
        rules_of(meaning),
        meaning.refused,
        tuple(notes),
    )
    return noted_if_empty(found)


def variable_of(name: str, path: str, dims: tuple[str, ...], element: Element, meaning: Meaning) -> Variable:
    """The record variable that a meaning describes."""
    dtype = f"u{element.size}" if meaning.unsigned else element.dtype
    return Variable(
        name=name,
        dims=dims,
        dtype="f4" if dtype == "f2" else dtype,
        path=path,
        unit=meaning.unit,
        unit_src=meaning.unit_src,
        quantity=meaning.quantity,
        pack=meaning.pack,
        missing=meaning.missing,
        flags=meaning.flags,
        time=meaning.time,
        coords=meaning.coords,
        range=meaning.physical_limits,
        attrs=meaning.attrs,
    )


def rules_of(meaning: Meaning) -> Rules:
    """The engine's side of a meaning."""
    return Rules(
        unsigned="reinterpret" if meaning.unsigned else "",
        suspect=meaning.suspect,
        physical_limits=meaning.physical_limits,
    )


def noted_if_empty(found: Found) -> Found:
    """An array without elements is valid; a note says so."""
    if 0 not in found.shape or found.problem is not None:
        return found
    note = Problem("format.empty", "the variable holds no element", found.variable.path)
    return Found(found.variable, found.shape, found.element, None, found.rules, None, (*found.notes, note))


class _Numbers:
    """Pieces of a numeric variable; a record variable is gathered record by record."""

    def __init__(self, fd: int, head: Nc3Variable, element: Element, limits: Limits) -> None:
        self._fd = fd
        self._head = head
        self._item = element.size
        self._limit = limits.piece_bytes

    def __call__(self) -> Iterator[Piece]:
        for origin, shape, first, count in rectangles(self._head["shape"], self._item, self._limit):
            yield Piece(origin, shape, _stored(self._fd, self._head, first, count, self._item))


def _stored(fd: int, head: Nc3Variable, first: int, count: int, item: int) -> bytes:
    """`count` elements from element `first` on.

    A piece never begins or ends inside a record unless it lies within one: it is cut on the slowest axis.
    """
    if not head["is_record"]:
        return read_span(fd, head["begin"] + first * item, count * item)
    per_record = head["size"] // item
    record, within = divmod(first, per_record)
    at = head["begin"] + record * head["stride"] + within * item
    if within or count < per_record:
        return read_span(fd, at, count * item)
    return read_strided(fd, at, count // per_record, head["stride"], head["size"])


def _text(
    fd: int,
    head: Nc3Variable,
    path: str,
    dims: tuple[str, ...],
    meaning: Meaning,
    notes: list[Problem],
    limits: Limits,
) -> Found:
    """Characters: the last dimension holds the letters of one text."""
    shape = head["shape"]
    total = math.prod(shape)
    width = shape[-1] if shape else 1
    outer = shape[:-1]
    texts: list[bytes] = []
    problem = None
    if total > limits.text_bytes or width > limits.text_item_bytes:
        problem = Problem("format.too_large", f"{total} characters, the limit is {limits.text_bytes}", path)
    elif total:
        texts = split_fixed(_stored(fd, head, 0, total, 1), width)
    good = all(is_text(text) for text in texts)
    if not good:
        notes.append(Problem("format.bad_text", "texts that are not UTF-8 are kept as bytes", path))
    variable = Variable(
        name=path[1:],
        dims=dims[:-1],
        dtype="utf8" if good else "bytes",
        path=path,
        unit_src=meaning.unit_src,
        quantity=meaning.quantity,
        coords=meaning.coords,
        attrs=meaning.attrs,
    )
    found = Found(
        variable,
        outer if total else (0,),
        None,
        TextPieces(outer, texts, limits),
        Rules(),
        problem,
        tuple(notes),
    )
    return noted_if_empty(found)


class TextPieces:
    """Texts already in memory (their limit is `text_bytes`), cut into pieces."""

    def __init__(self, shape: tuple[int, ...], texts: list[bytes], limits: Limits) -> None:
        self._shape = shape
        self._texts = texts
        self._limit = limits.piece_bytes

    def __call__(self) -> Iterator[Piece]:
        """Hand out the texts once."""
        if not self._texts:
            return
        longest = max(len(text) for text in self._texts) + 4
        for origin, shape, first, count in rectangles(self._shape, longest, self._limit):
            yield Piece(origin, shape, self._texts[first : first + count])
