"""What a place of a generated program may use: names by type, what is known of them, and what the file declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

INT, FLOAT, BOOL, BYTES = "int", "float", "bool", "bytes"
PREFIX = {INT: "i", FLOAT: "f", BOOL: "t", BYTES: "d"}


@dataclass
class Declared:
    """The module level of one program."""

    numeric: str  # `int`: no float anywhere; `f64`
    wild: bool  # results are rarely masked: many overflows
    loose: float  # in how many of a hundred places something may fail that nothing before has tested
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)  # scalars; tuples are tables
    lines: list[str] = field(default_factory=list)  # that write the constants
    helpers: list[Helper] = field(default_factory=list)
    max_rows: int = 1
    imports: set[str] = field(default_factory=set)

    def of_type(self, kind: str) -> list[tuple[str, Any]]:
        """Constants and PARAMS of a scalar type: how they are read, and their value."""
        named = [*self.constants.items(), *((f'PARAMS["{n}"]', v) for n, v in self.params.items())]
        return [(text, v) for text, v in named if type(v).__name__ == kind]

    def tables(self, kind: str, limit: int | None = None) -> list[str]:
        """Tables of int or float, of integers no larger than `limit`."""
        found = [
            (n, v) for n, v in self.constants.items() if isinstance(v, tuple) and type(v[0]).__name__ == kind
        ]
        return [n for n, v in found if limit is None or max(map(abs, v)) <= limit]


@dataclass(frozen=True)
class Helper:
    """A function of the file."""

    name: str
    params: tuple[tuple[str, str], ...]
    result: str
    cost: int = 1  # how much it multiplies the time of a caller


class Scope:
    """The names of one block; a block inside it gets a child."""

    def __init__(self, declared: Declared, parent: Scope | None = None) -> None:
        self.declared = declared
        self.parent = parent
        self.names: dict[str, list[str]] = {INT: [], FLOAT: [], BOOL: [], BYTES: []}
        self.fixed: set[str] = set()  # counters of loops and parameters: not assigned
        self.sizes: dict[str, int] = {}  # bytes: shortest possible length
        self.facts: dict[str, tuple[int, int]] = {}  # int: what a test around this place proved
        self.state: set[str] = set()  # keys of STATE that may be read and written here
        self.row = ""  # the row that is filled here
        self.set: set[str] = set()  # fields set on every path to here
        self.loops = 0
        self.breaks = False
        self.entry = False

    def child(self, loop: bool = False) -> Scope:
        """A scope for a block inside this one. What was proven is forgotten in a loop: its body may change it."""
        out = Scope(self.declared, self)
        out.names = {kind: names.copy() for kind, names in self.names.items()}
        out.fixed, out.state, out.row, out.entry = self.fixed.copy(), self.state, self.row, self.entry
        out.set = self.set.copy()
        out.sizes = {n: v for n, v in self.sizes.items() if not loop or n in self.fixed}
        out.facts = {n: v for n, v in self.facts.items() if not loop or n in self.fixed}
        out.loops, out.breaks = self.loops + loop, self.breaks or loop
        return out

    def define(self, kind: str, name: str) -> None:
        """A name is assigned: it can be read from here on, and nothing is known of it any more."""
        if name not in self.names[kind]:
            self.names[kind].append(name)
        scope: Scope | None = self
        while scope is not None:
            scope.facts.pop(name, None)
            scope.sizes.pop(name, None)
            scope = scope.parent

    def bounded(self, limit: int) -> list[str]:
        """Integer names that are proven to lie within `limit`."""
        return [n for n, (low, high) in self.facts.items() if -limit <= low and high <= limit]
