"""One chunk through an element-wise transform: the numbers it gets, and the chunk its answers make.

A missing element stays missing with its reason. One that the transform refuses is missing with reason TRANSFORM,
one it leaves out with ABSENT. Otherwise the worse of both qualities counts and all reasons are kept. Pure.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import add
from typing import Final

from alloy_agent.native import kernels
from alloy_devices.formats.model import PIECE_BYTES, rectangles
from alloy_transforms.record import DTYPES, Chunk, Level, Quality, Reason, Statistics, Variable
from alloy_transforms.sandbox.contract import Field

NUMBERS: Final = frozenset({"i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"})
"""dtypes whose elements a transform can take."""

# The worse of two qualities is the union of these bits.
_QUALITIES = (Quality.PASS, Quality.NOT_EVALUATED, Quality.SUSPECT, Quality.FAIL, Quality.MISSING)
_BITS = bytes((0, 1, 3, 7, 15))
_TO_BITS = bytes.maketrans(bytes(_QUALITIES), _BITS)
_FROM_BITS = bytes.maketrans(_BITS, bytes(_QUALITIES))
_ALL_ONES = bytes.maketrans(b"\1", b"\xff")
_NOT = bytes.maketrans(b"\0\1", b"\1\0")


def physical(chunk: Chunk, variable: Variable) -> bytes:
    """The elements as little-endian f8, the numbers a receiver makes of them; 0 bytes for an empty chunk."""
    if chunk.level is Level.PHYSICAL:
        dtype = variable.pack.out if variable.pack is not None else variable.dtype
        return chunk.payload if dtype == "f8" else kernels.physical(chunk.payload, dtype)
    pack = variable.pack
    if pack is None:
        return chunk.payload if variable.dtype == "f8" else kernels.physical(chunk.payload, variable.dtype)
    if pack.exp10 is not None:
        return kernels.physical(chunk.payload, variable.dtype, exp10=pack.exp10)
    out = "f4" if pack.out == "f4" else "f8"
    values = kernels.physical(chunk.payload, variable.dtype, scale=pack.scale, offset=pack.offset, out=out)
    return values if out == "f8" else kernels.physical(values, "f4")  # exact: the value itself has 32 bits


def pieces(chunk: Chunk, variable: Variable) -> Iterator[Chunk]:
    """The chunk in rectangles that take no more than a message may once each element is an f8."""
    if 8 * math.prod(chunk.shape) <= PIECE_BYTES:
        yield chunk
        return
    dtype = (
        variable.dtype if chunk.level is not Level.PHYSICAL or variable.pack is None else variable.pack.out
    )
    size = DTYPES[dtype]
    for origin, shape, first, n in rectangles(chunk.shape, 8, PIECE_BYTES):
        quality, reasons, payload = (
            chunk.quality,
            chunk.reasons,
            chunk.payload[first * size : (first + n) * size],
        )
        yield replace(
            chunk,
            origin=tuple(map(add, chunk.origin, origin)),
            shape=shape,
            payload=payload,
            raw_bytes=len(payload),
            validity=None if chunk.validity is None else kernels.slice_bits(chunk.validity, first, n),
            quality=quality if isinstance(quality, int) else quality[first : first + n],
            reasons=reasons if isinstance(reasons, int) else reasons[2 * first : 2 * (first + n)],
        )


class Answers:
    """The answers for the elements of one chunk, collected batch by batch.

    Args:
        n: elements of the chunk.
        validity: which of them have a value, as in the chunk.
    """

    def __init__(self, n: int, validity: bytes | None) -> None:
        self.n = n
        self._given = validity
        self._values = bytearray(8 * n)
        self._there = bytearray(b"\1") * n
        self._whole = validity is None  # until an element has no answer
        self._refused: list[int] = []

    def add(self, start: int, stop: int, src: Sequence[int], values: bytes, validity: bytes | None) -> None:
        """The answers for elements `start` to `stop`.

        Args:
            src: per row the element it answers, from `start`; elements without a row were refused.
            values: one f8 per row.
            validity: which rows have a value.
        """
        rows = len(values) // 8
        flags = b"\1" * rows if validity is None else kernels.unpack_bits(validity, rows)
        if rows == stop - start:
            self._values[8 * start : 8 * stop] = values
            self._there[start:stop] = flags
            self._whole = self._whole and validity is None
            return
        self._whole = False
        self._there[start:stop] = bytes(stop - start)
        there = bytearray(stop - start)
        for row, at in enumerate(src):
            there[at] = 1
            place = start + at
            self._values[8 * place : 8 * place + 8] = values[8 * row : 8 * row + 8]
            self._there[place] = flags[row]
        self._refused += [start + at for at, found in enumerate(there) if not found]

    def chunk(self, source: Chunk, sid: str, var: int, seq: int, field: Field) -> Chunk:
        """The chunk of the derived variable, at the place of its source.

        Args:
            sid: of the descriptor that has both.
            var: index of the derived variable.
            seq: number of the chunk.
            field: of OUTPUT; its `range` gives quality 4.
        """
        rule = kernels.Normaliser("f8", valid=field.range, valid_physical=True)
        if self._whole and isinstance(source.quality, int) and isinstance(source.reasons, int):
            done = rule.normalise(self._values, quality=source.quality, reasons=source.reasons)
            quality, reasons = done.quality, done.reasons
        else:
            if self._given is not None:  # what is missing stays missing, whatever a worker says
                self._there = bytearray(_both(self._there, kernels.unpack_bits(self._given, self.n)))
            data = kernels.physical(self._values, "f8", validity=kernels.pack_bits(self._there))
            done = rule.normalise(data)
            quality, reasons = self._marks(source, done)
        stats = Statistics(done.n_valid, done.minimum, done.maximum, done.mean)
        if isinstance(quality, bytes) and quality.count(Quality.FAIL) != done.counts.get(Quality.FAIL, 0):
            stats = _statistics(done.values, quality)
        return Chunk(
            sid=sid,
            run=source.run,
            var=var,
            seq=seq,
            origin=source.origin,
            shape=source.shape,
            level=Level.PHYSICAL,
            payload=done.values,
            crc=kernels.crc32c(done.values),
            raw_bytes=len(done.values),
            validity=done.validity,
            quality=quality,
            reasons=reasons,
            stats=stats,
            received_ns=source.received_ns,
            clock=source.clock,
        )

    def _marks(self, source: Chunk, done: kernels.Normalised) -> tuple[bytes, bytes]:
        """Quality and reasons of each element: those of the source and what is new."""
        n = self.n
        before = source.quality if isinstance(source.quality, bytes) else bytes((source.quality,)) * n
        found = done.quality if isinstance(done.quality, bytes) else bytes((done.quality,)) * n
        quality = _either(before.translate(_TO_BITS), found.translate(_TO_BITS)).translate(_FROM_BITS)
        given = bytes(b"\1" * n) if self._given is None else kernels.unpack_bits(self._given, n)
        own = _reasons(done.reasons, n)
        masked = array("H", _both(own, _wide(self._there)))
        absent = _both(given, self._there.translate(_NOT))
        at = absent.find(1)
        while at >= 0:
            masked[at] = Reason.ABSENT
            at = absent.find(1, at + 1)
        for at in self._refused:
            masked[at] = Reason.TRANSFORM if given[at] else 0
        return quality, _either(_reasons(source.reasons, n), masked.tobytes())


def count(chunk: Chunk) -> dict[int, int]:
    """Quality -> elements, for the manifest."""
    if isinstance(chunk.quality, bytes):
        return {q: n for q in map(int, _QUALITIES) if (n := chunk.quality.count(q))}
    n = math.prod(chunk.shape)
    return {int(chunk.quality): n} if n else {}


def _statistics(values: bytes, quality: bytes) -> Statistics:
    """Over the elements of quality 1-3 only."""
    good = quality.translate(bytes.maketrans(bytes(_QUALITIES), b"\1\1\1\0\0"))
    done = kernels.Normaliser("f8").normalise(
        kernels.physical(values, "f8", validity=kernels.pack_bits(good))
    )
    return Statistics(done.n_valid, done.minimum, done.maximum, done.mean)


def _reasons(reasons: int | bytes, n: int) -> bytes:
    return reasons if isinstance(reasons, bytes) else int(reasons).to_bytes(2, "little") * n


def _wide(flags: bytearray) -> bytes:
    """0/1 bytes -> a u2 of zeros or ones each."""
    ones = flags.translate(_ALL_ONES)
    out = bytearray(2 * len(ones))
    out[::2] = out[1::2] = ones
    return bytes(out)


def _either(a: bytes | bytearray, b: bytes | bytearray) -> bytes:
    return (int.from_bytes(a, "little") | int.from_bytes(b, "little")).to_bytes(len(a), "little")


def _both(a: bytes | bytearray, b: bytes | bytearray) -> bytes:
    return (int.from_bytes(a, "little") & int.from_bytes(b, "little")).to_bytes(len(a), "little")
