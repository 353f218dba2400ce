"""Constants of a module read without running it: literals, names of earlier constants, bounded arithmetic."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

MAX_BITS = (
    1100  # of what is computed on the way: 3 / 2**200 is a float; the value itself is bounded elsewhere
)
INEXACT = "no float holds it"
_OPERATORS: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.Pow: operator.pow,
}


class NoConstant(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The expression is no constant; carries the node that is not."""

    def __init__(self, node: ast.AST, reason: str = "") -> None:
        super().__init__(reason)
        self.node = node
        self.reason = reason


def fold(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of a constant expression.

    Raises:
        NoConstant: it is none, or its value is not bounded.
    """
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if isinstance(node, ast.Tuple):
        return tuple(fold(e, names) for e in node.elts)
    if isinstance(node, ast.List):
        return [fold(e, names) for e in node.elts]
    if isinstance(node, ast.Dict):
        out = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None or not isinstance(name := fold(key, names), str | int):
                raise NoConstant(node)
            out[name] = fold(value, names)
        return out
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Invert | ast.Not):
        return _unary(node, fold(node.operand, names))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _binary(node, fold(node.left, names), fold(node.right, names))
    raise NoConstant(node)


def _exact(value: int) -> bool:
    """Whether a float holds an integer: boards divide floats, CPython the integers."""
    try:
        return int(float(value)) == value
    except OverflowError:
        return False


def _unary(node: ast.UnaryOp, value: Any) -> Any:
    if type(value) is int:
        return {ast.USub: -value, ast.UAdd: value, ast.Invert: ~value, ast.Not: not value}[type(node.op)]
    if type(value) is float and isinstance(node.op, ast.USub):
        return -value
    raise NoConstant(node)


def _binary(node: ast.BinOp, left: Any, right: Any) -> Any:
    if type(left) not in (int, float) or type(right) not in (int, float):
        raise NoConstant(node)
    if isinstance(node.op, ast.Pow) and not (type(left) is type(right) is int and 0 <= right <= MAX_BITS):
        raise NoConstant(node)
    if isinstance(node.op, ast.LShift) and not 0 <= right <= MAX_BITS:
        raise NoConstant(node)
    for side in (left, right):
        if type(side) is int and side.bit_length() > MAX_BITS:
            raise NoConstant(node, "128 bits")
    floats = isinstance(node.op, ast.Div) or type(left) is not type(right)
    if floats and not all(type(side) is float or _exact(side) for side in (left, right)):
        raise NoConstant(node, INEXACT)
    try:
        return _OPERATORS[type(node.op)](left, right)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise NoConstant(node, str(error)) from None
