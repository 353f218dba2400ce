"""Arrays of files as an outsider puts them together from chunks; like `independent`, it imports nothing of Alloy."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .independent import TYPED, Item, bits, spread

_TABLE = []
for _byte in range(256):
    for _ in range(8):
        _byte = (_byte >> 1) ^ (0x82F63B78 if _byte & 1 else 0)  # RFC 3720, appendix B.4
    _TABLE.append(_byte)


def crc32c(data: bytes) -> int:
    """CRC-32C (Castagnoli), a table of our own."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


@dataclass
class Array:
    """One variable of a run put together from its chunks."""

    stored: Any
    texts: list[bytes]
    quality: NDArray[np.uint8]
    crcs: list[int] = field(default_factory=list)
    statistics: list[tuple[list[Any], list[Any]]] = field(default_factory=list)  # (said, recomputed)


def payload_bytes(chunk: Item) -> bytes:
    """The payload as sent, without its CBOR head."""
    payload = chunk["p"]
    data: bytes = payload if isinstance(payload, bytes) else payload.value
    return data


def assemble(chunks: Sequence[Item], variable: Item) -> Array:
    """Put the chunks of one variable together; every element has to come exactly once."""
    shape = tuple(max(each) for each in zip(*[_end(c) for c in chunks], strict=True))
    kind = variable["dtype"]
    dtype = {"bool": "u1", "c8": "<c8", "c16": "<c16", "utf8": "O", "bytes": "O"}.get(kind, "<" + kind)
    whole = np.zeros(shape, dtype)
    quality = np.zeros(shape, np.uint8)
    array = Array(whole, [], quality)
    for chunk in chunks:
        assert "c" not in chunk
        assert chunk["lvl"] == 1
        data = payload_bytes(chunk)
        n = math.prod(chunk["s"])
        assert chunk["n"] == len(data)
        assert crc32c(data) == chunk["crc"], f"{variable['name']}: CRC-32C"
        array.crcs.append(chunk["crc"])
        where = tuple(slice(o, o + s) for o, s in zip(chunk["o"], chunk["s"], strict=True))
        marks = np.array(spread(chunk["q"], n), np.uint8)
        valid = np.array(bits(chunk.get("m"), n), bool)
        assert np.array_equal(valid, marks != 9)
        assert not quality[where].any(), "an element came twice"
        quality[where] = marks.reshape(chunk["s"])
        if kind in ("utf8", "bytes"):
            ends = np.frombuffer(data[: 4 * (n + 1)], "<u4")
            arena = data[4 * (n + 1) :]
            texts = [arena[a:b] for a, b in pairwise(ends)]
            array.texts += texts
            continue
        if kind not in ("bool", "c8", "c16"):
            assert TYPED[chunk["p"].tag].lstrip("<") == kind
        values = np.frombuffer(data, dtype)
        whole[where] = values.reshape(chunk["s"])
        if "st" in chunk:
            array.statistics.append((chunk["st"], _statistics(unpack(values, variable)[marks <= 3])))
    assert quality.all(), f"{variable['name']}: an element is missing"
    return array


def _end(chunk: Item) -> tuple[int, ...]:
    return tuple(o + s for o, s in zip(chunk["o"], chunk["s"], strict=True))


def unpack(stored: Any, variable: Item) -> Any:
    """Stored array -> physical, in the type the descriptor names."""
    pack = variable.get("pack", {})
    if "scale" not in pack and "offset" not in pack:
        return stored
    scaled = stored.astype("f8") * pack.get("scale", 1.0) + pack.get("offset", 0.0)
    return scaled.astype("<" + pack.get("out", "f8"))


def _statistics(values: Any) -> list[Any]:
    if not values.size:
        return [0, None, None, None]
    return [values.size, values.min().item(), values.max().item(), float(values.astype("f8").mean())]


def order_digest(crcs: Iterable[int]) -> str:
    """SHA-256 over the CRCs of the blocks in order, u4 little-endian each."""
    return hashlib.sha256(b"".join(crc.to_bytes(4, "little") for crc in crcs)).hexdigest()
