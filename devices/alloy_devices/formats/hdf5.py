"""HDF5 and NetCDF-4: described by h5py in a jailed worker, read by our own kernels.

The library never reads numbers here: it lists links, types, attributes and chunk addresses through a file
object that holds one descriptor, so that no name from the file reaches the file system. Texts of variable
length are the exception; they lie where only the library finds them.
"""

from __future__ import annotations

import io
import math
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import h5py
from h5py import h5d, h5g, h5o

from alloy_transforms.record import Attr, Variable

from .conventions_cf import meaning_of
from .h5_attrs import Budget, dataset_is_empty, read_attributes
from .h5_dims import Dims, declare_scales, dims_of, is_pure_dimension, is_scale
from .h5_layout import Chunked, Layout, Unstored, layout_of
from .h5_read import FixedTextPieces, LeafPieces, variable_texts
from .h5_types import Leaf, file_bytes, leaves
from .h5_walk import Tree, walk
from .model import FileFound, Found, Limits, Problem, Rules, TypedAttr, refuse
from .netcdf3 import TextPieces, noted_if_empty, rules_of, variable_of
from .texts import is_text

if TYPE_CHECKING:
    from typing_extensions import Buffer

READER = f"hdf5/1 (HDF5 {h5py.version.hdf5_version})"
SIGNATURE = b"\x89HDF\r\n\x1a\n"
_LIBRARY_ERRORS = (KeyError, RuntimeError, OSError, ValueError, TypeError, AttributeError, OverflowError)


class DescriptorFile(io.RawIOBase):
    """The file object the library reads through: pread on one descriptor, nothing else."""

    def __init__(self, fd: int) -> None:
        super().__init__()
        self._fd = fd
        self._at = 0
        self._size = os.lseek(fd, 0, os.SEEK_END)

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always; the position is this object's own."""
        return True

    def tell(self) -> int:
        """The position [B]."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move the position; nothing is asked of the system."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill the buffer from the position on; fewer bytes at the end of the file."""
        view = memoryview(buffer).cast("B")
        data = os.pread(self._fd, len(view), self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)


def can_open(magic: bytes) -> bool:
    """True where the signature stands at the start or behind a user block (512 B, 1 KiB, 2 KiB)."""
    return any(magic[at : at + 8] == SIGNATURE for at in (0, 512, 1024, 2048))


def open_file(fd: int) -> h5py.File:
    """Open the file behind a descriptor.

    Raises:
        FormatError: `format.truncated`, `format.malformed`.
    """
    try:
        return h5py.File(DescriptorFile(fd), "r")
    except _LIBRARY_ERRORS as error:
        text = " ".join(str(error).split())
        short = re.search(r"truncated file: eof = (\d+).*stored_eof = (\d+)", text)
        if short:
            raise refuse(
                "truncated",
                "the file is shorter than its superblock says",
                got=f"{short[1]} bytes",
                expected=f"{short[2]} bytes",
            ) from error
        raise refuse("malformed", f"HDF5 cannot open the file: {text[:160]}") from error


def describe(file: h5py.File, fd: int, limits: Limits) -> FileFound:
    """Everything in the file, as far as the limits allow.

    Args:
        file: stays open while pieces are read.
        fd: its descriptor.
    """
    root = h5g.open(file.id, b"/")
    tree = walk(root, limits)
    return _Describer(file, fd, root, tree, limits).all()


@dataclass(frozen=True, slots=True)
class _Opened:
    path: str
    address: int
    dataset: h5d.DatasetID


