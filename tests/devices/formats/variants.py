"""Damaged variants of good files, the same in every run: cut anywhere, bits flipped anywhere."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

HEAD = 4096  # bytes; where most structures of a file are described
FLIPS_MAX = 8


@dataclass(frozen=True)
class Variant:
    """`flipped` holds the offsets that changed; empty when the file was cut to `len(data)`."""

    of: str
    label: str
    data: bytes
    flipped: tuple[int, ...] = ()


def variants(name: str, data: bytes, count: int) -> Iterator[Variant]:
    """`count` variants of one file; the name is the seed."""
    dice = random.Random(name)
    for number in range(count):
        kind = number % 4
        if kind == 0:
            size = dice.randrange(len(data))
            yield Variant(name, f"{name} cut to {size}", data[:size])
            continue
        reach = min(HEAD, len(data)) if kind < 3 else len(data)
        at = sorted({dice.randrange(reach) for _ in range(1 if kind == 1 else dice.randint(1, FLIPS_MAX))})
        changed = bytearray(data)
        bits = [1 << dice.randrange(8) for _ in at]
        for offset, bit in zip(at, bits, strict=True):
            changed[offset] ^= bit
        yield Variant(name, f"{name} with {[*zip(at, bits, strict=True)]} flipped", bytes(changed), tuple(at))
