"""Small programs, one operation or form each, with the values they are tried on."""

from __future__ import annotations

import itertools
import random
import struct
from pathlib import Path
from textwrap import indent
from typing import Any

from tests.transforms.lang.differential import EDGES, FLOATS

HEAD = '''"""A case."""
import binascii
import fmath
import kit
import math
import struct

INPUT = {"b": "bytes", "n": "int", "m": "int", "x": "float", "y": "float", "on": "bool"}
OUTPUT = {
    "v": {"type": "i64", "optional": True}, "u": {"type": "u8", "optional": True},
    "w": {"type": "f64", "optional": True}, "z": {"type": "f64", "optional": True},
    "flag": {"type": "bool", "optional": True}, "raw": {"type": "bytes", "max": 16, "optional": True},
    "mode": {"type": "enum", "names": ("off", "on", "auto"), "optional": True},
}
TABLE = (3, -1, 4, 1, -5, 9)
WIDE = (1 << 100, -3, 1 << 62)
CURVE = (0.5, -1.5, 2.5)
EXAMPLES = ()


def half(a: int) -> int:
    return a >> 1


def sign(a: float) -> float:
    if a < 0.0:
        return -1.0
    return 1.0


def later(a: bytes, c: bytes, first: bool) -> int:
    if not first:
        a = c
    c = a
    return len(c) * 256 + binascii.crc32(a[0:1])


def grown(k: int) -> int:
    k = k * k
    k = k * k >> 3
    return k & 0xffffff


def transform(b: bytes, n: int, m: int, x: float, y: float, on: bool) -> dict:
    out = {}
'''
MORE_FLOATS = (
    *FLOATS, 3.0, -3.0, 0.3, -0.7, 1e16, 1e300, 2.0**52 + 0.5, 4503599627370495.5, 2.0**63, -(2.0**63), 1e-320,
    709.9, -746.0, 1.0 - 2**-53, 123456.789,
)  # fmt: skip


def sources() -> dict[str, str]:
    """Title -> source, of snippets.txt."""
    bodies: dict[str, str] = {}
    for section in Path(__file__).with_name("snippets.txt").read_text("utf-8").split("\n=== ")[1:]:
        kind, _, text = section.partition("\n")
        if kind == "bodies":
            for block in text.split("--- ")[1:]:
                title, _, body = block.partition("\n")
                bodies[title] = body.strip("\n")
            continue
        for line in text.strip().split("\n"):
            title, _, value = line.partition(": ")
            bodies[f"{kind} {title}"] = f'out["{kind}"] = {value}'
    return {title: HEAD + indent(body, "    ") + "\n    return out\n" for title, body in bodies.items()}


def inputs() -> list[list[Any]]:
    """Pairs of edges of both kinds, with bytes of every kind beside them."""
    chance = random.Random(20260103)
    pairs = list(itertools.product(EDGES, EDGES))
    floats = list(itertools.product(MORE_FLOATS, MORE_FLOATS))
    out = []
    for k in range(max(len(pairs), len(floats))):
        n, m = pairs[k % len(pairs)] if k % 3 else (chance.randrange(-20, 20), chance.randrange(-20, 20))
        x, y = floats[k % len(floats)]
        out.append([_bytes(chance), n, m, x, y, chance.random() < 0.5])
    return out


def _bytes(chance: random.Random) -> bytes:
    kind = chance.random()
    if kind < 0.2:
        return bytes(chance.randrange(4) for _ in range(chance.randrange(24)))
    if kind < 0.4:
        return struct.pack("<dd", chance.choice(MORE_FLOATS), chance.choice(MORE_FLOATS))
    return chance.randbytes(chance.choice((0, 1, 2, 4, 8, 9, 16, 17, 40)))