class _Describer:
    """One pass over the tree; keeps what objects share: dimensions, attribute budget, conventions."""

    def __init__(self, file: h5py.File, fd: int, root: h5g.GroupID, tree: Tree, limits: Limits) -> None:
        self._file = file
        self._fd = fd
        self._root = root
        self._tree = tree
        self._limits = limits
        self._budget = Budget(limits.attributes_bytes)
        self._dims = Dims()
        self._notes = list(tree.problems)
        self._size = os.lseek(fd, 0, os.SEEK_END)

    def all(self) -> FileFound:
        opened = self._opened()
        attrs = self._group_attrs()
        scales = [(o.path, o.address, o.dataset) for o in opened if is_scale(o.dataset)]
        declare_scales(self._dims, scales)
        netcdf = bool(scales) or "_NCProperties" in attrs
        conventions = netcdf or "CF-" in str(attrs.get("Conventions", ""))
        objects: list[Found] = []
        for each in opened:
            if not is_pure_dimension(each.dataset):
                objects.extend(self._dataset(each, conventions=conventions, netcdf=netcdf))
        shown = {name: value for name, value in attrs.items() if name != "_NCProperties"}
        kind = "netcdf4" if netcdf else "hdf5"
        return FileFound(kind, READER, self._dims.all(), tuple(objects), shown, tuple(self._notes))

    def _opened(self) -> list[_Opened]:
        out: list[_Opened] = []
        for path, address in self._tree.datasets:
            try:
                dataset = h5o.open(self._root, path.encode())
            except _LIBRARY_ERRORS as error:
                self._notes.append(Problem("format.malformed", str(error)[:160], path))
                continue
            if isinstance(dataset, h5d.DatasetID):
                out.append(_Opened(path, address, dataset))
        return out

    def _group_attrs(self) -> dict[str, Attr]:
        """Attributes of the root by name, of other groups by path."""
        out: dict[str, Attr] = {}
        for path in self._tree.groups:
            try:
                group = h5g.open(self._root, path.encode())
            except _LIBRARY_ERRORS as error:
                self._notes.append(Problem("format.malformed", str(error)[:160], path))
                continue
            attrs, notes = read_attributes(group, path, self._limits, self._budget)
            self._notes.extend(notes)
            prefix = "" if path == "/" else f"{path}@"
            out |= {prefix + name: attr.plain() for name, attr in attrs.items()}
        return out

    def _dataset(self, each: _Opened, *, conventions: bool, netcdf: bool) -> list[Found]:
        path = each.path
        try:
            return self._columns(each, conventions=conventions, netcdf=netcdf)
        except _LIBRARY_ERRORS as error:
            message = f"HDF5 cannot describe it: {' '.join(str(error).split())[:160]}"
            self._notes.append(Problem("format.malformed", message, path))
            return []

    def _columns(self, each: _Opened, *, conventions: bool, netcdf: bool) -> list[Found]:
        path, dataset = each.path, each.dataset
        attrs, notes = read_attributes(dataset, path, self._limits, self._budget)
        attrs.pop("_NCProperties", None)
        if dataset_is_empty(dataset):
            shape: tuple[int, ...] = (0,)
        else:
            shape = tuple(int(n) for n in dataset.shape)
        if len(shape) > self._limits.rank:
            self._notes.append(Problem("format.too_many", f"{len(shape)} dimensions", path))
            return []
        dims = dims_of(self._dims, self._file.id, path, each.address, dataset, shape)
        kind = dataset.get_type()
        item = file_bytes(kind)
        columns = leaves(kind)
        layout: Layout | Problem = Unstored()
        if 0 not in shape and not all(leaf.problem for leaf in columns):
            layout = layout_of(dataset, shape, item, self._size, self._limits)
        out = [
            self._leaf(each, leaf, shape, dims, item, layout, attrs, conventions=conventions, netcdf=netcdf)
            for leaf in columns
        ]
        if out:
            out[0] = replace(out[0], notes=(*notes, *out[0].notes))
        return out

    def _leaf(
        self,
        each: _Opened,
        leaf: Leaf,
        shape: tuple[int, ...],
        dims: tuple[str, ...],
        item: int,
        layout: Layout | Problem,
        attrs: dict[str, TypedAttr],
        *,
        conventions: bool,
        netcdf: bool,
    ) -> Found:
        path = f"{each.path}.{leaf.name}" if leaf.name else each.path
        name = path.rsplit("/", 1)[-1]
        meaning = meaning_of(path, leaf.element, attrs, conventions=conventions, default_fills=netcdf)
        full = dims + tuple(
            self._dims.declare(f"{path.lstrip('/')}:{len(dims) + axis}", size)
            for axis, size in enumerate(leaf.extra)
        )
        if leaf.element is not None and leaf.problem is None:
            element = leaf.element
            width = element.size * math.prod(leaf.extra)
            variable = variable_of(name, path, full, element, meaning)
            if leaf.flags is not None:
                variable = replace(variable, flags=leaf.flags)
            variable = self._with_storage(variable, layout, leaf)
            rules = rules_of(meaning)
        else:
            element, width = None, leaf.text_bytes * math.prod(leaf.extra)
            variable = Variable(
                name=name,
                dims=full,
                dtype="utf8" if leaf.problem is None else "bytes",
                path=path,
                unit_src=meaning.unit_src,
                quantity=meaning.quantity,
                attrs=meaning.attrs,
            )
            rules = Rules()
        problem = leaf.problem or meaning.refused or (layout if isinstance(layout, Problem) else None)
        if problem is not None:
            problem = replace(problem, path=path)
        found = Found(
            variable, shape + leaf.extra, element, None, rules, problem, () if leaf.problem else meaning.notes
        )
        if problem is not None or 0 in found.shape:
            return noted_if_empty(found)
        assert not isinstance(layout, Problem)
        if leaf.by_library:
            return self._library_texts(each, leaf, shape, found)
        pieces = LeafPieces(self._fd, path, shape, layout, leaf, item, width, self._limits)
        if element is not None:
            return replace(found, pieces=pieces)
        if leaf.text_bytes == 1 and shape and netcdf and not leaf.name:
            return self._letters(found, pieces, shape)
        return self._fixed_texts(found, pieces)

    def _with_storage(self, variable: Variable, layout: Layout | Problem, leaf: Leaf) -> Variable:
        if not isinstance(layout, Chunked):
            return variable
        return replace(variable, chunk=layout.chunk + leaf.extra, codec=layout.filters)

    def _library_texts(self, each: _Opened, leaf: Leaf, shape: tuple[int, ...], found: Found) -> Found:
        try:
            texts = variable_texts(h5py.Dataset(each.dataset), leaf, shape, self._limits)
        except _LIBRARY_ERRORS as error:
            return found.refused("format.malformed", f"texts cannot be read: {str(error)[:120]}")
        if isinstance(texts, Problem):
            return found.refused(texts.code, texts.message)
        return _texts(found, texts, self._limits)

    def _letters(self, found: Found, pieces: LeafPieces, shape: tuple[int, ...]) -> Found:
        """NetCDF char: the last dimension holds the letters of one text."""
        total, width = math.prod(shape), shape[-1]
        short = replace(
            found,
            variable=replace(found.variable, dims=found.variable.dims[:-1], chunk=None),
            shape=shape[:-1],
        )
        if total > self._limits.text_bytes or width > self._limits.text_item_bytes:
            return short.refused("format.too_large", f"{total} characters")
        letters = bytearray(total)
        for piece in pieces():
            if piece.problem is not None:
                return short.refused(piece.problem.code, piece.problem.message)
            if not piece.missing and not isinstance(piece.data, list):
                _place(letters, shape, piece.origin, piece.shape, bytes(piece.data))
        texts = [bytes(letters[i : i + width]).rstrip(b"\0") for i in range(0, total, width)]
        return _texts(short, texts, self._limits)

    def _fixed_texts(self, found: Found, pieces: LeafPieces) -> Found:
        total = math.prod(found.shape) * pieces.leaf.text_bytes
        if total > self._limits.text_bytes:
            note = Problem(
                "format.bad_text", "too long to be checked; declared as bytes", found.variable.path
            )
            return replace(
                found,
                variable=replace(found.variable, dtype="bytes"),
                pieces=FixedTextPieces(pieces),
                notes=(*found.notes, note),
            )
        texts: list[bytes] = []
        for piece in FixedTextPieces(pieces)():
            if piece.problem is not None or piece.missing or not isinstance(piece.data, list):
                return replace(found, pieces=FixedTextPieces(pieces))
            texts.extend(piece.data)
        return replace(_texts(found, texts, self._limits), pieces=FixedTextPieces(pieces))


def _place(
    letters: bytearray, shape: tuple[int, ...], origin: tuple[int, ...], part: tuple[int, ...], data: bytes
) -> None:
    """Copy one piece of characters into its place in the row-major whole."""
    width = part[-1]
    rows = math.prod(part[:-1])
    for row in range(rows):
        rest, at = row, 0
        index: list[int] = []
        for size in reversed(part[:-1]):
            rest, i = divmod(rest, size)
            index.append(i)
        for start, i, size in zip(origin[:-1], reversed(index), shape[:-1], strict=True):
            at = at * size + start + i
        begin = at * shape[-1] + origin[-1]
        letters[begin : begin + width] = data[row * width : (row + 1) * width]


def _texts(found: Found, texts: list[bytes], limits: Limits) -> Found:
    good = all(is_text(text) for text in texts)
    notes = found.notes
    if not good:
        note = Problem("format.bad_text", "texts that are not UTF-8 are kept as bytes", found.variable.path)
        notes = (*notes, note)
    return replace(
        found,
        variable=replace(found.variable, dtype="utf8" if good else "bytes"),
        pieces=TextPieces(found.shape, texts, limits),
        notes=notes,
    )
