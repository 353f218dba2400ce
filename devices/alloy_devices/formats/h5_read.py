"""Read one leaf of an HDF5 dataset: our own pread and kernels on the offsets that the library described.

At most one decoded chunk (`chunk_bytes`), or one merged row of small chunks, is in memory at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from h5py import Dataset
from numpy.typing import NDArray

from ..native import NativeError, read_chunks, read_span
from .h5_layout import Chunked, Flat, Inline, Layout, Unstored
from .h5_types import Leaf
from .model import Limits, Piece, Problem, rectangles

MERGE_BYTES = 4 * 1024 * 1024
"""A row of small chunks up to this size is put together before it is cut into pieces [B]."""

Record = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LeafPieces:
    """Pieces of one leaf (a number or a fixed text) of a dataset.

    Attributes:
        shape: of the dataset.
        item_bytes: of one stored element, the whole compound.
        width: bytes of the leaf in one element, extra dimensions included.
    """

    fd: int
    path: str
    shape: tuple[int, ...]
    layout: Layout
    leaf: Leaf
    item_bytes: int
    width: int
    limits: Limits

    def __call__(self) -> Iterator[Piece]:
        """Read the dataset once."""
        layout = self.layout
        if isinstance(layout, Unstored):
            for origin, shape, _, _ in rectangles(self.shape, self.width, self.limits.piece_bytes):
                yield self._piece(origin, shape, b"", missing=True)
        elif isinstance(layout, Flat):
            yield from self._flat(layout)
        elif isinstance(layout, Inline):
            block = np.frombuffer(layout.data, np.uint8).reshape(*self.shape, self.item_bytes)
            yield from self._cut((0,) * len(self.shape), block)
        else:
            yield from self._chunked(layout)

    def _flat(self, layout: Flat) -> Iterator[Piece]:
        limit = max(self.limits.piece_bytes, self.item_bytes)
        for origin, shape, first, count in rectangles(self.shape, self.item_bytes, limit):
            data = read_span(self.fd, layout.offset + first * self.item_bytes, count * self.item_bytes)
            if self.width == self.item_bytes:
                yield self._piece(origin, shape, data)
            else:
                yield from self._cut(origin, np.frombuffer(data, np.uint8).reshape(*shape, self.item_bytes))

    def _chunked(self, layout: Chunked) -> Iterator[Piece]:
        total = math.prod(layout.grid)
        stored = len(layout.position)
        chunk_bytes = math.prod(layout.chunk) * self.item_bytes
        absent = (total - stored) * chunk_bytes
        fill = absent <= self.limits.unstored_bytes
        if not fill:
            message = f"{total - stored} of {total} chunks were never written; they are not delivered"
            yield self._failed("format.too_large", message)
        row = math.prod(layout.grid[1:])
        merge = row * chunk_bytes <= MERGE_BYTES and chunk_bytes < self.limits.piece_bytes
        at = 0
        while at < stored:
            if merge:
                rows = max(1, MERGE_BYTES // 4 // (row * chunk_bytes))
                last = self._run(layout, at, row, rows)
                if last > at:
                    yield from self._merged(layout, at, last, row)
                    at = last
                    continue
            if fill:
                previous = layout.position[at - 1] + 1 if at else 0
                yield from self._never_written(layout, previous, layout.position[at])
            yield from self._one(layout, at)
            at += 1
        if fill:
            yield from self._never_written(layout, layout.position[-1] + 1 if stored else 0, total)

    def _run(self, layout: Chunked, at: int, row: int, rows: int) -> int:
        """End of the whole rows of chunks that are stored without a gap from `at` on."""
        if layout.position[at] % row or (at and layout.position[at - 1] + 1 != layout.position[at]):
            return at
        if not at and layout.position[at]:
            return at
        end = at
        for _ in range(rows):
            stop = end + row
            if (
                stop > len(layout.position)
                or layout.position[stop - 1] - layout.position[at] != stop - 1 - at
            ):
                break
            end = stop
        return end

    def _read(self, layout: Chunked, first: int, last: int) -> list[bytes | NativeError]:
        chunk_bytes = math.prod(layout.chunk) * self.item_bytes
        batch = [(layout.offset[i], layout.stored[i], layout.mask[i]) for i in range(first, last)]
        found = read_chunks(self.fd, batch, layout.filters, self.item_bytes, chunk_bytes)
        return list(found)

    def _origin(self, layout: Chunked, position: int) -> tuple[int, ...]:
        origin: list[int] = []
        for count, step in zip(reversed(layout.grid), reversed(layout.chunk), strict=True):
            position, index = divmod(position, count)
            origin.append(index * step)
        return tuple(reversed(origin))

    def _clipped(self, layout: Chunked, origin: tuple[int, ...], data: bytes) -> Record:
        block = np.frombuffer(data, np.uint8).reshape(*layout.chunk, self.item_bytes)
        return block[tuple(slice(0, size - start) for size, start in zip(self.shape, origin, strict=True))]

    def _one(self, layout: Chunked, at: int) -> Iterator[Piece]:
        origin = self._origin(layout, layout.position[at])
        (data,) = self._read(layout, at, at + 1)
        if isinstance(data, bytes):
            yield from self._cut(origin, self._clipped(layout, origin, data))
        else:
            yield self._failed(data.code, f"chunk at {origin}: {data.what}")

    def _merged(self, layout: Chunked, first: int, last: int, row: int) -> Iterator[Piece]:
        blocks = self._read(layout, first, last)
        if not all(isinstance(block, bytes) for block in blocks):
            for at, block in zip(range(first, last), blocks, strict=True):
                origin = self._origin(layout, layout.position[at])
                if isinstance(block, bytes):
                    yield from self._cut(origin, self._clipped(layout, origin, block))
                else:
                    yield self._failed(block.code, f"chunk at {origin}: {block.what}")
            return
        top = self._origin(layout, layout.position[first])
        height = min(self.shape[0] - top[0], (last - first) // row * layout.chunk[0])
        slab = np.empty((height, *self.shape[1:], self.item_bytes), np.uint8)
        for at, block in zip(range(first, last), blocks, strict=True):
            assert isinstance(block, bytes)
            origin = self._origin(layout, layout.position[at])
            part = self._clipped(layout, origin, block)
            place = (origin[0] - top[0], *origin[1:])
            slab[tuple(slice(s, s + n) for s, n in zip(place, part.shape[:-1], strict=True))] = part
        yield from self._cut(top, slab)

    def _never_written(self, layout: Chunked, first: int, last: int) -> Iterator[Piece]:
        for position in range(first, last):
            origin = self._origin(layout, position)
            shape = tuple(
                min(step, size - start)
                for step, size, start in zip(layout.chunk, self.shape, origin, strict=True)
            )
            for inner, part, _, _ in rectangles(shape, self.width, self.limits.piece_bytes):
                at = tuple(a + b for a, b in zip(origin, inner, strict=True))
                yield self._piece(at, part, b"", missing=True)

    def _cut(self, origin: tuple[int, ...], block: Record) -> Iterator[Piece]:
        """Pieces of a block of whole elements, last axis the bytes of one element."""
        leaf = block[..., self.leaf.offset : self.leaf.offset + self.width]
        shape = leaf.shape[:-1]
        for inner, part, _, _ in rectangles(shape, self.width, self.limits.piece_bytes):
            chosen = leaf[tuple(slice(s, s + n) for s, n in zip(inner, part, strict=True))]
            at = tuple(a + b for a, b in zip(origin, inner, strict=True))
            yield self._piece(at, part, np.ascontiguousarray(chosen).tobytes())

    def _piece(
        self, origin: tuple[int, ...], shape: tuple[int, ...], data: bytes, *, missing: bool = False
    ) -> Piece:
        extra = self.leaf.extra
        return Piece(origin + (0,) * len(extra), shape + extra, data, missing)

    def _failed(self, code: str, message: str) -> Piece:
        return Piece((), (), b"", problem=Problem(code, message, self.path))


@dataclass(frozen=True, slots=True)
class FixedTextPieces:
    """Texts of a fixed length: the leaf's bytes cut into one text per element."""

    inner: LeafPieces

    def __call__(self) -> Iterator[Piece]:
        """Read the dataset once."""
        size = self.inner.leaf.text_bytes
        for piece in self.inner():
            if piece.problem is not None or piece.missing:
                yield piece
                continue
            data = bytes(piece.data) if not isinstance(piece.data, list) else b""
            texts = [data[i : i + size].rstrip(b"\0") for i in range(0, len(data), size)]
            yield Piece(piece.origin, piece.shape, texts)


def variable_texts(
    dataset: Dataset, leaf: Leaf, shape: tuple[int, ...], limits: Limits
) -> list[bytes] | Problem:
    """All texts of variable length of one leaf; only the library knows where they lie.

    Args:
        dataset: of an untrusted file, in the jailed worker, whose memory limit holds for what the file says.
    """
    count = math.prod(shape) * math.prod(leaf.extra)
    if count * 16 > limits.text_bytes:
        return Problem("format.too_large", f"{count} texts, the limit is {limits.text_bytes // 16}")
    out: list[bytes] = []
    left = limits.text_bytes
    view: Any = dataset.fields(leaf.name) if leaf.name else dataset
    for origin, part, _, _ in rectangles(shape, 16, 16 * 1024):
        place = tuple(slice(s, s + n) for s, n in zip(origin, part, strict=True))
        for item in np.asarray(view[place], dtype=object).ravel():
            text = item if isinstance(item, bytes) else str(item).encode("utf-8", "surrogateescape")
            left -= len(text)
            if left < 0 or len(text) > limits.text_item_bytes:
                return Problem("format.too_large", f"texts longer than {limits.text_bytes} bytes together")
            out.append(text)
    return out
