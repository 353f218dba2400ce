"""Generated programs changed at random: what the generator, which follows types and names, would never write.

The checker refuses most of them. One that it accepts answers like any other program: the same in every tier.
"""

from __future__ import annotations

import ast
import copy
import itertools
import sys
from collections.abc import Callable, Iterator
from functools import partial
from types import CodeType, FrameType
from typing import Any
from unittest.mock import patch

from tests.transforms.programs.chance import FLOATS, INTS, SPECIAL, WIDE, Chance
from tests.transforms.programs.program import Program, generate

from alloy_transforms.lang.check import check
from alloy_transforms.portable import fmath, kit

INPUTS = 25
MAX_LINES = 100_000
"""Lines that all inputs of a program together may run: a change can make a loop endless."""
NAMES = (
    "len", "range", "min", "abs", "int", "float", "bool", "round", "math", "kit", "struct", "fmath", "PARAMS",
    "STATE", "ValueError", "IndexError", "s", "out", "payload", "n", "m", "x", "on", "h0", "h1", "transform", "f",
    "C0", "C1", "i1", "i2", "f1", "t1", "d1", "a0", "a1",
)  # fmt: skip
LINES = (
    "len = 3", "range = 3", "n = n + 1", "i1 = len(payload)", "i2 = h0(1)", "h0 = 2", "raise ValueError", "out = {}",
    "return 0", "return out", "yield out", "continue", "break", "x = math.pi", "for i1 in range(3): pass",
    "for n in range(i1, 3): n = n - 1", "i1 = C0 ** 2", "i1 = C0", "i1 = -i1", "i1 = payload[i1]", "i1 = i1 // i2",
    "i1 = ~i1", "i1 = i1 << i2", "i1 = int(f1)", "i1 = round(f1)", "i1 = int(t1)", "f1 = 1.5", "f1 = -f1",
    "f1 = f1 % f2", "f1 = min(f1, 0.0)", "f1, i1 = math.frexp(f1)", "t1 = 'o0' in out", "t1 = not t1",
    "d1 = payload[i1:i1 + 2]", "d1 = d1[1:3]", "s['k0'] = 1", "kit.span(payload, 0, 2)",
)  # fmt: skip
ARITHMETIC = (
    ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.Div, ast.BitAnd, ast.BitOr, ast.BitXor, ast.LShift,
    ast.RShift, ast.Pow,
)  # fmt: skip
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)


def changed(seed: int) -> Program | None:
    """A generated program with one to three changes; None: it is none, is refused, or does not end soon."""
    chance = Chance(-seed)
    of = generate(seed, INPUTS)
    change = Change(copy.deepcopy(of.tree), chance)
    for _ in range(chance.choice((1, 1, 2, 3))):
        change.one()
    try:
        source = ast.unparse(ast.fix_missing_locations(change.tree))
        tree = ast.parse(source)
        code = compile(source, "t.py", "exec")
    except (SyntaxError, ValueError):
        return None
    out = Program(seed, source, of.kind, of.wild, of.inputs, tree)
    if check(tree, source.encode()).document is None or not ends(out, code):
        return None
    return out


