"""Inputs of a generated program: edges, noise, and values near the constants of its source."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from tests.transforms.programs.chance import INTS, SPECIAL, Chance

LONGEST = 40  # bytes


def inputs_for(
    chance: Chance, tree: ast.Module, kinds: Mapping[str, str], shortest: int, n: int
) -> list[list[Any]]:
    """`n` inputs; most bytes are at least `shortest` long."""
    near = _constants(tree)
    return [[_value(chance, kind, shortest, near) for kind in kinds.values()] for _ in range(n)]


def _constants(tree: ast.Module) -> list[int]:
    """The integers of a program, which it compares with."""
    found = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is int}
    return sorted(v for v in found if v < 1 << 63)


def _value(chance: Chance, kind: str, shortest: int, near: Sequence[int]) -> Any:
    if kind == "bytes":
        return _bytes(chance, shortest, near)
    if kind == "bool":
        return chance.often(50)
    if kind == "float":
        how = chance.random()
        if how < 0.1:
            return chance.choice(SPECIAL)
        return float(chance.choice(near)) if near and how < 0.2 else chance.number(special=True)
    return _int(chance, near)


def _int(chance: Chance, near: Sequence[int]) -> int:
    how = chance.random()
    if how < 0.4:
        v = chance.randrange(-300, 300)
    elif near and how < 0.65:
        v = chance.choice(near) * chance.choice((1, 1, -1)) + chance.randrange(-1, 2)
    elif how < 0.9:
        v = chance.choice(INTS) + chance.randrange(-1, 2)
    else:
        v = chance.getrandbits(chance.randrange(1, 64)) * chance.choice((1, -1))
    return max(-(1 << 63), min((1 << 63) - 1, v))


def _bytes(chance: Chance, shortest: int, near: Sequence[int]) -> bytes:
    how = chance.random()
    if how < 0.06:
        size = chance.randrange(0, LONGEST + 1)
    elif how < 0.5:
        size = shortest
    else:
        size = min(LONGEST, shortest + chance.choice((0, 1, 2, 4, 8, 16, 30)))
    data = bytearray(chance.text(size))
    small = [v for v in near if 0 <= v < 256]
    if small and data and chance.often(50):
        data[chance.randrange(len(data))] = chance.choice(small)
    return bytes(data)
