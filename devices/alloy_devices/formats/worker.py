"""The jailed end: one request, one file, then the process ends.

Runs in a forked, sealed child: the only things it can touch are the channel and the file's descriptor.
Blocking writes are the back-pressure: while the core does not read, nothing is decoded. Every module a file
may need is imported here, before the seal.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from alloy_transforms.record import Chunk, Descriptor
from alloy_transforms.sandbox.frames import read_frame, write_frame
from alloy_transforms.wire.cbor import encode_chunk, encode_descriptor, encode_manifest

from ..native import CodedError
from . import fits, hdf5, netcdf3
from .engine import Run, decode
from .model import FileFound, Limits, refuse
from .protocol import REPLY_BYTES_MAX, REQUEST_BYTES_MAX, failure, read_request

MAGIC_BYTES = 4096


def serve(channel_fd: int, fds: Sequence[int]) -> None:
    """Decode the one file behind `fds[0]` for the core at `channel_fd`."""
    body = read_frame(channel_fd, REQUEST_BYTES_MAX)
    if body is None:
        return
    try:
        run, limits = read_request(body)
        _decode(channel_fd, fds[0], run, limits)
    except CodedError as error:
        code = error.code if error.code.startswith("format.") else "format.malformed"
        text = {
            "what": error.what,
            "where": error.where,
            "got": error.got,
            "expected": error.expected,
            "hint": error.hint,
        }
        write_frame(channel_fd, failure(code, text))
    except MemoryError:
        write_frame(
            channel_fd, failure("format.memory", {"what": "the file needs more memory than it may have"})
        )


def _decode(channel_fd: int, fd: int, run: Run, limits: Limits) -> None:
    magic = os.pread(fd, MAGIC_BYTES, 0)
    if hdf5.can_open(magic):
        file = hdf5.open_file(fd)
        try:
            _send(channel_fd, hdf5.describe(file, fd, limits), run)
        finally:
            file.close()
    elif netcdf3.can_open(magic):
        _send(channel_fd, netcdf3.describe(fd, limits), run)
    elif fits.can_open(magic):
        _send(channel_fd, fits.describe(fd, limits), run)
    elif magic[:2] == b"\x1f\x8b":
        raise refuse(
            "not_yet", "gzip-compressed files are not read", hint="unpack the file before it is offered"
        )
    else:
        raise refuse(
            "not_recognised", "the file is no NetCDF, HDF5 or FITS file", got=f"starts with {magic[:8]!r}"
        )


def _send(channel_fd: int, found: FileFound, run: Run) -> None:
    descriptor: Descriptor | None = None
    for item in decode(found, run):
        if isinstance(item, Descriptor):
            descriptor = item
            kind, buffers = b"d", encode_descriptor(item)
        elif isinstance(item, Chunk):
            assert descriptor is not None
            kind, buffers = b"c", encode_chunk(item, descriptor)
        else:
            kind, buffers = b"m", encode_manifest(item, descriptor)
        size = sum(len(memoryview(part).cast("B")) for part in buffers)
        if size >= REPLY_BYTES_MAX:
            raise refuse("too_large", "the description of the file is too long", got=f"{size} bytes")
        write_frame(channel_fd, kind, *buffers)
