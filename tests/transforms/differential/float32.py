"""What a board with 32-bit floats computes, on CPython: the syntax tree with every float rounded to single precision.

As MicroPython does it there: a float literal, the result of each operation and of each call is single precision, and an
integer that meets a float is rounded to one first. Integers stay exact: a file of the `int` profile has no floats, so
its twin must answer as itself.
"""

from __future__ import annotations

import ast
import math
import operator
import struct
from collections.abc import Callable
from importlib import resources
from types import ModuleType
from typing import Any

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "Add": operator.add, "Sub": operator.sub, "Mult": operator.mul, "Div": operator.truediv,
    "FloorDiv": operator.floordiv, "Mod": operator.mod, "Pow": operator.pow, "LShift": operator.lshift,
    "RShift": operator.rshift, "BitAnd": operator.and_, "BitOr": operator.or_, "BitXor": operator.xor,
}  # fmt: skip


def single(value: Any) -> Any:
    """A float rounded to single precision; a tuple of values each; anything else as it is."""
    if isinstance(value, tuple):
        return tuple(map(single, value))
    if not isinstance(value, float):
        return value
    try:
        return struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def operate(name: str, left: Any, right: Any) -> Any:
    """One arithmetic operation as the board does it."""
    if isinstance(left, float) or isinstance(right, float) or name == "Div":
        left, right = single(float(left)), single(float(right))
    return single(OPERATORS[name](left, right))


class _Rounded(ast.NodeTransformer):
    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        return ast.Constant(single(node.value))

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        return _call("_operate", ast.Constant(type(node.op).__name__), node.left, node.right)

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.stmt:
        read = ast.parse(ast.unparse(node.target), mode="eval").body
        return ast.Assign([node.target], self.visit(ast.BinOp(read, node.op, node.value)))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        return _call("_single", node)


def _call(name: str, *arguments: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def twin(source: str) -> ast.Module:
    """The tree of a source that computes as a board with 32-bit floats does."""
    tree = ast.parse(source)
    body = tree.body
    skipped = [n for n in body if isinstance(n, ast.Import) or _declares(n)]
    rest = ast.Module([n for n in body if n not in skipped], [])
    made = _Rounded().visit(rest)
    before = ast.parse(
        "from tests.transforms.differential.float32 import operate as _operate, single as _single"
    )
    return ast.fix_missing_locations(ast.Module([*before.body, *skipped, *made.body], []))


def _declares(node: ast.stmt) -> bool:
    """Whether it is EXAMPLES or another declaration, which nobody computes with."""
    target = node.targets[0] if isinstance(node, ast.Assign) else None
    return isinstance(target, ast.Name) and target.id in ("INPUT", "OUTPUT", "EXAMPLES", "NEEDS", "MAX_ROWS")


def modules() -> dict[str, ModuleType]:
    """The twins of `kit` and `fmath`."""
    out = {}
    for name in ("kit", "fmath"):
        file = resources.files("alloy_transforms.portable").joinpath(f"{name}.py")
        module = ModuleType(name)
        exec(
            compile(twin(file.read_text("utf-8")), f"alloy_transforms/portable/{name}.py", "exec"),
            module.__dict__,
        )
        out[name] = module
    return out
