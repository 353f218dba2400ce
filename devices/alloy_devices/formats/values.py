"""Stored bytes of one variable -> what a chunk carries: payload, validity, quality, reasons, statistics.

The numbers go through the compiled normaliser; here is only what it does not know: booleans, FITS logicals,
complex numbers, half floats and texts.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from alloy_transforms.record import MissingRule, Quality, Reason, Statistics

from ..native import Normalised, Normaliser, pack_bits, unpack_bits
from .model import Found, Piece
from .texts import payload as text_payload

_LOGICAL = bytes(1 if b == ord("T") else 0 if b == ord("F") else 255 for b in range(256))
_NO_255 = bytes(0 if b == 255 else b for b in range(256))
_ABSENT = 255


@dataclass(frozen=True, slots=True)
class Values:
    """The values of one piece, in the fields of `record.Chunk`."""

    payload: bytes
    validity: bytes | None
    quality: int | bytes
    reasons: int | bytes
    stats: Statistics
    counts: Mapping[int, int]


class Reader:
    """The rules of one variable, applied to its pieces."""

    def __init__(self, found: Found) -> None:
        self._found = found
        element, rules, variable = found.element, found.rules, found.variable
        self._floor = int(Quality.SUSPECT if rules.suspect else Quality.PASS)
        self._mask = int(rules.suspect)
        self._normaliser: Normaliser | None = None
        if element is None:
            return
        missing = variable.missing or MissingRule()
        pack = variable.pack
        scaled = pack is not None and (pack.scale, pack.offset) != (1.0, 0.0)
        self._normaliser = Normaliser(
            _kernel_dtype(element.kind, element.size),
            big_endian=element.big and element.kind != "b" and not _is_half(found),
            unsigned=rules.unsigned,
            fills=(_ABSENT,) if rules.logical else _before_offset(found, missing.fills),
            missing_values=missing.missing_values,
            implicit=missing.implicit,
            valid=rules.physical_limits or missing.valid,
            valid_physical=rules.physical_limits is not None,
            scale=pack.scale if pack is not None else 1.0,
            offset=pack.offset if pack is not None else 0.0,
            out=pack.out if scaled and pack is not None else "f8",
        )

    def values(self, piece: Piece) -> Values:
        """Normalise one piece that has data."""
        if isinstance(piece.data, list):
            return self._texts(piece.data)
        assert self._normaliser is not None
        element = self._found.element
        assert element is not None
        data = piece.data
        if self._found.rules.logical:
            data = bytes(data).translate(_LOGICAL)
        elif _is_half(self._found):
            data = _halves(data, element.big)
        done = self._normaliser.normalise(data, quality=self._floor, reasons=self._mask)
        if element.kind == "c":
            return _complex(done)
        values = done.values.translate(_NO_255) if self._found.rules.logical else done.values
        stats = Statistics(done.n_valid, done.minimum, done.maximum, done.mean)
        return Values(values, done.validity, done.quality, done.reasons, stats, done.counts)

    def absent(self, count: int) -> Values:
        """`count` values that were never written: missing, reason FILL."""
        size = self._found.element.size if self._found.element is not None else 4
        if _is_half(self._found):
            size = 4
        body = bytes(size * count) if self._found.element is not None else bytes(4 * (count + 1))
        none = Statistics(0, None, None, None)
        counts = {int(Quality.MISSING): count}
        validity = bytes(-(-count // 8))
        return Values(body, validity, int(Quality.MISSING), int(Reason.FILL), none, counts)

    def _texts(self, texts: list[bytes]) -> Values:
        body, good = text_payload(texts)
        none = Statistics(len(texts), None, None, None)
        if all(good):
            quality = Quality.SUSPECT if self._mask else Quality.PASS
            return Values(body, None, int(quality), self._mask, none, {int(quality): len(texts)})
        quality_bytes = bytes(self._floor if ok else Quality.SUSPECT for ok in good)
        reasons = b"".join((self._mask | (0 if ok else Reason.TEXT)).to_bytes(2, "little") for ok in good)
        counts = {q: quality_bytes.count(q) for q in set(quality_bytes)}
        return Values(body, None, quality_bytes, reasons, none, counts)


def _kernel_dtype(kind: str, size: int) -> str:
    if kind == "b":
        return "u1"
    if kind == "c":
        return f"f{size // 2}"
    return "f4" if (kind, size) == ("f", 2) else f"{kind}{size}"


def _before_offset(found: Found, fills: tuple[int | float, ...]) -> tuple[int | float, ...]:
    """Fills are said as the receiver sees them; the kernel compares before it adds 2**(n-1)."""
    if found.rules.unsigned != "offset" or found.element is None:
        return fills
    return tuple(fill - (1 << (8 * found.element.size - 1)) for fill in fills)


def _is_half(found: Found) -> bool:
    return found.element is not None and (found.element.kind, found.element.size) == ("f", 2)


def _halves(data: bytes | bytearray | memoryview, big: bool) -> bytes:
    """Half floats as f4: exact, and every consumer can read them."""
    count = len(data) // 2
    return struct.pack(f"<{count}f", *struct.unpack(f"{'>' if big else '<'}{count}e", data))


def _complex(done: Normalised) -> Values:
    """Two floats are one value: the worse quality counts, both reasons are kept."""
    count = done.n // 2
    quality = done.quality
    reasons = done.reasons
    if isinstance(quality, bytes):
        quality = bytes(max(quality[i], quality[i + 1]) for i in range(0, done.n, 2))
    if isinstance(reasons, bytes):
        both = struct.unpack(f"<{done.n}H", reasons)
        reasons = struct.pack(f"<{count}H", *(both[i] | both[i + 1] for i in range(0, done.n, 2)))
    validity = None
    if done.validity is not None:
        flags = unpack_bits(done.validity, done.n)
        validity = pack_bits(bytes(flags[i] & flags[i + 1] for i in range(0, done.n, 2)))
    if isinstance(quality, bytes):
        counts = {q: quality.count(q) for q in sorted(set(quality))}
    else:
        counts = {quality: count} if count else {}
    n_valid = sum(n for q, n in counts.items() if q <= Quality.SUSPECT)
    return Values(done.values, validity, quality, reasons, Statistics(n_valid, None, None, None), counts)
