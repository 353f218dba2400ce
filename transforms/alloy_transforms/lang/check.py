"""The checker: a source in, its findings and its intermediate representation out. Pure; runs in a jailed worker."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from . import document as ir
from .analyse import Analysis
from .findings import Sink
from .general import general
from .instances import Instance
from .lower_expr import ANY
from .module import Module, read
from .program import HELPERS, SOURCES, Program
from .rules import Finding
from .signatures import call_order
from .spelling import spelling

MAX_DEPTH = 100  # of one expression; a + b + c + ... counts as nested, because it is
RECURSION = 12_000  # frames: MAX_DEPTH and 64 blocks in each of 16 functions


@dataclass(frozen=True, slots=True)
class Report:
    """What the checker says of one file.

    Attributes:
        findings: sorted by place; refusals of the language, then general lint.
        document: the IR; None where the file is refused.
        functions: what was inferred, for `--explain`; empty where the file is refused.
    """

    kind: str
    findings: tuple[Finding, ...]
    document: ir.Document | None = None
    functions: tuple[Instance, ...] = ()

    @property
    def refusals(self) -> tuple[Finding, ...]:
        """Why the file is not portable."""
        return tuple(f for f in self.findings if not f.warning)

    @property
    def accepted(self) -> bool:
        """Whether the file is portable."""
        return self.document is not None

    @property
    def numeric(self) -> str:
        """`int` or `f64`; empty where the file is refused."""
        return str(self.document["numeric"]) if self.document is not None else ""

    @property
    def digest(self) -> str:
        """SHA-256 of the IR; empty where the file is refused."""
        return ir.digest(self.document) if self.document is not None else ""


def check(
    tree: ast.Module, source: bytes, *, params: Mapping[str, Any] | None = None, numeric: str = "f64"
) -> Report:
    """Check one parsed file.

    Args:
        tree: of `source`, within the limits of `sandbox.checker`.
        source: the file's bytes; its digest is part of the IR.
        params: values that replace those of PARAMS.
        numeric: `int` refuses floats.
    """
    sink = Sink()
    name = _helper_name(source)
    with _room():
        if (deep := _too_deep(tree)) is not None:
            sink.add("L202", deep, "this expression")
            return Report("module", sink.sorted())
        spelling(source, sink)
        module = read(tree, name, sink)
        _given(module, params or {})
        program = Program(module, sink)
        calls = program.all_calls()
        general(tree, module, program, sink)
        order, cyclic = call_order(calls)
        for each in cyclic:
            function = program.function(each)
            sink.at("L013", function.line, function.column, f"`{each}`")
        analysis = Analysis(module, program.function, program.tables, sink)
        roots: list[Instance] = []
        if not sink or not _hopeless(program, order, cyclic):
            roots = _analyse(module, program, analysis)
        if sink or not roots:
            return Report(module.kind, sink.sorted())
        functions = tuple(ir.reached(analysis, roots))
        doc = ir.document(module, analysis, functions, hashlib.sha256(source).hexdigest())
        if numeric == "int" and doc["numeric"] != "int":
            _refuse_floats(functions, module, sink)
            return Report(module.kind, sink.sorted())
        return Report(module.kind, sink.sorted(), doc, functions)


def _analyse(module: Module, program: Program, analysis: Analysis) -> list[Instance]:
    """Run the entry, then what it does not reach, with everything the types allow."""
    names = [s.name for s in program.own]
    called = {callee for calls in program.all_calls().values() for callee in calls}
    first = {"record": "transform", "map": "f"}.get(module.kind, "")
    for name in sorted(names, key=lambda n: (n != first, n in called)):  # roots first, with everything
        if analysis.left >= 0 and (
            name == first or not any(i.split("[")[0] == name for i in analysis.instances)
        ):
            analysis.entry(name)
    roots = [first] if first else [n for n in names if n not in called]
    return [analysis.instances[n] for n in roots if n in analysis.instances]


def _hopeless(program: Program, order: list[str], cyclic: list[str]) -> bool:
    """Whether the file is not typed well enough to follow it; its refusals are reported as they are."""
    if cyclic:
        return True
    return any(ANY in program.function(n).types.values() for n in order) or bool(program.sink)


def _given(module: Module, params: Mapping[str, Any]) -> None:
    for key, value in params.items():
        kind = type(module.params.get(key))
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is kind:  # the loader refuses any other, with a message
            module.params[key] = value


def _helper_name(source: bytes) -> str:
    text = source.decode("utf-8", "replace")
    return next((name for name in HELPERS if SOURCES.get(name) == text), "")


def _refuse_floats(functions: tuple[Instance, ...], module: Module, sink: Sink) -> None:
    for instance in functions:
        for e in ir.expressions(instance.function.body):
            if e.type == "float" and not instance.function.module:
                sink.at("L034", e.line, e.column, "this")
    for f in module.outputs.values():
        if f.type == "f64":
            sink.add("L034", module.places.get("OUTPUT"), f"`{f.name}`")
    if not sink:
        sink.at("L034", 1, 1, "a value")


def _too_deep(tree: ast.Module) -> ast.AST | None:
    """The first expression nested deeper than `MAX_DEPTH`."""
    stack: list[tuple[ast.AST, int]] = [(tree, 0)]
    while stack:
        node, depth = stack.pop()
        depth = depth + 1 if isinstance(node, ast.expr) else 0
        if depth > MAX_DEPTH:
            return node
        stack += [(child, depth) for child in ast.iter_child_nodes(node)]
    return None


@contextlib.contextmanager
def _room() -> Iterator[None]:
    """Frames enough for what the limits allow, wherever the caller stands."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
