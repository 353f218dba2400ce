"""Kernels on bytes: checksums, codecs, normalisation to L1, physical values, limits, bitmaps.

The reference is `_native.pyi`. All release the interpreter lock; none keeps state.
"""

from alloy_native._native import (
    Normalised,
    Normaliser,
    count_bits,
    crc32c,
    fletcher32,
    inflate,
    pack_bits,
    physical,
    range_quality,
    slice_bits,
    unpack_bits,
    unshuffle,
)

__all__ = [
    "Normalised",
    "Normaliser",
    "count_bits",
    "crc32c",
    "fletcher32",
    "inflate",
    "pack_bits",
    "physical",
    "range_quality",
    "slice_bits",
    "unpack_bits",
    "unshuffle",
]
