"""What an operator is told about a transform, and how often at most. Pure: it is told the time.

`audit`: a quarantine, an operator's act, a change of version; every one is told.
`alert`: script errors and a high rate of data errors; counted while they are held back.
`clear`: what alerts were about has not happened for a while; also said once after each start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

SCRIPT_EVERY_S: Final = 10.0  # between two alerts about script errors of one transform
CLEAR_S: Final = 60.0  # without an error that alerts are about
DATA_WINDOW_S: Final = 60.0
DATA_MIN_ERRORS: Final = 10  # of one window
DATA_MIN_SHARE: Final = 0.05  # of the inputs of one window


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing that happened to a transform.

    Attributes:
        kind: `audit`, `alert` or `clear`.
        name: what happened, such as `transform.disabled`.
        code: the error code behind it; empty where there is none.
        count: inputs that it is about.
        evidence: further plain values, a few kilobytes at most.
    """

    kind: str
    name: str
    pipeline: str
    transform: str
    digest: str
    code: str = ""
    text: str = ""
    count: int = 0
    evidence: Mapping[str, Any] = field(default_factory=dict)


class Gate:
    """Lets one through every so often and says how many it stands for."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = float("-inf")
        self._held = 0

    def take(self, count: int, now_s: float) -> int:
        """How many the alert of now is about, those held back included; 0: not now."""
        self._held += count
        if now_s < self._next_s or not self._held:
            return 0
        self._next_s = now_s + self._every_s
        held, self._held = self._held, 0
        return held


class DataRate:
    """Errors of data per window; tells at most once a window."""

    def __init__(self) -> None:
        self._begun_s = float("-inf")
        self._inputs = 0
        self._bad = 0
        self._told = False

    def take(self, inputs: int, bad: int, now_s: float) -> tuple[int, int] | None:
        """(bad, inputs) of this window when that is a rate to tell; else None."""
        if now_s - self._begun_s >= DATA_WINDOW_S:
            self._begun_s, self._inputs, self._bad, self._told = now_s, 0, 0, False
        self._inputs += inputs
        self._bad += bad
        if self._told or self._bad < DATA_MIN_ERRORS or self._bad < DATA_MIN_SHARE * self._inputs:
            return None
        self._told = True
        return self._bad, self._inputs


class Alerts:
    """Which alerts the batches of one transform give.

    Args:
        now_s: monotonic clock [s]. An alert may stand from the start: an earlier run may have left it.
    """

    def __init__(self, now_s: float) -> None:
        self._scripts = Gate(SCRIPT_EVERY_S)
        self._data = DataRate()
        self._standing = True
        self._last_s = now_s

    def batch(
        self, inputs: int, codes: Counter[str], now_s: float
    ) -> Iterator[tuple[str, str, str, str, int]]:
        """Kind, name, code, text and count of each notice about one batch.

        Args:
            codes: code -> inputs that ended with it.
            now_s: monotonic clock [s].
        """
        data = {code: count for code, count in codes.items() if code.startswith("data.")}
        if (rate := self._data.take(inputs, sum(data.values()), now_s)) is not None:
            self._stand(now_s)
            worst = max(data, key=data.__getitem__)
            yield "alert", "transform.data_errors", worst, f"{rate[0]} of {rate[1]} inputs", rate[0]
        if self._standing and now_s - self._last_s >= CLEAR_S:
            self._standing = False
            yield "clear", "transform.clear", "", "", 0
        script = {code: count for code, count in codes.items() if code.startswith("script.")}
        if script:
            self._last_s = now_s
        if codes and (count := self._scripts.take(sum(script.values()), now_s)):
            self._stand(now_s)
            yield "alert", "transform.script_error", ", ".join(sorted(script)), "", count

    def _stand(self, now_s: float) -> None:
        self._standing, self._last_s = True, now_s
