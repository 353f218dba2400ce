"""Checksums, inflate, unshuffle and bitmaps against zlib, numpy and published values."""

from __future__ import annotations

import gzip
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_native.errors import KernelError
from alloy_native.kernels import (
    count_bits,
    crc32c,
    fletcher32,
    inflate,
    pack_bits,
    slice_bits,
    unpack_bits,
    unshuffle,
)


@pytest.mark.parametrize(
    ("data", "crc"),
    [
        (b"", 0),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (b"123456789", 0xE3069283),
    ],
)
def test_crc32c_has_the_published_values(data: bytes, crc: int) -> None:  # RFC 3720 appendix B.4
    assert crc32c(data) == crc


@given(st.binary(max_size=3000), st.integers(0, 3000))
def test_crc32c_goes_on_where_it_stopped(data: bytes, cut: int) -> None:
    assert crc32c(data[cut:], crc32c(data[:cut])) == crc32c(data)


def plain_fletcher32(data: bytes) -> int:
    """The sums modulo 65535 as HDF5 has them: 0xFFFF stands for 0 once anything was added."""
    sum1 = sum2 = 0
    padded = data + b"\0" * (len(data) % 2)
    for i in range(0, len(padded), 2):
        sum1 += padded[i] << 8 | padded[i + 1]
        sum2 += sum1
    fold = [value % 65535 or (65535 if value else 0) for value in (sum1, sum2)]
    return fold[1] << 16 | fold[0]


@given(st.binary(max_size=3000))
def test_fletcher32_agrees_with_plain_sums(data: bytes) -> None:
    assert fletcher32(data) == plain_fletcher32(data)


@given(st.binary(max_size=2000), st.sampled_from((1, 2, 3, 4, 5, 8, 16)))
def test_unshuffle_undoes_a_shuffle(data: bytes, itemsize: int) -> None:
    n = len(data) // itemsize
    planes = np.frombuffer(data[: n * itemsize], "u1").reshape(n, itemsize).T.tobytes()

    assert unshuffle(planes + data[n * itemsize :], itemsize) == data


@given(st.binary(max_size=5000), st.integers(0, 9))
def test_inflate_agrees_with_zlib(data: bytes, level: int) -> None:
    raw = zlib.compressobj(level, wbits=-15)

    assert inflate(zlib.compress(data, level), len(data)) == data
    assert inflate(gzip.compress(data, level), len(data), "gzip") == data
    assert inflate(raw.compress(data) + raw.flush(), len(data), "raw") == data


@pytest.mark.parametrize(
    ("data", "size", "code"),
    [
        (zlib.compress(bytes(1000)), 999, "format.decode"),
        (zlib.compress(bytes(1000)), 1001, "format.decode"),
        (zlib.compress(bytes(1000))[:-1], 1000, "format.decode"),
        (b"\x78\x9c" + bytes(20), 100, "format.decode"),
        (b"", 1, "format.decompression_bomb"),
        (bytes(100), 100 * 1032 + 1, "format.decompression_bomb"),
        (bytes(1 << 20), (64 << 20) + 1, "format.too_large"),
    ],
)
def test_inflate_refuses_what_is_not_exactly_right(data: bytes, size: int, code: str) -> None:
    with pytest.raises(KernelError) as caught:
        inflate(data, size)

    assert caught.value.code == code


def test_a_flipped_bit_is_noticed_when_the_stream_has_a_checksum() -> None:
    stream = bytearray(zlib.compress(np.random.default_rng(1).bytes(500)))
    stream[250] ^= 4

    with pytest.raises(KernelError) as caught:
        inflate(stream, 500)

    assert caught.value.code == "format.decode"


@given(st.lists(st.booleans(), max_size=200), st.integers(0, 250), st.integers(0, 250))
def test_bitmaps_agree_with_numpy(flags: list[bool], start: int, n: int) -> None:
    array = np.array(flags, bool)
    bits = pack_bits(array.tobytes())

    assert bits == np.packbits(array, bitorder="little").tobytes()
    assert unpack_bits(bits, len(flags)) == array.tobytes()
    assert count_bits(bits, len(flags)) == int(array.sum())
    start = min(start, len(flags))
    part = array[start : start + n]
    assert slice_bits(bits, start, len(part)) == np.packbits(part, bitorder="little").tobytes()


def test_a_short_bitmap_is_refused() -> None:
    for call in (lambda: unpack_bits(b"\1", 9), lambda: slice_bits(b"\1", 1, 8), lambda: count_bits(b"", 1)):
        with pytest.raises(KernelError) as caught:
            call()
        assert caught.value.code == "format.length"
