"""Where the bytes of one HDF5 dataset lie; every offset and size is checked against the file and the limits.

The library only describes. What it says comes from an untrusted file, so it is treated as hostile: chunks must
lie inside the file and may not overlap, and the inflated size is known before anything is read.

Source: HDF5 File Format Specification 3.0, sections III.A (chunk index), IV.A.2.i (layout), IV.A.2.l (filters).
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass

import numpy as np
from h5py import h5d, h5s, h5z

from .model import Limits, Problem

FILTERS = {h5z.FILTER_DEFLATE: "deflate", h5z.FILTER_SHUFFLE: "shuffle", h5z.FILTER_FLETCHER32: "fletcher32"}
_NAMES = {
    4: "szip",
    5: "nbit",
    6: "scaleoffset",
    305: "lzo",
    307: "bzip2",
    32000: "lzf",
    32001: "blosc",
    32004: "lz4",
    32008: "bitshuffle",
    32013: "zfp",
    32015: "zstd",
    32026: "blosc2",
}


@dataclass(frozen=True, slots=True)
class Flat:
    """Contiguous storage at `offset` [B]."""

    offset: int


@dataclass(frozen=True, slots=True)
class Inline:
    """Compact storage: the bytes themselves, at most 64 KiB."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Unstored:
    """Nothing was ever written."""


@dataclass(frozen=True, slots=True)
class Chunked:
    """Chunk index, sorted by row-major position.

    Attributes:
        chunk: elements of one chunk along each axis.
        grid: chunks along each axis.
        filters: names in the order they were applied when writing.
        position, offset, stored, mask: one entry per stored chunk: linear position in the grid, file offset [B],
            stored bytes, filters left out (bit i = filter i).
    """

    chunk: tuple[int, ...]
    grid: tuple[int, ...]
    filters: tuple[str, ...]
    position: array[int]
    offset: array[int]
    stored: array[int]
    mask: array[int]


Layout = Flat | Inline | Unstored | Chunked


def layout_of(
    dataset: h5d.DatasetID, shape: tuple[int, ...], item_bytes: int, file_bytes: int, limits: Limits
) -> Layout | Problem:
    """Where the elements lie, or why they are not read.

    Args:
        dataset: of an untrusted file.
        item_bytes: bytes of one stored element.
        file_bytes: size of the file.
    """
    plist = dataset.get_create_plist()
    if plist.get_external_count() > 0:
        return Problem("format.outside_reference", "raw data lie in another file")
    kind = plist.get_layout()
    if kind == h5d.VIRTUAL:
        return Problem("format.outside_reference", "a virtual dataset takes its data from other datasets")
    total = item_bytes
    for size in shape:
        total *= size
    if kind == h5d.COMPACT:
        return _inline(dataset, shape, item_bytes, total)
    if kind == h5d.CONTIGUOUS:
        offset = dataset.get_offset()
        if offset is None or dataset.get_storage_size() == 0:
            return _unstored(total, limits)
        if offset + total > file_bytes:
            return Problem("format.header_lie", f"{total} bytes at {offset} in a file of {file_bytes}")
        return Flat(int(offset))
    if kind != h5d.CHUNKED:
        return Problem("format.not_yet", f"layout class {kind}")
    chunk = tuple(int(c) for c in plist.get_chunk())
    chunk_bytes = item_bytes
    for size in chunk:
        chunk_bytes *= size
    filters = _filters([plist.get_filter(i) for i in range(plist.get_nfilters())])
    if isinstance(filters, Problem):
        return filters
    if chunk_bytes > limits.chunk_bytes:
        return Problem(
            "format.chunk_too_large", f"chunks of {chunk_bytes} bytes, the limit is {limits.chunk_bytes}"
        )
    if dataset.get_storage_size() == 0:
        return _unstored(total, limits)
    return _index(dataset, shape, chunk, chunk_bytes, filters, file_bytes, limits)


def _unstored(total: int, limits: Limits) -> Layout | Problem:
    if total > limits.unstored_bytes:
        return Problem("format.too_large", f"{total} bytes declared, 0 stored")
    return Unstored()


