"""Stored chunks of real HDF5 files: h5py says where they are, we read and decode them, numpy compares."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest

from alloy_native.errors import FormatError
from alloy_native.formats import read_chunks, read_span, read_strided

NAMES = {
    h5py.h5z.FILTER_DEFLATE: "deflate",
    h5py.h5z.FILTER_SHUFFLE: "shuffle",
    h5py.h5z.FILTER_FLETCHER32: "fletcher32",
}


def stored(dataset: h5py.Dataset) -> tuple[list[tuple[int, int, int]], list[str], int]:
    plist = dataset.id.get_create_plist()
    names = [NAMES[plist.get_filter(i)[0]] for i in range(plist.get_nfilters())]
    chunks: list[tuple[int, int, int]] = []
    dataset.id.chunk_iter(lambda info: chunks.append((info.byte_offset, info.size, info.filter_mask)))
    return chunks, names, int(np.prod(dataset.chunks)) * dataset.dtype.itemsize


@pytest.mark.parametrize("fletcher32", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("compression", [None, "gzip"])
@pytest.mark.parametrize("dtype", ["<i2", ">i4", "<f8"])
def test_chunks_decode_to_what_h5py_wrote(
    tmp_path: Path, dtype: str, compression: str | None, shuffle: bool, fletcher32: bool
) -> None:
    data = np.random.default_rng(1).integers(0, 999, 4000).astype(dtype)
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        made = file.create_dataset(
            "d", data=data, chunks=(1000,), compression=compression, shuffle=shuffle, fletcher32=fletcher32
        )
        chunks, names, size = stored(made)

    with path.open("rb") as file:
        parts = read_chunks(file.fileno(), chunks, names, data.itemsize, size)

    assert b"".join(p for p in parts if isinstance(p, bytes)) == data.tobytes()


def test_a_wrong_sum_costs_one_chunk_only(shared_data: Path) -> None:
    path = shared_data / "science/bad/fletcher32_wrong.h5"
    with h5py.File(path) as file:
        chunks, names, size = stored(file["damaged"])
        itemsize = file["damaged"].dtype.itemsize

    with path.open("rb") as file:
        parts = read_chunks(file.fileno(), chunks, names, itemsize, size)

    errors = [part for part in parts if isinstance(part, FormatError)]
    assert [error.code for error in errors] == ["format.checksum_mismatch"]
    assert errors[0].context["offset"] == chunks[parts.index(errors[0])][0]


@pytest.mark.parametrize(
    ("filters", "itemsize", "size", "code"),
    [
        (["deflate", "deflate"], 1, 10, "format.filter"),
        (["lzf"], 1, 10, "format.filter"),
        (["deflate"], 1, (64 << 20) + 1, "format.too_large"),
        (["shuffle"], 0, 10, "format.length"),
    ],
)
def test_a_chain_that_cannot_be_honest_is_refused(
    tmp_path: Path, filters: list[str], itemsize: int, size: int, code: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(100))

    with path.open("rb") as file, pytest.raises(FormatError) as caught:
        read_chunks(file.fileno(), [(0, 100, 0)], filters, itemsize, size)

    assert caught.value.code == code


@pytest.mark.parametrize(
    ("chunk", "filters", "size", "code"),
    [
        ((90, 20, 0), ["deflate"], 10, "format.truncated"),
        ((2**64 - 1, 20, 0), ["deflate"], 10, "format.truncated"),
        ((0, 20, 0), ["deflate"], 20 * 1032 + 1, "format.decompression_bomb"),
        ((0, 20, 0), ["deflate"], 10, "format.decode"),
        ((0, 20, 0), ["shuffle"], 10, "format.header_lie"),
        ((0, 2, 0), ["deflate", "fletcher32"], 10, "format.truncated"),
    ],
)
def test_a_bad_chunk_is_an_error_in_its_place(
    tmp_path: Path, chunk: tuple[int, int, int], filters: list[str], size: int, code: str
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"\x07" * 100)

    with path.open("rb") as file:
        (part,) = read_chunks(file.fileno(), [chunk], filters, 1, size)

    assert isinstance(part, FormatError)
    assert part.code == code


def test_a_filter_is_left_out_when_the_mask_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(64)) + zlib.compress(bytes(64)))

    with path.open("rb") as file:
        parts = read_chunks(file.fileno(), [(0, 64, 0b11)], ["shuffle", "deflate"], 2, 64)

    assert parts == [bytes(range(64))]


@pytest.mark.parametrize(("stride", "width"), [(4, 4), (12, 4), (1000, 8), (40_000, 16), (70_000, 65_536)])
def test_strided_reads_gather_what_slicing_does(tmp_path: Path, stride: int, width: int) -> None:
    count = 60
    data = np.random.default_rng(2).bytes(7 + (count - 1) * stride + width)
    path = tmp_path / "a"
    path.write_bytes(data)

    with path.open("rb") as file:
        got = read_strided(file.fileno(), 7, count, stride, width)
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 0

    assert got == b"".join(data[7 + i * stride : 7 + i * stride + width] for i in range(count))


def test_reads_past_the_end_are_refused_before_they_begin(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(bytes(100))
    with path.open("rb") as file:
        fd = file.fileno()
        for call, code in (
            (lambda: read_span(fd, 90, 11), "format.truncated"),
            (lambda: read_span(fd, 2**64 - 1, 2), "format.truncated"),
            (lambda: read_span(fd, 0, 2**40), "format.too_large"),
            (lambda: read_strided(fd, 0, 11, 10, 10), "format.truncated"),
            (lambda: read_strided(fd, 0, 2**63, 2**63, 2), "format.too_large"),
            (lambda: read_strided(fd, 0, 1, 1, 2), "format.length"),
        ):
            with pytest.raises(FormatError) as caught:
                call()
            assert caught.value.code == code
        assert read_span(fd, 100, 0) == b""
        assert read_strided(fd, 4096, 0, 10, 10) == b""


def test_a_pipe_is_no_file() -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(FormatError) as caught:
            read_span(reader, 0, 1)
    finally:
        os.close(reader)
        os.close(writer)

    assert caught.value.code == "format.io"
