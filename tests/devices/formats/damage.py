"""Judges what a damaged file was answered with, piece by piece, against what the whole file holds."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from tests.devices.formats.decoding import NUMPY, Decoded
from tests.devices.formats.variants import Variant

from alloy_native import CodedError
from alloy_transforms.record import Chunk, Descriptor, Manifest

WIDTHS = {"bool": 1, "c8": 8, "c16": 16, **{f"{k}{n}": n for k in "iuf" for n in (1, 2, 4, 8)}}  # bytes
PLAIN = (b"CDF\x01", b"CDF\x02", b"CDF\x05")  # classic NetCDF: no compression, no checksum


class Whole:
    """A good file, decoded."""

    def __init__(self, data: bytes, done: Decoded) -> None:
        self.descriptor = done.descriptor
        self.chunks = {}
        for chunk in done.chunks:
            assert done.descriptor is not None
            variable = done.descriptor.variables[chunk.var]
            self.chunks[variable.path, chunk.origin] = variable.dtype, chunk
        self.values_begin = self._values_begin(data)

    def _values_begin(self, data: bytes) -> int:
        """An offset from which on a classic file holds values only; its end where that is not known."""
        found = [len(data)]
        for dtype, chunk in self.chunks.values():
            if data.startswith(PLAIN) and WIDTHS.get(dtype) and len(chunk.payload) >= 64:
                stored = np.frombuffer(chunk.payload, NUMPY.get(dtype, "<" + dtype)).byteswap().tobytes()
                found.append(data.find(stored) if stored in data else len(data))
        return min(found)


@dataclass
class Judge:
    """Takes the items of one variant; `faults` is what no variant may be answered with."""

    variant: Variant
    whole: Whole
    faults: list[str] = field(default_factory=list)
    code: str = ""
    _descriptor: Descriptor | None = None
    _ended: bool = False
    _changed: int = 0

    def item(self, item: Descriptor | Chunk | Manifest) -> None:
        """The next piece."""
        if isinstance(item, Descriptor):
            self._descriptor = item
        elif isinstance(item, Chunk):
            self._chunk(item)
        else:
            self._ended = True

    def error(self, error: CodedError) -> None:
        """How it ended instead of a manifest."""
        self._ended = True
        self.code = error.code
        if not error.code.startswith("format."):
            self._fault(f"the core's code {error.code}: {error}")

    def close(self) -> None:
        """The file is over."""
        if not self._ended:
            self._fault("neither an answer nor a code")
        flipped = self.variant.flipped
        other = _form(self._descriptor) != _form(self.whole.descriptor) or self._changed > len(flipped)
        if not self.code and flipped and min(flipped) >= self.whole.values_begin and other:
            self._fault(f"{self._changed} bytes of values changed, {len(flipped)} of the file")

    def _chunk(self, chunk: Chunk) -> None:
        if self._descriptor is None:
            self._fault("a chunk without a descriptor")
            return
        variable = self._descriptor.variables[chunk.var]
        width = WIDTHS.get(variable.dtype, 0)
        if width and len(chunk.payload) != math.prod(chunk.shape) * width:
            self._fault(f"{variable.path}: {len(chunk.payload)} bytes for {chunk.shape} of {variable.dtype}")
        dtype, original = self.whole.chunks.get((variable.path, chunk.origin), ("", None))
        if original is None or dtype != variable.dtype or not width:
            return
        if not self.variant.flipped and chunk.shape[1:] == original.shape[1:]:
            common = min(len(chunk.payload), len(original.payload))
            if chunk.payload[:common] != original.payload[:common]:
                self._fault(f"{variable.path} at {chunk.origin}: other values than the whole file has")
        elif chunk.shape == original.shape and chunk.payload != original.payload:
            new, old = (np.frombuffer(c.payload, np.uint8) for c in (chunk, original))
            self._changed += int(np.count_nonzero(new != old))

    def _fault(self, text: str) -> None:
        self.faults.append(f"{self.variant.label}: {text}")


def _form(descriptor: Descriptor | None) -> object:
    """What is described; not the file's time and size, nor types: a text with a bad character is bytes."""
    return descriptor and (descriptor.dims, [(v.path, v.dims) for v in descriptor.variables])
