"""Signatures of functions by their annotations, and which function a call means."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from .findings import Sink
from .module import Module
from .nodes import BOOL, BYTES, FLOAT, INT

ROW, STATE = "row", "state"
_SCALARS = {"int": INT, "float": FLOAT, "bool": BOOL}


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameters and result of one function; `name` is `kit.u8` for those of modules."""

    name: str
    module: str
    params: tuple[tuple[str, str], ...]
    result: str
    node: ast.FunctionDef


def signatures(module: Module, sink: Sink) -> dict[str, Signature]:
    """The signatures of a module's functions; faults of their heads go to `sink`."""
    out = {}
    for name, node in module.functions.items():
        full = f"{module.name}.{name}" if module.name else name
        out[full] = _signature(full, module, node, sink)
    return out


def _signature(full: str, module: Module, node: ast.FunctionDef, sink: Sink) -> Signature:
    for decorator in node.decorator_list:
        sink.add("L029", decorator, f"`@{ast.unparse(decorator)[:40]}`")
    if getattr(node, "type_params", None):  # Python 3.12
        sink.add("L001", node, f"`{node.name}` with parameters of type")
    a = node.args
    if a.vararg or a.kwarg or a.kwonlyargs or a.posonlyargs or a.defaults:
        sink.add("L011", node, f"the head of `{node.name}`")
    entry = module.kind == "record" and node.name == "transform"
    params = tuple((p.arg, _parameter(p, node.name, entry, module, sink)) for p in [*a.posonlyargs, *a.args])
    got = ast.unparse(node.returns) if node.returns is not None else ""
    if entry:
        _entry(params, got, node, module, sink)
        return Signature(full, module.name, params, ROW, node)
    if got not in _SCALARS:
        sink.add("L012", node.returns or node, f"the result of `{node.name}`")
    if module.kind == "map" and node.name == "f":
        other = next((name for name, kind in params if kind in (INT, BOOL, BYTES)), "")
        if got != "float" or not params or other:
            what = f"the parameter `{other}` of `f`" if other else "the head of `f`"
            sink.add("L123", node, what)
    return Signature(full, module.name, params, _SCALARS.get(got, "?"), node)


def _parameter(p: ast.arg, function: str, entry: bool, module: Module, sink: Sink) -> str:
    if p.annotation is None:
        sink.add("L012", p, f"the parameter `{p.arg}` of `{function}`")
        return module.inputs.get(p.arg, "?") if entry else "?"
    got = ast.unparse(p.annotation)
    if entry and p.arg == "s" and got == "dict":
        return STATE
    if got == "bytes":
        return BYTES
    if got not in _SCALARS:
        sink.add("L012", p.annotation, f"`{p.arg}: {got[:40]}`")
    return _SCALARS.get(got, "?")


def _entry(
    params: tuple[tuple[str, str], ...], got: str, node: ast.FunctionDef, module: Module, sink: Sink
) -> None:
    wanted = [*module.inputs.items(), *([("s", STATE)] if module.state else [])]
    if [name for name, _ in params] != [name for name, _ in wanted]:
        sink.add("L115", node, f"({', '.join(name for name, _ in params)}), the parameters of `transform`,")
    else:
        for (name, kind), (_, want), p in zip(params, wanted, node.args.args, strict=False):
            if kind not in (want, "?"):
                sink.add("L115", p, f"`{name}: {kind}`", f"INPUT says {want}" if want != STATE else "s: dict")
    if got != "dict":
        sink.add("L012", node.returns or node, "the result of `transform`", "def transform(...) -> dict:")


def call_order(calls: dict[str, set[str]]) -> tuple[list[str], list[str]]:
    """Functions with callees first, and those that are part of a cycle; by name where the order is free."""
    order: list[str] = []
    cyclic: list[str] = []
    state: dict[str, int] = {}
    for root in sorted(calls):
        stack = [(root, False)]
        while stack:
            name, done = stack.pop()
            if done:
                if state[name] != 2:
                    state[name] = 2
                    order.append(name)
                continue
            if state.get(name):
                continue
            state[name] = 1
            stack.append((name, True))
            for callee in sorted(calls[name], reverse=True):
                if state.get(callee) == 1 and (callee == name or (callee, True) in stack):
                    cyclic.append(name)
                elif callee in calls and not state.get(callee):
                    stack.append((callee, False))
    return order, cyclic