def _inline(dataset: h5d.DatasetID, shape: tuple[int, ...], item_bytes: int, total: int) -> Layout | Problem:
    if total > 64 * 1024:
        return Problem("format.header_lie", f"compact storage of {total} bytes")
    holder = np.zeros(shape, dtype=f"V{item_bytes}")
    dataset.read(h5s.ALL, h5s.ALL, holder, mtype=dataset.get_type())
    return Inline(holder.tobytes())


def _filters(chain: list[tuple[int, int, tuple[int, ...], bytes]]) -> tuple[str, ...] | Problem:
    names: list[str] = []
    for code, _, _, name in chain:
        known = FILTERS.get(code)
        if known is None:
            called = _NAMES.get(code) or name.decode("ascii", "backslashreplace")[:40]
            return Problem("format.not_yet", f"filter {code} ({called}) is not read")
        if known in names:
            return Problem("format.decompression_bomb", f"filter `{known}` stands twice in the chain")
        names.append(known)
    if names != sorted(names, key=("shuffle", "deflate", "fletcher32").index):
        return Problem("format.not_yet", f"filters in the order {', '.join(names)}")
    return tuple(names)


def _index(
    dataset: h5d.DatasetID,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    chunk_bytes: int,
    filters: tuple[str, ...],
    file_bytes: int,
    limits: Limits,
) -> Layout | Problem:
    grid = tuple(-(-size // step) for size, step in zip(shape, chunk, strict=True))
    rows: list[array[int]] = [array("q"), array("q"), array("q"), array("q")]
    wrong: list[Problem] = []

    def note(info: h5d.StoreInfo) -> bool | None:
        # Any answer but None ends the walk without an error: h5py's contract.
        problem = _check(info, shape, chunk, chunk_bytes, bool(filters), file_bytes, limits)
        if problem is None and len(rows[0]) >= limits.chunks:
            problem = Problem("format.too_many", f"more than {limits.chunks} chunks")
        if problem is not None:
            wrong.append(problem)
            return True
        at = 0
        for start, step, count in zip(info.chunk_offset, chunk, grid, strict=True):
            at = at * count + start // step
        for column, value in zip(rows, (at, info.byte_offset, info.size, info.filter_mask), strict=True):
            column.append(int(value))
        return None

    dataset.chunk_iter(note)
    if wrong:
        return wrong[0]
    columns = [np.frombuffer(c, dtype=np.int64) if len(c) else np.zeros(0, np.int64) for c in rows]
    by_place = np.argsort(columns[1], kind="stable")
    ends = columns[1][by_place] + columns[2][by_place]
    if np.any(ends[:-1] > columns[1][by_place][1:]):
        return Problem("format.malformed", "stored chunks overlap")
    order = np.argsort(columns[0], kind="stable")
    if np.any(np.diff(columns[0][order]) == 0):
        return Problem("format.malformed", "one chunk is stored twice")
    done = [array("q", c[order].tobytes()) for c in columns]
    return Chunked(chunk, grid, filters, *done)


def _check(
    info: h5d.StoreInfo,
    shape: tuple[int, ...],
    chunk: tuple[int, ...],
    chunk_bytes: int,
    filtered: bool,
    file_bytes: int,
    limits: Limits,
) -> Problem | None:
    where = f"chunk at {tuple(info.chunk_offset)}"
    for start, size, step in zip(info.chunk_offset, shape, chunk, strict=True):
        if start >= size or start % step:
            return Problem("format.malformed", f"{where} lies outside the array")
    if info.byte_offset < 0 or info.size <= 0 or info.byte_offset + info.size > file_bytes:
        return Problem(
            "format.header_lie", f"{where}: {info.size} bytes at {info.byte_offset} lie past the file"
        )
    if not filtered and info.size != chunk_bytes:
        return Problem("format.header_lie", f"{where}: {info.size} bytes stored, {chunk_bytes} needed")
    if info.size > 2 * chunk_bytes + 4096:
        return Problem("format.header_lie", f"{where}: {info.size} bytes stored for {chunk_bytes}")
    if chunk_bytes > limits.expansion * info.size:
        return Problem(
            "format.decompression_bomb",
            f"{where}: {info.size} bytes become {chunk_bytes}, the limit is {limits.expansion}:1",
        )
    return None
