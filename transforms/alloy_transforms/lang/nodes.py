"""The nodes of the intermediate representation while it is made: plain objects, filled in by two passes.

The lowering makes typed nodes out of the syntax tree; the analysis writes what it proves into them: the interval
that contains every value, whether an overflow check is left, which errors can still happen. What leaves this
package is the document that `document.py` makes of them.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

Number = int | float
Const = int | float | bool | bytes
INT, FLOAT, BOOL, BYTES = "int", "float", "bool", "bytes"


class Expr:
    """One expression: `op`, operands, result type; then what is known about it.

    Attributes:
        value: constant, variable, function, table or field name; by `op`.
        lo, hi: hull of the values (int, bool), of the non-NaN values (float), of the length (bytes).
        checked: the result may lie outside 64 bits: the native tier checks and declines.
        faults: codes of the errors this node itself can end with.
    """

    __slots__ = ("args", "checked", "column", "faults", "hi", "line", "lo", "nan", "op", "type", "value")

    def __init__(
        self,
        op: str,
        type_: str,
        args: tuple[Expr, ...] = (),
        value: object = None,
        at: tuple[int, int] = (0, 0),
    ) -> None:
        self.op = op
        self.type = type_
        self.args = args
        self.value = value
        self.line, self.column = at
        self.lo: Number | None = None
        self.hi: Number | None = None
        self.nan = False
        self.checked = False
        self.faults: set[str] = set()

    def __deepcopy__(self, memo: dict[int, object]) -> Expr:
        args = tuple(copy.deepcopy(a, memo) for a in self.args)
        return Expr(self.op, self.type, args, self.value, (self.line, self.column))


class Stmt:
    """One statement: `op`, the name it writes, its expressions and blocks.

    Attributes:
        fit: the value stored is declined outside 64 bits.
        ranges: of a row that leaves: fields whose value may not fit their type (`data.range`).
        trips: of a loop: most iterations that are possible; None: not known.
    """

    __slots__ = (
        "blocks",
        "column",
        "exprs",
        "faults",
        "fit",
        "line",
        "op",
        "ranges",
        "reached",
        "trips",
        "value",
    )

    def __init__(
        self,
        op: str,
        value: object = None,
        exprs: tuple[Expr, ...] = (),
        blocks: tuple[list[Stmt], ...] = (),
        at: tuple[int, int] = (0, 0),
    ) -> None:
        self.op = op
        self.value = value
        self.exprs = exprs
        self.blocks = blocks
        self.line, self.column = at
        self.fit = False
        self.faults: set[str] = set()
        self.ranges: set[str] = set()
        self.trips: int | None = 0
        self.reached = False

    def __deepcopy__(self, memo: dict[int, object]) -> Stmt:
        exprs = tuple(copy.deepcopy(e, memo) for e in self.exprs)
        blocks = tuple([copy.deepcopy(s, memo) for s in block] for block in self.blocks)
        return Stmt(self.op, self.value, exprs, blocks, (self.line, self.column))


@dataclass
class Function:
    """One function: of the file, or of `kit` or `fmath` as `kit.u8`."""

    name: str
    module: str  # "" for the file itself
    params: list[tuple[str, str]]
    result: str  # int, float, bool or row
    body: list[Stmt] = field(default_factory=list)
    types: dict[str, str] = field(default_factory=dict)  # of every variable
    looped: set[str] = field(default_factory=set)  # variables assigned inside a loop: 64 bits
    constants: set[int] = field(default_factory=set)  # integers written in it
    calls: set[str] = field(default_factory=set)
    loops: bool = False
    generator: bool = False  # rows are yielded
    line: int = 0
    column: int = 0

    def clone(self) -> Function:
        """The same function with nodes of its own."""
        return Function(
            self.name, self.module, self.params, self.result, copy.deepcopy(self.body), self.types,
            self.looped, self.constants, self.calls, self.loops, self.generator, self.line, self.column,
        )  # fmt: skip
