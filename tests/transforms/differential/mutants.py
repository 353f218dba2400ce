"""Faults planted in a transform, one at a time: what generated inputs must be able to tell from the original."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from functools import partial

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
}  # fmt: skip
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult, ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitXor, ast.Div: ast.Mult,
}  # fmt: skip


def mutants(source: str) -> Iterator[tuple[str, Callable[[], ast.Module]]]:
    """(where and what, maker of the tree) of every fault; call the maker before the next one is asked for.

    A fault is a number that is one greater, a comparison or an operation of another kind.
    """
    tree = ast.parse(source)
    functions = [n for n in tree.body if isinstance(n, ast.FunctionDef)]
    places = [n for f in functions for n in ast.walk(f) if type(n) in (ast.Constant, ast.Compare, ast.BinOp)]
    for place in places:
        kept = copy.copy(place)
        if (what := _spoil(place)) is not None:
            yield f"line {place.lineno}: {what}", partial(_bounded, tree)
            place.__dict__.update(kept.__dict__)


def _bounded(tree: ast.Module) -> ast.Module:
    """A copy where a loop that has lost its end raises MemoryError: a call gets 3,000 iterations."""
    out = copy.deepcopy(tree)
    for function in out.body:
        loops = [n for n in ast.walk(function) if isinstance(n, ast.While)]
        for loop in loops:
            loop.body[:0] = ast.parse("_left -= 1\nif _left < 0:\n    raise MemoryError").body
        if loops and isinstance(function, ast.FunctionDef):
            function.body[:0] = ast.parse("_left = 3_000").body
    return ast.fix_missing_locations(out)


def _spoil(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        node.value = node.value + 1
        return f"{node.value - 1} became {node.value}"
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
        before = type(node.ops[0])
        node.ops = [_COMPARISONS[before]()]
        return f"{before.__name__} became {type(node.ops[0]).__name__}"
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        before_op = type(node.op)
        node.op = _OPERATORS[before_op]()
        return f"{before_op.__name__} became {type(node.op).__name__}"
    return None
