"""The intermediate representation as a document: plain values, one form for one program, and its digest.

Described in `docs/ir.md`. Nothing in it depends on the order of a set, on a clock or on the Python that made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from ..sandbox.contract import Field
from .analyse import Analysis, field_limits
from .evaluate import clamp
from .instances import Instance
from .module import Module
from .nodes import BYTES, FLOAT, INT, Expr, Stmt
from .state import MAX_INPUT, Value

VERSION = 1
"""Of the document; a change that an older reader would misread makes it greater."""
Document = dict[str, Any]


def document(module: Module, analysis: Analysis, order: Sequence[Instance], source_sha256: str) -> Document:
    """The document of one analysed program."""
    functions = [_function(i) for i in order]
    tables = sorted({name for i in order for name in _tables(i.function.body)})
    floats = any(_floats(i) for i in order) or any(f.type == "f64" for f in module.outputs.values())
    floats = floats or FLOAT in module.inputs.values() or any(type(v) is float for v in module.state.values())
    record = module.kind == "record"
    return {
        "ir": VERSION,
        "kind": module.kind,
        "numeric": "f64" if floats else "int",
        "source": source_sha256,
        "entry": {"record": "transform", "map": "f"}.get(module.kind, ""),
        "inputs": [[name, kind] for name, kind in module.inputs.items()] if record else [],
        "max_input": MAX_INPUT,
        "outputs": [_output(module, f) for f in module.outputs.values()] if record else [],
        "params": [[k, scalar(v)] for k, v in module.params.items()],
        "state": [[k, type(v).__name__, scalar(v)] for k, v in module.state.items()],
        "max_rows": module.max_rows,
        "tables": [[name, _table(analysis.tables[name])] for name in tables],
        "functions": functions,
    }


def encode(doc: Document) -> bytes:
    """The one encoding of a document: JSON, sorted keys, no blanks, ASCII; floats are texts by then."""
    return json.dumps(doc, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def digest(doc: Document) -> str:
    """SHA-256 of the encoding, hexadecimal."""
    return hashlib.sha256(encode(doc)).hexdigest()


def scalar(value: object) -> Any:
    """A constant: integers and bools as they are, floats and bytes under a key that says so."""
    if type(value) is float:
        return {"f64": value.hex()}
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _table(entries: tuple[Any, ...]) -> list[Any]:
    return [scalar(v) for v in entries]


def _output(module: Module, f: Field) -> Document:
    limits = field_limits(module, f.name)
    out: Document = {"name": f.name, "type": f.type, "optional": f.optional}
    return out if limits is None else {**out, "lo": limits[0], "hi": limits[1]}


def _interval(value: Value) -> Document:
    if len(value) == 3:
        return {"lo": scalar(float(value[0])), "hi": scalar(float(value[1])), "nan": bool(value[2])}
    return {"lo": value[0], "hi": value[1]}


def _function(instance: Instance) -> Document:
    function = instance.function
    hulls = instance.hulls
    params = [[n, kind, _interval(hulls[n])] for n, kind in function.params if kind != "state"]
    given = {n for n, _ in function.params}
    variables = [
        [n, kind, _interval(hulls[n])]
        for n, kind in sorted(function.types.items())
        if n in hulls and n not in given
    ]
    rows = sorted(n for n, kind in function.types.items() if kind == "row")
    result = None if instance.result is None or function.result == "row" else _interval(instance.result)
    return {
        "name": instance.name,
        "params": params,
        "result": [function.result, result],
        "vars": variables,
        "rows": rows,
        "body": _block(function.body),
    }


def _block(body: list[Stmt]) -> list[Document]:
    out = []
    for s in body:
        if not s.reached:
            out.append({"s": "never"})
            break
        out.append(_stmt(s))
    return out


def _stmt(s: Stmt) -> Document:
    out: Document = {"s": s.op, "at": [s.line, s.column]}
    if s.faults:
        out["faults"] = sorted(s.faults)
    if s.fit:
        out["fit"] = True
    if s.op in ("set", "keep", "row", "raise", "emit"):
        out["to" if s.op in ("set", "keep") else "code" if s.op == "raise" else "row"] = s.value
    if s.op == "put":
        assert isinstance(s.value, tuple)
        out["row"], out["field"] = s.value
    if s.op == "emit":
        out["ranges"] = sorted(s.ranges)
    if s.op in ("frexp", "modf"):
        assert isinstance(s.value, tuple)
        out["to"] = list(s.value)
    if s.op == "unpack":
        assert isinstance(s.value, tuple)
        out["format"], out["to"] = s.value[0], list(s.value[1])
    if s.op == "for":
        assert isinstance(s.value, tuple)
        out["to"], out["step"] = s.value
        out["trips"] = s.trips
    if s.op == "if":
        out["arms"] = [[_expr(t), _block(b)] for t, b in zip(s.exprs, s.blocks, strict=False)]
        out["else"] = _block(s.blocks[-1])
        return out
    if s.exprs:
        out["e"] = [_expr(e) for e in s.exprs]
    if s.blocks:
        out["body"] = _block(s.blocks[0])
    return out


def _expr(e: Expr) -> Document:
    if e.lo is None or e.hi is None:
        return {"o": "never", "t": e.type}
    out: Document = {"o": e.op, "t": e.type}
    if e.op == "const":
        out["v"] = scalar(e.value)
        return out
    if e.value is not None and e.op != "ldexp":
        out["v"] = list(e.value) if isinstance(e.value, tuple) else e.value
    if e.type == FLOAT:
        out |= _interval((float(e.lo), float(e.hi), e.nan))
    elif e.checked:  # in every call, though only some of them need the check
        out |= _interval(clamp((int(e.lo), int(e.hi))))
    elif e.op != "var" or e.type != BYTES:
        out |= {"lo": e.lo, "hi": e.hi}
    if e.checked:
        out["checked"] = True
    if e.faults:
        out["faults"] = sorted(e.faults)
        out["at"] = [e.line, e.column]
    if e.args:
        out["a"] = [_expr(a) for a in e.args]
    return out


def reached(analysis: Analysis, roots: Sequence[Instance]) -> list[Instance]:
    """The functions that are reached, callees first."""
    out: dict[str, Instance] = {}

    def visit(instance: Instance) -> None:
        for name in _calls(instance.function.body):
            if name not in out:
                visit(analysis.instances[name])
        out[instance.name] = instance

    for root in roots:
        if root.name not in out:
            visit(root)
    return list(out.values())


def expressions(body: list[Stmt]) -> list[Expr]:
    """Every expression that is reached, in source order."""
    out: list[Expr] = []
    stack: list[Expr | Stmt] = [*reversed(body)]
    while stack:
        node = stack.pop()
        if isinstance(node, Expr):
            if node.lo is not None:
                out.append(node)
                stack += reversed(node.args)
        elif node.reached:
            stack += [s for b in reversed(node.blocks) for s in reversed(b)]
            stack += reversed(node.exprs)
    return out


def _calls(body: list[Stmt]) -> list[str]:
    return list(dict.fromkeys(str(e.value) for e in expressions(body) if e.op == "call"))


def _tables(body: list[Stmt]) -> set[str]:
    return {str(e.value) for e in expressions(body) if e.op == "table"}


def _floats(instance: Instance) -> bool:
    kinds = {e.type for e in expressions(instance.function.body)}
    return FLOAT in kinds or FLOAT in instance.function.types.values()


ARITHMETIC = frozenset(
    (
        "add",
        "sub",
        "mul",
        "neg",
        "abs",
        "floordiv",
        "mod",
        "pow",
        "shl",
        "invert",
        "trunc",
        "floor",
        "ceil",
        "round",
    )
)
"""Operations whose result may leave 64 bits."""


def counts(instances: list[Instance]) -> dict[str, int]:
    """How many integer operations there are, how many are proven, how many errors are left."""
    nodes = [e for i in instances for e in expressions(i.function.body)]
    whole = [e for e in nodes if e.type == INT and e.op in ARITHMETIC]
    return {
        "operations": len(whole),
        "checked": sum(e.checked for e in whole),
        "wide": sum(not e.checked and not -(1 << 63) <= (e.lo or 0) <= (e.hi or 0) < 1 << 63 for e in whole),
        "faults": sum(bool(e.faults) for e in nodes),
    }
