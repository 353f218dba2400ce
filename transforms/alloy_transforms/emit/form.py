"""Checks the bodies of a document: every name known, every operand of its type, nothing too deep or too large."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..lang.formats import parse
from .layout import BOOL, BYTES, FLOAT, I64, INT, Doc, Function, Layout, constant, hull, malformed

MAX_DEPTH = 400  # of expressions and blocks together
MAX_NODES = 200_000
_NUMBERS = (INT, FLOAT)
_CODES = ("data.div", "data.index", "data.value", "data.overflow", "data.range", "data.length")

_SAME = frozenset(("add", "sub", "mul", "floordiv", "mod", "neg", "abs", "min", "max"))
_SIGNATURES: Mapping[str, tuple[tuple[str, ...], str]] = {
    "div": ((FLOAT, FLOAT), FLOAT), "not": ((BOOL,), BOOL), "index": ((BYTES, INT), INT),
    "slice": ((BYTES, INT, INT), BYTES), "len": ((BYTES,), INT), "crc32": ((BYTES,), INT),
    "tofloat": ((INT,), FLOAT), "toint": ((BOOL,), INT), "trunc": ((FLOAT,), INT), "floor": ((FLOAT,), INT),
    "ceil": ((FLOAT,), INT), "round": ((FLOAT,), INT), "sqrt": ((FLOAT,), FLOAT), "fabs": ((FLOAT,), FLOAT),
    "fmod": ((FLOAT, FLOAT), FLOAT), "copysign": ((FLOAT, FLOAT), FLOAT), "ldexp": ((FLOAT, INT), FLOAT),
    "isnan": ((FLOAT,), BOOL), "isinf": ((FLOAT,), BOOL), "isfinite": ((FLOAT,), BOOL),
    "band": ((INT, INT), INT), "bor": ((INT, INT), INT), "bxor": ((INT, INT), INT), "shl": ((INT, INT), INT),
    "shr": ((INT, INT), INT), "invert": ((INT,), INT), "pow": ((INT,), INT),
}  # fmt: skip
_FAULTS: Mapping[str, tuple[str, ...]] = {
    "floordiv": ("data.div",), "mod": ("data.div",), "div": ("data.div",), "index": ("data.index",),
    "table": ("data.index",), "shl": ("data.value",), "shr": ("data.value",), "unpack": ("data.length",),
    "trunc": ("data.overflow", "data.value"), "floor": ("data.overflow", "data.value"),
    "ceil": ("data.overflow", "data.value"), "round": ("data.overflow", "data.value"), "sqrt": ("data.value",),
    "fmod": ("data.value",), "ldexp": ("data.overflow",), "emit": ("data.value", "script.output"),
}  # fmt: skip
_CHECKED = frozenset((
    "add", "sub", "mul", "neg", "abs", "floordiv", "mod", "pow", "shl", "shr", "trunc", "floor", "ceil", "round",
))  # fmt: skip


class Form:
    """Checks one document; `known` grows, so that only callees that stand before can be called."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.known: dict[str, Function] = {}
        self.nodes = 0

    def check(self) -> None:
        """Check all functions.

        Raises:
            ScriptError: `build.ir`. Also KeyError and its kind, where a part is missing or of another shape.
        """
        for name, function in self.layout.functions.items():
            self._function = function
            self._block(function.body, 0, 0)
            self.known[name] = function

    def _count(self, depth: int) -> None:
        self.nodes += 1
        if depth > MAX_DEPTH or self.nodes > MAX_NODES:
            malformed("too deep or too large")

    def _block(self, body: Any, depth: int, loops: int) -> None:
        if not isinstance(body, Sequence) or isinstance(body, str):
            malformed("a block that is no list")
        for s in body:
            self._count(depth)
            self._statement(s, depth, loops)

    def _statement(self, s: Doc, depth: int, loops: int) -> None:
        op = s["s"]
        _faults(s, op)
        if op == "if":
            for test, block in s["arms"]:
                self._typed(test, BOOL, depth)
                self._block(block, depth + 1, loops)
            if not s["arms"]:
                malformed("an `if` without arms")
            self._block(s["else"], depth + 1, loops)
        elif op == "while":
            self._operands(s, (BOOL,), depth)
            self._block(s["body"], depth + 1, loops + 1)
        elif op == "for":
            if (
                self._variable(s["to"]) != INT
                or type(s["trips"]) is not int
                or not 0 <= s["trips"] <= 1 << 64
            ):
                malformed("a `for`")
            if type(s["step"]) is not int or not I64[0] <= s["step"] <= I64[1] or s["step"] == 0:
                malformed("a step")
            self._operands(s, (INT, INT), depth)
            self._block(s["body"], depth + 1, loops + 1)
        elif op in ("break", "continue"):
            if not loops:
                malformed(f"`{op}` outside a loop")
        elif op == "done":
            self._entry_only()
        elif op == "raise":
            if s["code"] not in _CODES:
                malformed("a code")
        elif op != "never":
            self._simple(s, op, depth)

    def _simple(self, s: Doc, op: str, depth: int) -> None:
        if op == "set":
            self._operands(s, (self._variable(s["to"]),), depth)
        elif op == "keep":
            self._entry_only()
            self._operands(s, (self.layout.state[s["to"]].type,), depth)
        elif op == "row":
            self._row(s["row"])
        elif op == "put":
            self._put(s, depth)
        elif op == "emit":
            self._row(s["row"])
            for name in s["ranges"]:
                if self.layout.outputs[name].lo is None:
                    malformed("a range of a field without limits")
        elif op == "return":
            result = self._function.result
            if result is None:
                malformed("a result of the entry")
            self._operands(s, (result.type,), depth)
        elif op == "do":
            (e,) = s["e"]
            self._expression(e, depth)
        elif op == "unpack":
            self._operands(s, (BYTES,), depth)
            form = parse(s["format"])
            if form is None or len(form[0]) != len(s["to"]):
                malformed("a format")
            for name, item in zip(s["to"], form[0], strict=True):
                if self._variable(name) != (FLOAT if item.is_float else INT):
                    malformed("an unpacked value")
        elif op in ("frexp", "modf"):
            self._operands(s, (FLOAT,), depth)
            if [self._variable(n) for n in s["to"]] != [FLOAT, INT if op == "frexp" else FLOAT]:
                malformed(f"`{op}`")
        else:
            malformed("a statement of no kind")

    def _put(self, s: Doc, depth: int) -> None:
        self._row(s["row"])
        kind = self.layout.outputs[s["field"]].type
        (e,) = s["e"]
        got = self._expression(e, depth)
        wanted = {"f64": (FLOAT,), "bool": (BOOL, INT), "bytes": (BYTES,), "text": (BYTES,)}.get(kind, (INT,))
        if got not in wanted:
            malformed(f"{got} in a field of type {kind}")

    def _entry_only(self) -> None:
        if self._function is not self.layout.main or self.layout.kind != "record":
            malformed("rows or state outside the entry")

    def _row(self, name: Any) -> None:
        self._entry_only()
        if name not in self._function.rows:
            malformed("an unknown row")

    def _variable(self, name: Any) -> str:
        if name not in self._function.variables:
            malformed("an unknown variable")
        return self._function.variables[name].type

    def _operands(self, node: Doc, kinds: Sequence[str], depth: int, key: str = "e") -> None:
        given = node[key]
        if len(given) != len(kinds):
            malformed("operands")
        for e, kind in zip(given, kinds, strict=True):
            self._typed(e, kind, depth)

    def _typed(self, e: Doc, kind: str, depth: int) -> None:
        got = self._expression(e, depth)
        if got != kind:
            malformed(f"{got} in place of {kind}")

    def _expression(self, e: Doc, depth: int) -> str:
        depth += 1
        self._count(depth)
        op, kind = e["o"], e["t"]
        if kind not in (INT, FLOAT, BOOL, BYTES):
            malformed("a type")
        if op == "never":
            return str(kind)
        if op == "const":
            v = constant(e["v"])
            if type(v).__name__ != kind:
                malformed("a constant of another type")
            if kind == INT:
                hull({"lo": v, "hi": v}, INT)
            return str(kind)
        if kind != BYTES:
            bounds = hull(e, kind)
            if e.get("checked") and not (kind == INT and I64[0] <= bounds[0] and bounds[1] <= I64[1]):
                malformed("a checked value of more than 64 bits")
        _faults(e, op)
        if e.get("checked") and op not in _CHECKED:
            malformed(f"a checked `{op}`")
        self._operation(e, op, kind, depth)
        return str(kind)

    def _operation(self, e: Doc, op: str, kind: str, depth: int) -> None:
        wanted: str = kind
        if op in _SIGNATURES:
            kinds, wanted = _SIGNATURES[op]
            self._operands(e, kinds, depth, "a")
            if op == "pow" and (type(e["v"]) is not int or not 0 <= e["v"] <= 64):
                malformed("an exponent")
        elif op in _SAME:
            if kind not in _NUMBERS:
                malformed(f"`{op}` of {kind}")
            n = 1 if op in ("neg", "abs") else max(len(e["a"]), 2) if op in ("min", "max") else 2
            self._operands(e, (kind,) * n, depth, "a")
        elif op in ("lt", "le", "gt", "ge", "eq", "ne"):
            wanted = BOOL
            inner = self._expression(e["a"][0], depth)
            if inner == BYTES and op not in ("eq", "ne"):
                malformed(f"`{op}` of {inner}")
            self._operands({"a": e["a"][1:]}, (inner,), depth, "a")
        elif op in ("and", "or"):
            wanted = BOOL
            if not e["a"]:
                malformed(f"`{op}` of nothing")
            self._operands(e, (BOOL,) * len(e["a"]), depth, "a")
        elif op == "select":
            self._operands(e, (BOOL, kind, kind), depth, "a")
        else:
            wanted = self._named(e, op, depth)
        if wanted != kind:
            malformed(f"`{op}` that gives {kind}")

    def _named(self, e: Doc, op: str, depth: int) -> str:
        v = e["v"]
        if op == "var":
            return self._variable(v)
        if op == "state":
            self._entry_only()
            return self.layout.state[v].type
        if op == "has":
            self._row(v[0])
            if v[1] not in self.layout.outputs:
                malformed("an unknown field")
            return BOOL
        if op == "table":
            self._operands(e, (INT,), depth, "a")
            return self.layout.tables[v].type
        if op == "unpack":
            self._operands(e, (BYTES,), depth, "a")
            form = parse(v[0])
            if form is None or type(v[1]) is not int or not 0 <= v[1] < len(form[0]):
                malformed("a format")
            return FLOAT if form[0][v[1]].is_float else INT
        if op == "call":
            if v not in self.known:
                malformed("a call of a function that does not stand before")
            callee = self.known[v]
            if callee.result is None:
                malformed("a call of the entry")
            self._operands({"a": e.get("a", ())}, [p.type for p in callee.params], depth, "a")
            return callee.result.type
        return malformed("an operation of no kind")


def _faults(node: Doc, op: str) -> None:
    if not set(node.get("faults", ())) <= set(_FAULTS.get(op, ())):
        malformed(f"an error that `{op}` does not have")
