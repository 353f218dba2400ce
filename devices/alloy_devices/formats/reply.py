"""The core's end of a decoder's reply: nothing a worker says is believed before it is checked.

Each frame is decoded with bounds, then compared with what came before: order, identity, place inside the
array, checksum; the manifest must agree with every block that was seen. Sans I/O.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field

from alloy_transforms.errors import TransformError
from alloy_transforms.record import Chunk, Descriptor, Manifest, VariableSummary
from alloy_transforms.wire.cbor import decode_chunk, decode_descriptor, decode_manifest, sid
from alloy_transforms.wire.limits import Limits

from ..native import crc32c
from .engine import Run
from .protocol import REPLY_BYTES_MAX, malformed, read_failure

_LIMITS = Limits(message_bytes=REPLY_BYTES_MAX, nodes=1 << 18)


@dataclass(slots=True)
class _Seen:
    """What one variable has sent."""

    blocks: int = 0
    elements: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)


class Replies:
    """Turns frame bodies into records of one run; `done` after the manifest."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._descriptor: Descriptor | None = None
        self._sid = ""
        self._sizes: dict[str, int | None] = {}
        self._seen: dict[int, _Seen] = {}
        self.done = False

    def read(self, body: bytes) -> Descriptor | Chunk | Manifest:
        """The next record.

        Raises:
            FormatError: the error the worker ended with, or `format.protocol`.
        """
        kind = body[:1]
        if self.done:
            raise malformed("reply", "a frame after the end")
        if kind == b"e":
            self.done = True
            raise read_failure(body, self._run.source)
        try:
            if kind == b"d" and self._descriptor is None:
                return self._read_descriptor(body[1:])
            if kind == b"c" and self._descriptor is not None:
                return self._read_chunk(memoryview(body)[1:], self._descriptor)
            if kind == b"m" and self._descriptor is not None:
                return self._read_manifest(body[1:], self._descriptor)
        except TransformError as error:
            raise malformed("reply", f"{error.what} {error.got}"[:200]) from error
        raise malformed("reply", f"frame kind {kind!r}")

    def _read_descriptor(self, data: bytes) -> Descriptor:
        descriptor = decode_descriptor(data, _LIMITS)
        prov = descriptor.prov
        if (prov.source, prov.size, prov.mtime_ns) != (self._run.source, self._run.size, self._run.mtime_ns):
            raise malformed("descriptor", "provenance of another file")
        self._descriptor = descriptor
        self._sid = sid(descriptor)
        self._sizes = {dim.name: dim.size for dim in descriptor.dims}
        return descriptor

    def _read_chunk(self, data: memoryview, descriptor: Descriptor) -> Chunk:
        chunk = decode_chunk(data, descriptor, _LIMITS)
        if chunk.sid != self._sid or chunk.run != self._run.run or chunk.var >= len(descriptor.variables):
            raise malformed("chunk", "of another run")
        if (chunk.received_ns, chunk.clock) != (self._run.received_ns, self._run.clock):
            raise malformed("chunk", "of another receive time")
        seen = self._seen.setdefault(chunk.var, _Seen())
        if chunk.seq != seen.blocks:
            raise malformed("chunk", f"number {chunk.seq} after {seen.blocks} chunks")
        variable = descriptor.variables[chunk.var]
        if len(chunk.shape) != len(variable.dims):
            raise malformed("chunk", f"{len(chunk.shape)} dimensions for {variable.path}")
        for name, origin, size in zip(variable.dims, chunk.origin, chunk.shape, strict=True):
            length = self._sizes[name]
            if length is not None and origin + size > length:
                raise malformed("chunk", f"{origin} + {size} in dimension {name} of {length}")
        if crc32c(chunk.payload) != chunk.crc:
            raise malformed("chunk", "checksum")
        count = math.prod(chunk.shape)
        seen.blocks += 1
        seen.elements += count
        if isinstance(chunk.quality, bytes):
            seen.counts.update(chunk.quality)
        elif count:
            seen.counts[int(chunk.quality)] += count
        seen.digest.update(chunk.crc.to_bytes(4, "little"))
        return chunk

    def _read_manifest(self, data: bytes, descriptor: Descriptor) -> Manifest:
        manifest = decode_manifest(data, _LIMITS)
        if manifest.sid != self._sid or manifest.run != self._run.run:
            raise malformed("manifest", "of another run")
        if [each.var for each in manifest.variables] != list(range(len(descriptor.variables))):
            raise malformed("manifest", "it does not list every variable once")
        for summary in manifest.variables:
            self._compare(summary)
        self.done = True
        return manifest

    def _compare(self, summary: VariableSummary) -> None:
        seen = self._seen.get(summary.var, _Seen())
        if summary.blocks != seen.blocks or {int(q): n for q, n in summary.counts.items() if n} != {
            int(q): n for q, n in seen.counts.items() if n
        }:
            raise malformed("manifest", f"counts of variable {summary.var}")
        if summary.digest and summary.digest != seen.digest.hexdigest():
            raise malformed("manifest", f"digest of variable {summary.var}")
        if seen.blocks and not summary.digest:
            raise malformed("manifest", f"no digest of variable {summary.var}")
