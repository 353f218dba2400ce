"""Interval arithmetic on exact integers and on IEEE doubles: what every operation can give, never too little.

An integer interval is (lo, hi); Python's integers make it exact. A float interval is (lo, hi, nan): rounding is
monotone, so the ends of a result are the rounded ends; `nan` says whether NaN is possible.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

Ints = tuple[int, int]
Floats = tuple[float, float, bool]

I64: Ints = (-(1 << 63), (1 << 63) - 1)
I128: Ints = (-(1 << 127), (1 << 127) - 1)
EXACT = 1 << 53  # beyond, not every integer is a double
BIT: Ints = (0, 1)
ANY_FLOAT: Floats = (-math.inf, math.inf, True)
MAX_SHIFT = 200  # a longer shift leaves 128 bits anyway


def inside(a: Ints, b: Ints) -> bool:
    """Whether every value of a is one of b."""
    return b[0] <= a[0] and a[1] <= b[1]


def corners(f: Callable[[int, int], int], a: Ints, b: Ints) -> Ints:
    """Hull over the four corners; for operations that are monotone in each operand."""
    values = [f(x, y) for x in a for y in b]
    return min(values), max(values)


def hull(parts: Iterable[Ints]) -> Ints | None:
    """The smallest interval around all; None around nothing."""
    items = list(parts)
    return (min(p[0] for p in items), max(p[1] for p in items)) if items else None


def _without_zero(b: Ints) -> list[Ints]:
    out = []
    if b[0] < 0:
        out.append((b[0], min(b[1], -1)))
    if b[1] > 0:
        out.append((max(b[0], 1), b[1]))
    return out


def floordiv(a: Ints, b: Ints) -> Ints | None:
    """a // b for divisors other than 0; None: there is none."""
    return hull(corners(lambda x, y: x // y, a, d) for d in _without_zero(b))


def mod(a: Ints, b: Ints) -> Ints | None:
    """a % b for divisors other than 0; the result has the sign of the divisor."""
    parts: list[Ints] = []
    for low, high in _without_zero(b):
        if low > 0:
            if a[0] >= 0 and a[1] < low:
                parts.append(a)
            else:
                parts.append((0, min(high - 1, a[1]) if a[0] >= 0 else high - 1))
        else:
            parts.append((low + 1, 0))
    return hull(parts)


def _bits(*parts: Ints) -> int:
    return max((v if v >= 0 else ~v).bit_length() for p in parts for v in p)


def band(a: Ints, b: Ints) -> Ints:
    """a & b."""
    if a[0] >= 0 and b[0] >= 0:
        return 0, min(a[1], b[1])
    if a[0] >= 0 or b[0] >= 0:
        return 0, a[1] if a[0] >= 0 else b[1]
    n = _bits(a, b)
    return -(1 << n), (1 << n) - 1 if a[1] >= 0 and b[1] >= 0 else max(a[1], b[1])


def bor(a: Ints, b: Ints) -> Ints:
    """a | b."""
    n = _bits(a, b)
    if a[0] >= 0 and b[0] >= 0:
        return max(a[0], b[0]), (1 << n) - 1
    return -(1 << n), (1 << n) - 1 if a[1] >= 0 and b[1] >= 0 else -1


def bxor(a: Ints, b: Ints) -> Ints:
    """a ^ b."""
    n = _bits(a, b)
    return (0 if a[0] >= 0 and b[0] >= 0 else -(1 << n)), (1 << n) - 1


def shl(a: Ints, b: Ints) -> Ints | None:
    """a << b for counts >= 0; counts beyond `MAX_SHIFT` stand for all longer ones."""
    if b[1] < 0:
        return None
    return corners(lambda x, y: x << min(y, MAX_SHIFT), a, (max(b[0], 0), b[1]))


def shr(a: Ints, b: Ints) -> Ints | None:
    """a >> b for counts >= 0."""
    if b[1] < 0:
        return None
    return corners(lambda x, y: x >> min(y, MAX_SHIFT), a, (max(b[0], 0), max(b[1], 0)))


def absolute(a: Ints) -> Ints:
    """abs(a)."""
    if a[0] >= 0:
        return a
    return (-a[1], -a[0]) if a[1] <= 0 else (0, max(-a[0], a[1]))


def power(a: Ints, k: int) -> Ints:
    """a ** k for a constant k >= 0."""
    ends = [a[0] ** k, a[1] ** k]
    if k % 2 == 0 and a[0] < 0 < a[1]:
        ends.append(0)
    return min(ends), max(ends)


def _float_corners(f: Callable[[float, float], float], a: Floats, b: Floats) -> Floats:
    values = [f(x, y) for x in a[:2] for y in b[:2]]
    good = [v for v in values if v == v]
    nan = a[2] or b[2] or len(good) < len(values)
    return (min(good), max(good), nan) if good else (-math.inf, math.inf, True)


def fadd(a: Floats, b: Floats) -> Floats:
    """a + b."""
    return _opposed(_float_corners(lambda x, y: x + y, a, b), a, b)


def fsub(a: Floats, b: Floats) -> Floats:
    """a - b."""
    return fadd(a, fneg(b))


def _opposed(out: Floats, a: Floats, b: Floats) -> Floats:
    nan = (a[0] == -math.inf and b[1] == math.inf) or (a[1] == math.inf and b[0] == -math.inf)
    return (-math.inf, math.inf, True) if nan else out


def fmul(a: Floats, b: Floats) -> Floats:
    """a * b."""
    infinite = any(math.isinf(v) for v in (*a[:2], *b[:2]))
    return ANY_FLOAT if infinite else _float_corners(lambda x, y: x * y, a, b)


def fdiv(a: Floats, b: Floats) -> Floats:
    """a / b for divisors other than 0."""
    infinite = any(math.isinf(v) for v in (*a[:2], *b[:2]))
    if infinite or b[0] <= 0.0 <= b[1]:
        return ANY_FLOAT
    return _float_corners(lambda x, y: x / y, a, b)


def fneg(a: Floats) -> Floats:
    """-a."""
    return -a[1], -a[0], a[2]


def fabs(a: Floats) -> Floats:
    """abs(a)."""
    if a[0] >= 0.0:
        return a
    return (-a[1], -a[0], a[2]) if a[1] <= 0.0 else (0.0, max(-a[0], a[1]), a[2])


def whole(a: Floats) -> Ints | None:
    """Integers that floor, ceil, trunc or round of a can give; None: more than 64 bits may hold."""
    if not -9.2e18 < a[0] <= a[1] < 9.2e18:
        return None
    return math.floor(a[0]), math.ceil(a[1])
