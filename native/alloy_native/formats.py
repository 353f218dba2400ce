"""Structure of NetCDF classic and FITS files, and bounded reads by descriptor.

The reference is `_native.pyi`. A descriptor is read with pread only: its position is left alone, and nothing
opens a path. Every length a file declares is compared with the size of the file and with a limit before use.
"""

from alloy_native._native import (
    fits_checksum,
    fits_describe,
    fits_descriptors,
    nc3_describe,
    read_chunks,
    read_span,
    read_strided,
)
from alloy_native.structure import FitsColumn, FitsHdu, Nc3, Nc3Variable

__all__ = [
    "FitsColumn",
    "FitsHdu",
    "Nc3",
    "Nc3Variable",
    "fits_checksum",
    "fits_describe",
    "fits_descriptors",
    "nc3_describe",
    "read_chunks",
    "read_span",
    "read_strided",
]