class Change:
    """Changes the functions of a tree in place."""

    def __init__(self, tree: ast.Module, chance: Chance) -> None:
        self.tree = tree
        self.chance = chance

    def one(self) -> None:
        """One change of any kind."""
        ways = (
            (5, self._name), (2, self._parameter), (2, self._number), (2, self._operator), (2, self._comparison),
            (2, self._delete), (2, self._copy), (2, self._swap), (3, self._expression), (4, self._line),
        )  # fmt: skip
        self.chance.among(ways)()

    def _nodes(self, *kinds: type[ast.AST]) -> list[Any]:
        functions = [f for f in self.tree.body if isinstance(f, ast.FunctionDef)]
        return [n for f in functions for n in ast.walk(f) if isinstance(n, kinds)]

    def _block(self) -> list[ast.stmt]:
        blocks = [getattr(n, part, None) for n in self._nodes(ast.stmt) for part in ("body", "orelse")]
        return self.chance.choice([b for b in blocks if b])

    def _name(self) -> None:
        names = [n for n in self._nodes(ast.Name) if not n.id.startswith("j")]  # not the counters of loops
        if names:
            self.chance.choice(names).id = self.chance.choice([*sorted({n.id for n in names}), *NAMES])

    def _parameter(self) -> None:
        parameters = self._nodes(ast.arg)
        if parameters:
            self.chance.choice(parameters).arg = self.chance.choice(NAMES)

    def _number(self) -> None:
        numbers = [n for n in self._nodes(ast.Constant) if type(n.value) in (int, float)]
        if numbers:
            self.chance.choice(numbers).value = abs(self.chance.choice((*INTS, *WIDE, *FLOATS, *SPECIAL[:2])))

    def _operator(self) -> None:
        nodes = self._nodes(ast.BinOp)
        if nodes:
            self.chance.choice(nodes).op = self.chance.choice(ARITHMETIC)()

    def _comparison(self) -> None:
        nodes = self._nodes(ast.Compare)
        if nodes:
            node = self.chance.choice(nodes)
            node.ops[self.chance.randrange(len(node.ops))] = self.chance.choice(ORDER)()

    def _delete(self) -> None:
        block = self._block()
        if len(block) > 1:
            del block[self.chance.randrange(len(block))]

    def _copy(self) -> None:
        self._insert(copy.deepcopy(self.chance.choice(self._block())))

    def _line(self) -> None:
        body: Any = ast.parse(f"def f():\n  while 1:\n    {self.chance.choice(LINES)}").body[0]
        self._insert(body.body[0].body[0])

    def _insert(self, statement: ast.stmt) -> None:
        block = self._block()
        block.insert(self.chance.randrange(len(block) + 1), statement)

    def _swap(self) -> None:
        block = self._block()
        if len(block) > 1:
            at = self.chance.randrange(len(block) - 1)
            block[at], block[at + 1] = block[at + 1], block[at]

    def _expression(self) -> None:
        """An expression stands where another was, of whatever type."""
        places = list(self._places())
        if places:
            put, _ = self.chance.choice(places)
            put(copy.deepcopy(self.chance.choice(places)[1]))

    def _places(self) -> Iterator[tuple[Callable[[ast.expr], object], ast.expr]]:
        for node in self._nodes(ast.stmt, ast.expr):
            for name, value in ast.iter_fields(node):
                if name in ("target", "targets", "returns", "decorator_list"):
                    continue
                if isinstance(value, ast.expr):
                    yield partial(setattr, node, name), value
                elif isinstance(value, list):
                    for at, item in enumerate(value):
                        if isinstance(item, ast.expr):
                            yield partial(value.__setitem__, at), item


class _TooLongError(BaseException):
    pass


def ends(program: Program, code: CodeType) -> bool:
    """Whether all inputs together run at most `MAX_LINES` lines of the program."""
    left = MAX_LINES

    def trace(frame: FrameType, event: str, arg: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != "t.py":
            return None
        left -= 1
        if left < 0:
            raise _TooLongError
        return trace

    names: dict[str, Any] = {}
    before = sys.gettrace()
    try:
        with patch.dict(sys.modules, {"kit": kit, "fmath": fmath}):
            exec(code, names)
        sys.settrace(trace)
        for given in program.inputs:
            _call(names, program.kind, given)
    except _TooLongError:
        return False
    finally:
        sys.settrace(before)
    return True


def _call(names: dict[str, Any], kind: str, given: Any) -> None:
    state = names.get("STATE")
    try:
        made = names["f" if kind == "map" else "transform"](*given, *([dict(state)] if state else ()))
        if not isinstance(made, float | dict):
            list(itertools.islice(made, 100))
    except Exception:  # any answer will do here
        pass
