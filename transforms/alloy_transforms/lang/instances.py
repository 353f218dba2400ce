"""Functions as they are emitted, and what one run of a function collects."""

from __future__ import annotations

from .intervals import I64
from .nodes import Function
from .state import MAX_INPUT, State, Value

_COMMON = [
    0,
    1,
    255,
    65535,
    MAX_INPUT,
    (1 << 31) - 1,
    (1 << 32) - 1,
    1 << 53,
    *I64,
    -1,
    -(1 << 31),
    -(1 << 53),
]


class Instance:
    """One function as it is emitted: nodes of its own, and the hull of what it was called with."""

    def __init__(self, name: str, function: Function) -> None:
        self.name = name
        self.function = function.clone()
        self.hulls: dict[str, Value] = {}
        self.result: Value | None = None
        self.memo: dict[tuple[Value, ...], Value] = {}
        self.general: tuple[Value, ...] | None = None
        self.thresholds = sorted(
            {*_COMMON, *(c + d for c in function.constants for d in (-1, 0, 1) if abs(c) < 1 << 63)}
        )


class Frame:
    """What one run of a function collects."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance
        self.returned: Value | None = None
        self.ended: State | None = None  # of `transform`
        self.loops: list[list[State | None]] = []  # [after break, after continue]
