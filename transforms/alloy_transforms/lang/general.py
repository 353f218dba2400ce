"""General lint: what is odd in a transform of any profile. Looks at the syntax tree alone."""

from __future__ import annotations

import ast

from .findings import Sink
from .module import Module
from .program import Program


def general(tree: ast.Module, module: Module, program: Program | None, sink: Sink) -> None:
    """Lint one file; `program` where it is checked as portable."""
    if not module.doc:
        sink.at("G304", 1, 1, "")
    if module.kind == "record" and "EXAMPLES" not in module.places:
        sink.add("G303", module.functions["transform"], "")
    read = _names_read(tree)
    for name, node in module.imports.items():
        if name not in read:
            sink.add("G305", node, f"`import {name}`")
    for name, node in module.places.items():
        if name in module.constants and name not in read:
            sink.add("G305", node, f"`{name}`")
    if module.kind != "module":
        for name, function in module.functions.items():
            if name not in read and name not in ("transform", "f"):
                sink.add("G305", function, f"`{name}`")
    for function in module.functions.values():
        _variables(function, function.name == "transform", sink)
        _unreachable(function.body, sink)
    if module.kind == "record":
        _contract(module, module.functions["transform"], program, sink)


def _names_read(tree: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _variables(function: ast.FunctionDef, entry: bool, sink: Sink) -> None:
    read = _names_read(function)
    for p in function.args.args:
        if p.arg not in read and not p.arg.startswith("_") and not (entry and p.arg == "s"):
            if entry:
                sink.add("G301", p, f"`{p.arg}`")
            else:
                sink.add("G305", p, f"the parameter `{p.arg}`")
    seen: set[str] = set()
    for n in ast.walk(function):
        if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id not in read | seen:
            seen.add(n.id)
            if not n.id.startswith("_"):
                sink.add("G305", n, f"`{n.id}`")


def _unreachable(body: list[ast.stmt], sink: Sink) -> None:
    for number, node in enumerate(body):
        for inner in ("body", "orelse", "finalbody"):
            _unreachable(getattr(node, inner, []), sink)
        if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue) and number + 1 < len(body):
            sink.add("G302", body[number + 1], "this")


def _contract(module: Module, entry: ast.FunctionDef, program: Program | None, sink: Sink) -> None:
    text = {n.value for n in ast.walk(entry) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    everywhere = {
        n.value
        for f in module.functions.values()
        for n in ast.walk(f)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }
    if program is not None:  # other files may compute their keys
        for name in module.outputs:
            if name not in program.rows_set:
                sink.add("G306", module.places["OUTPUT"], f"`{name}`")
    for key in module.state:
        if key not in text:
            sink.add("G307", module.places["STATE"], f'STATE["{key}"]')
    for key in module.params:
        if key not in everywhere:
            sink.add("G307", module.places["PARAMS"], f'PARAMS["{key}"]')
