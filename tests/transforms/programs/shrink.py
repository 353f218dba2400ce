"""Makes a program smaller while it still differs: what is left is short enough to be read.

One change at a time: a statement dropped, a block in the place of its `if` or loop, an operand in the place of its
expression, a field of OUTPUT taken out. What the checker refuses is no candidate. Candidates are asked about in
groups, because a crate is built for many as fast as for one.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.transforms.programs.answers import RefusedError
from tests.transforms.programs.boards import on_vm
from tests.transforms.programs.program import Program, written
from tests.transforms.programs.suite import QUICK, Case, Mutate, build, prepare
from tests.transforms.programs.tiers import Difference, interpreted, native

Differs = Callable[[list[Case]], list[bool]]
GROUP = 40
MAX_ROUNDS = 80


def shrink(program: Program, differs: Differs) -> Program:
    """The smallest program that is reached and for which `differs` still holds."""
    for whole in (True, False):  # statements first: what is left of them then has few expressions
        for _ in range(MAX_ROUNDS):
            smaller = _smaller(program, differs, whole)
            if smaller is None:
                break
            program = smaller
    return program


def _smaller(program: Program, differs: Differs, whole: bool) -> Program | None:
    sources = sorted(
        {s for s in variants(program.tree, whole) if len(s) < len(program.source)}, key=lambda s: (len(s), s)
    )
    group: list[Case] = []
    for number, source in enumerate(sources, 1):
        case = _candidate(source, program)
        group += [case] if case is not None else []
        if group and (len(group) == GROUP or number == len(sources)):
            for case, holds in zip(group, differs(group), strict=True):
                if holds:
                    return case.program
            group = []
    return None


def _candidate(source: str, program: Program) -> Case | None:
    try:
        compile(source, "t.py", "exec")  # a `break` may have lost its loop
        return prepare(written(source, program.inputs, program.seed))
    except (SyntaxError, RefusedError):
        return None


def variants(tree: ast.Module, whole: bool) -> Iterator[str]:
    """Every source that is one change smaller; with `whole`, of a statement or a field. The tree is put right again."""
    for node in list(ast.walk(tree)):
        for name, value in list(ast.iter_fields(node)):
            if isinstance(value, list):
                yield from _in_list(tree, node, name, value, whole)
            elif isinstance(value, ast.expr) and not whole:
                for child in _operands(value):
                    setattr(node, name, child)
                    yield ast.unparse(tree)
                setattr(node, name, value)
    for key in _fields(tree):
        yield ast.unparse(ast.fix_missing_locations(_Without(key).visit(copy.deepcopy(tree))))


def _in_list(tree: ast.Module, node: ast.AST, name: str, items: list[Any], whole: bool) -> Iterator[str]:
    for at, item in enumerate(items):
        instead: list[list[Any]] = []
        if isinstance(item, ast.stmt) and not (at == 0 and isinstance(node, ast.Module)):
            instead.append([] if len(items) > 1 else [ast.Pass()])
            if isinstance(item, ast.If | ast.For | ast.While):
                instead += [item.body, *([item.orelse] if item.orelse else [])]
        elif isinstance(item, ast.expr) and not whole:
            instead += [[child] for child in _operands(item)]
            if isinstance(node, ast.BoolOp) and len(items) > 2:
                instead.append([])
        for new in instead:
            setattr(node, name, [*items[:at], *new, *items[at + 1 :]])
            yield ast.unparse(tree)
    setattr(node, name, items)


def _operands(e: ast.expr) -> list[ast.expr]:
    """What may stand for an expression: its parts, and a small constant."""
    parts = [child for child in ast.iter_child_nodes(e) if isinstance(child, ast.expr)]
    return [] if isinstance(e, ast.Constant | ast.Name) else [*parts, ast.Constant(1)]


def _fields(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "OUTPUT"
            and isinstance(node.value, ast.Dict)
        ):
            return [
                k.value for k in node.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)
            ]
    return []


class _Without(ast.NodeTransformer):
    """Takes one field out of OUTPUT and out of every row."""

    def __init__(self, key: str) -> None:
        self.key = key

    def _is(self, node: ast.expr | None) -> bool:
        return isinstance(node, ast.Constant) and node.value == self.key

    def visit_Dict(self, node: ast.Dict) -> ast.Dict:
        kept = [(k, v) for k, v in zip(node.keys, node.values, strict=True) if not self._is(k)]
        return ast.Dict([k for k, _ in kept], [v for _, v in kept])

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        target = node.targets[0]
        if isinstance(target, ast.Subscript) and self._is(target.slice):
            return ast.Pass()
        self.generic_visit(node)
        return node


def differs_in(tier: str, folder: Path, mutate: Mutate | None = None) -> Differs:
    """Whether programs differ from CPython in a tier."""

    def one(case: Case) -> bool:
        try:
            (program,) = build([case], folder, QUICK, mutate)
        except (RuntimeError, OSError, ValueError):
            return tier == "rustc"
        return tier == "native" and any(native(case.program, program, case.answers))

    def all_(cases: list[Case]) -> list[bool]:
        if tier == "ir":
            return [any(interpreted(c.program, c.document, c.answers)) for c in cases]
        if tier == "vm":
            results = on_vm([(c.program, c.answers) for c in cases])
            return [any(list(islice(results, len(c.answers)))) for c in cases]
        if tier == "rustc":
            return [one(c) for c in cases]
        try:
            programs = build(cases, folder, QUICK, mutate)
        except (RuntimeError, OSError, ValueError):
            return [one(c) for c in cases]
        return [any(native(c.program, p, c.answers)) for c, p in zip(cases, programs, strict=True)]

    return all_


def shrunk(difference: Difference, folder: Path, mutate: Mutate | None = None) -> str:
    """A difference as people want to see it: seed, input, and the smallest program that shows it."""
    whole = difference.program
    inputs = whole.inputs[: difference.index + 1]
    differs = differs_in(difference.tier, folder / "shrink", mutate)
    for fewer in (inputs[-1:], inputs):  # with STATE the inputs before may matter
        case = prepare(written(whole.source, fewer, whole.seed))
        if case is not None and differs([case])[0]:
            small = shrink(case.program, differs)
            return f"{difference}\nthe smallest program that shows it, inputs {list(fewer)}:\n{small.source}"
    return f"{difference}\nthe program:\n{whole.source}"
