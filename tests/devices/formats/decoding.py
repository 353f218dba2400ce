"""Decode files through the real jailed decoder, as a pipeline does, and keep everything it sent."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import trio
from numpy.typing import NDArray

from alloy_agent.workers.decoder import DecoderLimits, DecoderPool
from alloy_devices.source import FileInput
from alloy_native import CodedError
from alloy_transforms.record import Chunk, ClockState, Descriptor, Manifest, Variable

NUMPY = {"bool": "?", "c8": "<c8", "c16": "<c16"}


@dataclass(slots=True)
class Decoded:
    """One file: what came, or the error that ended it."""

    descriptor: Descriptor | None = None
    chunks: list[Chunk] = field(default_factory=list)
    manifest: Manifest | None = None
    error: CodedError | None = None

    @property
    def codes(self) -> set[str]:
        """Every code the file was answered with."""
        found = {code for code, _ in self.manifest.errors} if self.manifest is not None else set()
        return found | ({self.error.code} if self.error is not None else set())

    def code_of(self, path: str) -> str:
        """The code of one variable; "" when its values are here."""
        assert self.descriptor is not None
        assert self.manifest is not None
        index = [v.path for v in self.descriptor.variables].index(path)
        return self.manifest.variables[index].error

    def variable(self, path: str) -> Variable | None:
        """The variable at `path`."""
        assert self.descriptor is not None
        return next((v for v in self.descriptor.variables if v.path == path), None)

    def of(self, path: str) -> list[Chunk]:
        """The chunks of one variable."""
        assert self.descriptor is not None
        index = [v.path for v in self.descriptor.variables].index(path)
        return [chunk for chunk in self.chunks if chunk.var == index]


@dataclass(frozen=True, slots=True)
class Array:
    """The delivered values of one variable, put together; `physical` where it is a number."""

    stored: NDArray[np.generic]
    physical: NDArray[np.generic]
    quality: NDArray[np.uint8]
    reasons: NDArray[np.uint16]
    texts: list[bytes]


def input_of(path: Path) -> FileInput:
    """A file as the watched folder would offer it."""
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    found = os.fstat(fd)
    return FileInput(
        fd, path.name, found.st_size, found.st_mtime_ns, 1_700_000_000_000_000_000, ClockState.NTP, _ignore
    )


def _ignore(_: str) -> None:
    return None


def decode_files(paths: Sequence[Path], limits: DecoderLimits | None = None) -> dict[str, Decoded]:
    """Decode files one after the other with one pool."""

    async def main() -> dict[str, Decoded]:
        out: dict[str, Decoded] = {}
        async with trio.open_nursery() as nursery:
            pool = DecoderPool(nursery, limits)
            for path in paths:
                out[path.name] = await decode_one(pool, path)
            await pool.aclose()
            nursery.cancel_scope.cancel()
        return out

    return trio.run(main)


async def decode_one(pool: DecoderPool, path: Path) -> Decoded:
    """Decode one file with a running pool."""
    done = Decoded()
    given = input_of(path)
    try:
        async with pool.decode(given, run="run1") as items:
            async for item in items:
                if isinstance(item, Descriptor):
                    done.descriptor = item
                elif isinstance(item, Chunk):
                    done.chunks.append(item)
                else:
                    done.manifest = item
    except CodedError as error:
        done.error = error
    finally:
        os.close(given.fd)
    return done


def array_of(done: Decoded, path: str) -> Array:
    """Put the chunks of one variable together in the order they were sent, flat."""
    variable = done.variable(path)
    assert variable is not None
    stored: list[NDArray[np.generic]] = []
    quality: list[NDArray[np.uint8]] = []
    reasons: list[NDArray[np.uint16]] = []
    texts: list[bytes] = []
    for chunk in done.of(path):
        n = math.prod(chunk.shape)
        if variable.dtype in ("utf8", "bytes"):
            offsets = np.frombuffer(chunk.payload[: 4 * (n + 1)], "<u4")
            arena = chunk.payload[4 * (n + 1) :]
            texts += [arena[a:b] for a, b in pairwise(offsets)]
        else:
            stored.append(np.frombuffer(chunk.payload, NUMPY.get(variable.dtype, "<" + variable.dtype)))
            assert stored[-1].size == n
        same = isinstance(chunk.quality, int)
        quality.append(
            np.full(n, chunk.quality, np.uint8) if same else np.frombuffer(chunk.quality, np.uint8)
        )  # type: ignore[arg-type]
        same = isinstance(chunk.reasons, int)
        reasons.append(np.full(n, chunk.reasons, np.uint16) if same else np.frombuffer(chunk.reasons, "<u2"))  # type: ignore[arg-type]
    empty = np.zeros(
        0,
        NUMPY.get(variable.dtype, "<" + variable.dtype)
        if not texts and variable.dtype not in ("utf8", "bytes")
        else "u1",
    )
    whole = np.concatenate(stored) if stored else empty
    physical: NDArray[np.generic] = whole
    pack = variable.pack
    if pack is not None and (pack.scale, pack.offset) != (1.0, 0.0):
        physical = (whole.astype("f8") * pack.scale + pack.offset).astype(pack.out)  # type: ignore[arg-type]
    return Array(
        whole,
        physical,
        np.concatenate(quality) if quality else np.zeros(0, np.uint8),
        np.concatenate(reasons) if reasons else np.zeros(0, np.uint16),
        texts,
    )
