"""One measured figure: what a workload of `alloy-edge bench` returns.

A workload is a module with `def run(quick: bool) -> list[Figure]`; it prints nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """A measurement with its spread, its peer and its budget.

    Attributes:
        name: dotted and stable ("kernels.crc32c").
        value: median of the runs [unit].
        unit: "GB/s", "us", "records/s", "MB".
        minimum: smallest run [unit].
        maximum: largest run [unit].
        peer: what `ratio` compares with, measured in the same run ("numpy", "memcpy"); empty without one.
        ratio: this / peer where more is better, peer / this where less is better: above 1 is ahead.
        budget: as the design states it (">= 20 M records/s"); empty without one.
        note: one clause on how it was measured.
    """

    name: str
    value: float
    unit: str
    minimum: float
    maximum: float
    peer: str = ""
    ratio: float | None = None
    budget: str = ""
    note: str = ""

    @classmethod
    def of(
        cls,
        name: str,
        runs: Sequence[float],
        unit: str,
        *,
        peer: str = "",
        ratio: float | None = None,
        budget: str = "",
        note: str = "",
    ) -> Figure:
        """The median and the spread of `runs`, one number per run [unit]."""
        return cls(name, statistics.median(runs), unit, min(runs), max(runs), peer, ratio, budget, note)
