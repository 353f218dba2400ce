"""Workload: the kernels against numpy, zlib and memcpy in the same run [GB/s of stored bytes].

Pieces are 512 KiB, as chunks of files are, and stay in the cache: what is measured is the kernel and not
the page faults of fresh memory, for both sides alike.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from typing import Any

from alloy_agent.bench.figure import Figure
from alloy_agent.native import kernels

PIECE = 512 << 10  # bytes
RUNS = 7
QUICK_RUNS = 5
RUN_S = 0.05  # one run, about
QUICK_RUN_S = 0.015
FILL = -32768
SCALE, OFFSET = 0.01, 273.15


def rates(work: Callable[[], object], size: int, quick: bool) -> list[float]:
    """Repeat `work` over `size` bytes in several short runs [GB/s each]."""
    begun = time.perf_counter()
    work()
    once = time.perf_counter() - begun
    repeats = max(1, int((QUICK_RUN_S if quick else RUN_S) / max(once, 1e-7)))
    found = []
    for _ in range(QUICK_RUNS if quick else RUNS):
        begun = time.perf_counter()
        for _ in range(repeats):
            work()
        found.append(size * repeats / (time.perf_counter() - begun) / 1e9)
    return found


def run(quick: bool) -> list[Figure]:
    """Measure every kernel and its peer on this machine."""
    import numpy as np

    rng = np.random.default_rng(1)
    values = (rng.normal(size=PIECE // 2) * 500 + 1000).astype("i2")
    values[rng.random(values.size) < 0.015] = FILL
    stored = values.astype(">i2").tobytes()
    planes = values.view("u1").reshape(-1, 2).T.tobytes()
    deflated = zlib.compress(planes, 4)
    clean = kernels.Normaliser("i2", big_endian=True)
    rules = kernels.Normaliser("i2", big_endian=True, fills=[FILL], scale=SCALE, offset=OFFSET)
    view = np.frombuffer(stored, ">i2")
    target = np.empty(view.size, "f8")
    spare = np.empty(PIECE, "u1")
    source = np.frombuffer(stored, "u1")

    def scaled() -> object:  # numpy at its best: in place, no temporary of 8 bytes per value
        np.copyto(target, view)
        np.multiply(target, SCALE, out=target)
        np.add(target, OFFSET, out=target)
        target[view == FILL] = np.nan
        return target

    def packed() -> object:  # what L1 needs, pass by pass
        native = view.astype("<i2")
        there = native != FILL
        bits = np.packbits(there, bitorder="little")
        quality = np.where(there, np.uint8(1), np.uint8(9))
        good = native[there]
        return native, bits, quality, good.min(), good.max(), good.sum(dtype="i8")

    peers: list[tuple[str, Callable[[], object], str, Callable[[], Any], str]] = [
        ("i2_be_to_f8_masked", lambda: rules.physical(stored), "numpy", scaled, "swap, scale, mask"),
        (
            "i2_be_to_l1",
            lambda: rules.normalise(stored),
            "numpy",
            packed,
            "validity, quality, facts; 1.5 % fill",
        ),
        ("i2_be_to_l1_no_rules", lambda: clean.normalise(stored), "numpy", packed, "nothing to compare with"),
        ("crc32c", lambda: kernels.crc32c(stored), "zlib.crc32", lambda: zlib.crc32(stored), ""),
        (
            "unshuffle2",
            lambda: kernels.unshuffle(planes, 2),
            "numpy",
            lambda: np.frombuffer(planes, "u1").reshape(2, -1).T.copy(),
            "",
        ),
        (
            "inflate",
            lambda: kernels.inflate(deflated, PIECE),
            "zlib",
            lambda: zlib.decompress(deflated, bufsize=PIECE),
            f"ratio {PIECE / len(deflated):.1f}",
        ),
    ]
    copied = rates(lambda: np.copyto(spare, source), PIECE, quick)
    copy = Figure.of("kernels.memcpy", copied, "GB/s", note="512 KiB in the cache")
    figures = [copy]
    for name, ours, peer, theirs, note in peers:
        other = Figure.of(f"kernels.{name}.{peer}", rates(theirs, PIECE, quick), "GB/s")
        mine = rates(ours, PIECE, quick)
        figure = Figure.of(f"kernels.{name}", mine, "GB/s", peer=peer)
        of_copy = f"{figure.value / copy.value:.0%} of memcpy"
        note = f"{note}; {of_copy}" if note else of_copy
        ratio = figure.value / other.value
        figures.append(Figure.of(figure.name, mine, "GB/s", peer=peer, ratio=ratio, note=note))
        figures.append(other)
    return figures
