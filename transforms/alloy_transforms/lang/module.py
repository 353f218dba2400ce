"""What a portable file declares: imports, constants, contract, functions; read from its syntax tree."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from ..errors import ScriptError
from ..sandbox.contract import VARIABLE_TYPES, Field, is_name
from ..sandbox.modules import BOARDKIT_HINT
from .findings import Sink
from .fold import INEXACT, NoConstant, fold
from .nodes import BOOL, BYTES, FLOAT, INT

MODULES = ("kit", "fmath", "struct", "math", "binascii")
DECLARED = ("INPUT", "OUTPUT", "PARAMS", "STATE", "EXAMPLES", "MAX_ROWS", "NEEDS", "PROFILE")
MAX_TABLE = 4096
MAX_BITS = 128  # of an integer constant
MAX_ROWS = 64
CLOCKS = ("time", "random", "secrets", "uuid", "utime", "urandom")
SCALARS = {int: INT, float: FLOAT, bool: BOOL, bytes: BYTES}
_PROFILES = ("portable", "gateway")


@dataclass
class Module:
    """One file as declared; `kind`: record (has `transform`), map (`f`), or module."""

    name: str  # "" for the file itself
    kind: str = "module"
    doc: str = ""
    imports: dict[str, ast.AST] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)
    places: dict[str, ast.AST] = field(default_factory=dict)
    functions: dict[str, ast.FunctionDef] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=lambda: {"payload": BYTES})
    outputs: dict[str, Field] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    max_rows: int = 1
    examples: bool = False


def read(tree: ast.Module, name: str, sink: Sink) -> Module:
    """Read the module level; every fault goes to `sink`."""
    out = Module(name, doc=ast.get_docstring(tree) or "")
    for number, node in enumerate(tree.body):
        if isinstance(node, ast.FunctionDef):
            if node.name in out.functions or node.name in out.constants or node.name in MODULES:
                sink.add("L033", node, f"`{node.name}` is defined twice and")
            out.functions[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            _import(node, out, sink)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            _assign(node, out, sink)
        elif isinstance(node, ast.AsyncFunctionDef):
            sink.add("L030", node, f"`{node.name}`")
        elif isinstance(node, ast.ClassDef):
            sink.add("L004", node, f"`class {node.name}`")
        elif not (number == 0 and out.doc):
            what = "text in the middle of a file" if isinstance(node, ast.Expr) else _words(node)
            sink.add("L038", node, what)
    if "transform" in out.functions:
        out.kind = "record"
        if not out.outputs and "OUTPUT" not in out.places:
            sink.add("L118", out.functions["transform"], "OUTPUT is missing: it")
    elif "f" in out.functions:
        out.kind = "map"
    return out


def _words(node: ast.AST) -> str:
    return f"`{type(node).__name__.lower()}` at the level of the module"


def _import(node: ast.Import | ast.ImportFrom, out: Module, sink: Sink) -> None:
    if isinstance(node, ast.ImportFrom):
        hint = f"write `import {node.module}`" if node.module in MODULES else None
        sink.add("L003", node, f"`from {'.' * node.level}{node.module or ''} import`", hint)
        return
    for each in node.names:
        if each.name in CLOCKS:
            sink.add("L040", node, f"`import {each.name}`")
        elif each.name in ("micropython", "machine", "network"):
            sink.add("L048", node, f"`import {each.name}`")
        elif each.name not in MODULES:
            short = each.name[1:]
            hint = f"write `import {short}`" if each.name[:1] == "u" and short in MODULES else None
            if each.name == "boardkit":
                hint = BOARDKIT_HINT
            sink.add("L003", node, f"`import {each.name}`", hint)
        elif each.asname:
            sink.add("L003", node, f"`import {each.name} as {each.asname}`", f"write `import {each.name}`")
        else:
            out.imports[each.name] = node


def _assign(node: ast.Assign | ast.AnnAssign, out: Module, sink: Sink) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    if len(targets) != 1 or not isinstance(targets[0], ast.Name) or node.value is None:
        sink.add("L033", node, "this assignment")
        return
    name = targets[0].id
    if name in out.places or name in out.functions:
        sink.add("L033", node, f"`{name}` is written a second time and")
        return
    out.places[name] = node
    try:
        value = fold(node.value, out.constants)
    except NoConstant as fault:
        rule = {"128 bits": "L206", INEXACT: "L114"}.get(fault.reason)
        if rule is not None:
            sink.add(rule, fault.node, f"a number in `{name}`")
        else:
            sink.add("L118" if name in DECLARED else "L039", fault.node, f"a part of `{name}`")
        return
    if name in DECLARED:
        _declare(name, value, node, out, sink)
    elif not (name.isupper() or name.lstrip("_").isupper()):
        sink.add("L038", node, f"`{name} = ...` at the level of the module", "write constants in upper case")
    elif _constant(name, value, node, sink):
        out.constants[name] = value


def _constant(name: str, value: Any, node: ast.AST, sink: Sink) -> bool:
    if isinstance(value, tuple):
        kinds = {type(v) for v in value}
        if len(value) > MAX_TABLE:
            sink.add("L204", node, f"`{name}`, {len(value)} entries,")
            return False
        if len(kinds) == 1 and kinds <= {int, float, str, bool}:
            return all(_constant(name, v, node, sink) for v in value)
    elif type(value) is int and value.bit_length() >= MAX_BITS:
        sink.add("L206", node, f"`{name}`")
        return False
    elif type(value) in (int, float, bool, bytes, str):
        return True
    sink.add("L039", node, f"`{name}`")
    return False


def _declare(name: str, value: Any, node: ast.AST, out: Module, sink: Sink) -> None:
    if name == "INPUT" and _is_map(value, name, node, sink):
        for key, kind in value.items():
            if kind == "text":
                sink.add("L115", node, f'INPUT["{key}"] is text, which no tier but the sandbox has, and')
            elif kind not in (INT, FLOAT, BOOL, BYTES) or not is_name(key):
                sink.add("L115", node, f'INPUT["{key}"]')
        out.inputs = dict(value)
    elif name == "OUTPUT" and _is_map(value, name, node, sink):
        for key, spec in value.items():
            _field(key, spec, node, out, sink)
    elif name in ("PARAMS", "STATE") and _is_map(value, name, node, sink):
        allowed = (int, float, bool) if name == "STATE" else (int, float, bool, bytes)
        for key, v in value.items():
            wide = type(v) is int and not -(1 << 63) <= v < 1 << 63
            if type(v) not in allowed or not is_name(key) or wide:
                sink.add("L110" if name == "STATE" else "L111", node, f'{name}["{key}"]')
        (out.params if name == "PARAMS" else out.state).update(value)
    elif name == "MAX_ROWS":
        if type(value) is not int or not 1 <= value <= MAX_ROWS:
            sink.add("L118", node, "MAX_ROWS", f"an integer of 1 to {MAX_ROWS}")
        else:
            out.max_rows = value
    elif name == "PROFILE" and value not in _PROFILES:
        sink.add("L118", node, "PROFILE", 'PROFILE = "portable" or "gateway"')
    elif name == "EXAMPLES":
        out.examples = bool(value)


def _is_map(value: Any, name: str, node: ast.AST, sink: Sink) -> bool:
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        return True
    sink.add("L118", node, name, f"{name} is a dict whose keys are texts")
    return False


def _field(key: str, spec: Any, node: ast.AST, out: Module, sink: Sink) -> None:
    if not isinstance(spec, dict) or not isinstance(spec.get("type"), str):
        sink.add("L118", node, f'OUTPUT["{key}"]', 'write {"type": "i16"}')
        return
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in spec.items()}
    if values["type"] in VARIABLE_TYPES:
        values.setdefault("max", 255)
    try:
        out.outputs[key] = Field(name=key, **values)
    except (ScriptError, TypeError) as error:
        text = error.what if isinstance(error, ScriptError) else str(error)
        sink.add("L118", node, f'OUTPUT["{key}"]', text[:200])
