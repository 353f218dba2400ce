"""One measured figure: what a workload of `alloy-edge bench` returns.

A workload is a module with `def run(quick: bool) -> list[Figure]`; it prints nothing.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["", "within", "over", "short"]
_BUDGET = re.compile(r"(?P<how><=|<|>=|>) (?P<number>[0-9.]+) (?P<times>[kM] )?(?P<unit>\S+)")
_TIMES = {None: 1.0, "k ": 1e3, "M ": 1e6}


@dataclass(frozen=True, slots=True)
class Budget:
    """A bound as the design writes it: "<= 36 MB", ">= 500 k records/s"."""

    how: str
    limit: float
    unit: str

    @classmethod
    def parse(cls, text: str) -> Budget:
        """Read one.

        Raises:
            ValueError: it is not of that form.
        """
        found = _BUDGET.fullmatch(text)
        if found is None:
            raise ValueError(f"`{text}` is no budget; expected for instance `>= 5 k msg/s`")
        return cls(found["how"], float(found["number"]) * _TIMES[found["times"]], found["unit"])

    def verdict(self, value: float) -> Verdict:
        """`within`, or how it fails: `over` an upper bound, `short` of a lower one."""
        if self.how[0] == "<":
            return "within" if value < self.limit or (value == self.limit and self.how == "<=") else "over"
        return "within" if value > self.limit or (value == self.limit and self.how == ">=") else "short"


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

    @property
    def verdict(self) -> Verdict:
        """How the median stands to the budget; empty without one."""
        return Budget.parse(self.budget).verdict(self.value) if self.budget else ""
