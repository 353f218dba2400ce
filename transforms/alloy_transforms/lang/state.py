"""What is known at one point of a program: the interval of each variable, the fields of each row, the rows so far.

A value is (lo, hi) for int and bool, (lo, hi, nan) for float, (shortest, longest) for bytes. A variable that is not
in the state is not assigned on every path to here.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import Any

from .intervals import ANY_FLOAT, BIT, I64, Ints

Value = tuple[Any, ...]  # a union of the three shapes would be narrowed at every use
Slot = tuple[bool, Value]  # set on every path; its value where set
MAX_INPUT = 65_536  # bytes of one record; a longer one is declined at the entry of a native module


class State:
    """Mutable; copied where paths part."""

    __slots__ = ("emitted", "rows", "vars")

    def __init__(self) -> None:
        self.vars: dict[str, Value] = {}
        self.rows: dict[str, dict[str, Slot]] = {}
        self.emitted: Ints = (0, 0)

    def copy(self) -> State:
        """A state that can go another way."""
        out = State()
        out.vars = self.vars.copy()
        out.rows = {name: slots.copy() for name, slots in self.rows.items()}
        out.emitted = self.emitted
        return out

    def same(self, other: State) -> bool:
        """Whether both know the same."""
        return self.vars == other.vars and self.rows == other.rows and self.emitted == other.emitted


def top(kind: str) -> Value:
    """Every value of a type, as it comes in from outside."""
    if kind == "float":
        return ANY_FLOAT
    return {"bool": BIT, "bytes": (0, MAX_INPUT)}.get(kind, I64)


def join_values(a: Value, b: Value) -> Value:
    """The smallest value that contains both."""
    if len(a) == 3:
        return min(a[0], b[0]), max(a[1], b[1]), a[2] or bool(b[2:] and b[2])
    return min(a[0], b[0]), max(a[1], b[1])


def join(a: State | None, b: State | None) -> State | None:
    """What is known where two paths meet."""
    if a is None or b is None:
        return a if b is None else b
    out = State()
    out.vars = {k: join_values(v, b.vars[k]) for k, v in a.vars.items() if k in b.vars}
    for name, slots in a.rows.items():
        if name in b.rows:
            out.rows[name] = _join_slots(slots, b.rows[name])
    out.emitted = (min(a.emitted[0], b.emitted[0]), max(a.emitted[1], b.emitted[1]))
    return out


def _join_slots(a: dict[str, Slot], b: dict[str, Slot]) -> dict[str, Slot]:
    out: dict[str, Slot] = {}
    for key in (*a, *(k for k in b if k not in a)):
        if key in a and key in b:
            out[key] = a[key][0] and b[key][0], join_values(a[key][1], b[key][1])
        else:
            out[key] = False, (a.get(key) or b[key])[1]
    return out


def widen(old: State, new: State, thresholds: list[int]) -> State:
    """`new`, with every bound that moved since `old` pushed to the next threshold: loops end."""
    out = new.copy()
    for name, value in new.vars.items():
        if name in old.vars:
            out.vars[name] = widen_value(old.vars[name], value, thresholds)
    for row, slots in new.rows.items():
        for key, (must, value) in slots.items():
            before = old.rows.get(row, {}).get(key)
            if before is not None:
                out.rows[row][key] = must, widen_value(before[1], value, thresholds)
    return out


def widen_value(old: Value, new: Value, thresholds: list[int]) -> Value:
    """One value of `widen`."""
    if old == new:
        return new
    if len(new) == 3:
        return (
            new[0] if new[0] >= old[0] else float("-inf"),
            new[1] if new[1] <= old[1] else float("inf"),
            bool(new[2]),
        )
    low, high = int(new[0]), int(new[1])
    if low < old[0]:
        at = bisect_right(thresholds, low)
        low = thresholds[at - 1] if at else min(low, I64[0])
    if high > old[1]:
        at = bisect_left(thresholds, high)
        high = thresholds[at] if at < len(thresholds) else max(high, I64[1])
    return low, high
