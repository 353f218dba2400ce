"""Random choices of the program generator: weighted, repeatable, and fond of the edges of numbers."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

INTS = (
    0, 1, -1, 2, -2, 3, 5, 7, 10, 31, 32, 63, 64, 100, 127, 128, -128, -129, 255, 256, 1000, 32767, 32768, -32768,
    65535, 65536, (1 << 24) - 1, (1 << 31) - 1, 1 << 31, -(1 << 31), -(1 << 31) - 1, (1 << 32) - 1, 1 << 32,
    (1 << 53) - 1,
    1 << 53, (1 << 53) + 1, -(1 << 53), -(1 << 53) - 1, (1 << 62), (1 << 63) - 1, -(1 << 63), -(1 << 63) + 1,
)  # fmt: skip
WIDE = (1 << 63, -(1 << 63) - 1, (1 << 64) - 1, 1 << 64, (1 << 96) + 1, -(1 << 100), (1 << 126) - 1)
"""Constants that only 128 bits hold."""
FLOATS = (
    0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, -2.5, 3.5, 0.1, 0.3, 1e-3, 7.0, -7.0, 100.25, 255.5, 1e6, 1e15,
    4503599627370495.5, 9007199254740991.0, 9007199254740992.0, 9007199254740993.0, -9007199254740992.0,
    9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0, -9223372036854777856.0, 1e19, 1e22, 1e300,
    1.7976931348623157e308, -1.7976931348623157e308, 2.2250738585072014e-308, 2.225073858507201e-308, 5e-324, -5e-324,
    1e-300,
)  # fmt: skip
SPECIAL = (math.inf, -math.inf, math.nan)


class Chance(random.Random):
    """A seeded source of choices."""

    def often(self, percent: float) -> bool:
        """True in that many of a hundred cases."""
        return self.random() * 100 < percent

    def among(self, weighted: Sequence[tuple[int, T]]) -> T:
        """One of (weight, value)."""
        at = self.randrange(sum(weight for weight, _ in weighted))
        for weight, value in weighted:
            at -= weight
            if at < 0:
                return value
        raise AssertionError

    def integer(self, limit: int | None = None) -> int:
        """An integer of at most 64 bits, rarely 127; its magnitude at most `limit`."""
        how = self.random()
        if limit is None:
            if how < 0.45:
                return self.randrange(-16, 300)
            if how < 0.97:
                return self.choice(INTS) + (self.randrange(-1, 2) if how < 0.6 else 0)
            return self.choice(WIDE)
        if how < 0.5 or limit < 4:
            return self.randrange(-min(limit, 16), min(limit, 300) + 1)
        return self.choice([v for v in (*INTS, limit, limit - 1, -limit) if -limit <= v <= limit])

    def mask(self, limit: int | None = None) -> int:
        """2**k - 1, at most `limit`."""
        most = 64 if limit is None else max(1, (limit + 1).bit_length() - 1)
        return (
            1
            << self.choice(
                [k for k in (1, 2, 3, 4, 5, 7, 8, 12, 16, 24, 31, 32, 48, 53, 63, 64) if k <= most]
            )
        ) - 1

    def number(self, special: bool = False) -> float:
        """A float; with `special` also infinities and NaN."""
        how = self.random()
        if special and how < 0.12:
            return self.choice(SPECIAL)
        if how < 0.45:
            return self.choice(FLOATS)
        if how < 0.6:
            return self.randrange(-2000, 2000) / 8.0  # many ties of a half
        if how < 0.85:
            return round(self.uniform(-1000.0, 1000.0), self.randrange(0, 6))
        if how < 0.95:
            return math.ldexp(self.uniform(-1.0, 1.0), self.randrange(-60, 80))
        bits = float(struct.unpack("<d", self.randbytes(8))[0])
        return bits if special or math.isfinite(bits) else 1.25

    def sticky(self) -> tuple[float, int]:
        """1000...0001000...0001 in binary below 1, and the power of two that makes it subnormal so that it is another
        number when it is rounded twice than when it is rounded once."""
        j, r = self.randrange(2, 51), self.randrange(3)
        return math.ldexp((1 << 52) + (1 << (52 - j)) + 1, -53 - r) * self.choice((1, -1)), j + r - 1074

    def text(self, size: int) -> bytes:
        """Bytes that are no even noise: runs, digits, edges."""
        how = self.random()
        if how < 0.15:
            return bytes([self.choice((0, 1, 0x7F, 0x80, 0xFF))]) * size
        if how < 0.3:
            return bytes(self.choice(b"0123456789.,-+$*") for _ in range(size))
        if how < 0.5:
            return bytes(
                self.choice((0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, self.randrange(256))) for _ in range(size)
            )
        return self.randbytes(size)


def literal(v: float | bool | bytes) -> str:
    """A value as the generator writes it: plain, and read exactly by every parser."""
    if type(v) is float:
        if math.isnan(v):
            return "(1e999 - 1e999)"
        if math.isinf(v):
            return "1e999" if v > 0 else "(-1e999)"
    text = repr(v)
    return f"({text})" if text.startswith("-") else text
