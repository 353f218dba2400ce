"""Which transforms are hot. Pure: told how much was counted so far, and the time.

Hot is a transform that took more than a share of one core over a window, and did nothing but its work meanwhile: no
worker died and no batch failed over its code. A window that has only begun counts as if the rest of it were idle.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, fields
from typing import Any, Final

PARTS: Final = 20  # of a window: how exactly its begin is known


@dataclass(frozen=True, slots=True)
class Totals:
    """What one transform has done since it was started; only grows.

    Attributes:
        calls: batches.
        records: inputs.
        busy_ns: CPU time of its workers [ns].
        declined: inputs that a native module left to Python.
        errors: inputs that ended with `script.*`.
        deaths: workers that died over a batch.
    """

    calls: int = 0
    records: int = 0
    busy_ns: int = 0
    declined: int = 0
    errors: int = 0
    deaths: int = 0

    def since(self, before: Totals) -> Totals:
        """What was added after `before`."""
        return Totals(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(self)))


@dataclass(frozen=True, slots=True)
class Heat:
    """What a tracker found in the window behind it.

    Attributes:
        share: of one core, 0 to 1 and beyond.
        over_s: length of the window [s].
        hot: the share is reached and the transform is stable.
    """

    share: float
    over_s: float
    hot: bool
    counted: Totals

    @property
    def stable(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.counted.errors or self.counted.deaths)

    def facts(self) -> dict[str, Any]:
        """The evidence, as plain values for status and events."""
        n = self.counted
        return {
            "hot": self.hot,
            "share": round(self.share, 5),
            "over_s": self.over_s,
            "calls": n.calls,
            "records": n.records,
            "busy_ms": n.busy_ns // 1_000_000,
            "record_us": round(n.busy_ns / n.records / 1000, 3) if n.records else 0.0,
            "declined": n.declined,
            "decline_rate": round(n.declined / n.records, 5) if n.records else 0.0,
            "errors": n.errors,
            "deaths": n.deaths,
            "stable": self.stable,
        }


class HotTracker:
    """Of one transform.

    Args:
        share: of one core from which on it is hot.
        over_s: length of the window [s].
        now_s: monotonic clock [s].
        before: what was counted already.
    """

    def __init__(self, share: float, over_s: float, now_s: float, before: Totals | None = None) -> None:
        self._share = share
        self._over_s = over_s
        self._marks: deque[tuple[float, Totals]] = deque([(now_s, before or Totals())], maxlen=PARTS + 2)

    def look(self, totals: Totals, now_s: float) -> Heat:
        """Judge the window that ends now. To be called at least `PARTS` times a window."""
        begin = now_s - self._over_s
        while len(self._marks) > 1 and self._marks[1][0] <= begin:
            self._marks.popleft()
        counted = totals.since(self._marks[0][1])
        if now_s - self._marks[-1][0] >= self._over_s / PARTS:
            self._marks.append((now_s, totals))
        share = counted.busy_ns / 1e9 / max(self._over_s, now_s - self._marks[0][0])
        hot = share >= self._share and counted.records > 0 and not (counted.errors or counted.deaths)
        return Heat(share, self._over_s, hot, counted)
