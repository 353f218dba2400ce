"""The one door of this package to `alloy_native`."""

from typing import TYPE_CHECKING

import alloy_native
from alloy_native import CodedError, NativeError
from alloy_native.formats import (
    fits_checksum,
    fits_describe,
    fits_descriptors,
    nc3_describe,
    read_chunks,
    read_span,
    read_strided,
)
from alloy_native.kernels import Normalised, Normaliser, crc32c, pack_bits, unpack_bits

if TYPE_CHECKING:
    from alloy_native.formats import FitsColumn, FitsHdu, Nc3, Nc3Variable

_WANTED_ABI = 1

if alloy_native.ABI != _WANTED_ABI:
    raise ImportError(
        f"alloy-native has interface {alloy_native.ABI}, this package needs {_WANTED_ABI}; "
        "install both distributions from the same release"
    )

__all__ = [
    "CodedError",
    "FitsColumn",
    "FitsHdu",
    "NativeError",
    "Nc3",
    "Nc3Variable",
    "Normalised",
    "Normaliser",
    "crc32c",
    "fits_checksum",
    "fits_describe",
    "fits_descriptors",
    "nc3_describe",
    "pack_bits",
    "read_chunks",
    "read_span",
    "read_strided",
    "unpack_bits",
]
