"""Expressions: from the syntax tree to typed nodes. Refuses what is not in the language; decides no interval."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from .findings import Sink
from .fold import NoConstant, fold
from .lower_calls import Calls
from .module import Module
from .nodes import BOOL, BYTES, FLOAT, INT, Expr, Function
from .signatures import Signature
from .words import ARITHMETIC, BITWISE, COMPARISONS, EXPRESSIONS

ANY = "?"  # the type of what was refused already
NUMBERS = (INT, FLOAT)
MAX_EXPONENT = 64


class Expressions(Calls):
    """Lowers the expressions of one function."""

    def __init__(
        self,
        module: Module,
        function: Function,
        known: Mapping[str, Signature],
        sink: Sink,
    ) -> None:
        self.module = module
        self.function = function
        self.known = known
        self.sink = sink
        self.assigned: frozenset[str] = frozenset()  # names the function assigns anywhere
        self.used: set[str] = set()  # names read: of constants, fields of PARAMS and STATE as "P.x", "S.x"
        self._ways: Mapping[type[ast.expr], Callable[..., Expr]] = {
            ast.Constant: self._constant,
            ast.Name: self._name,
            ast.BinOp: self._binary,
            ast.UnaryOp: self._unary,
            ast.BoolOp: self._bool,
            ast.Compare: self._compare,
            ast.IfExp: self._choice,
            ast.Subscript: self._subscript,
            ast.Call: self.call,
            ast.Attribute: self._attribute,
        }

    def expr(self, node: ast.expr) -> Expr:
        """One expression."""
        way = self._ways.get(type(node))
        if way is not None:
            return way(node)
        rule, what = EXPRESSIONS.get(type(node), ("L002", f"`{type(node).__name__}`"))
        return self.refuse(rule, node, what)

    def refuse(self, rule: str, node: ast.AST, what: str, hint: str | None = None) -> Expr:
        """Report, and stand in for the value."""
        self.sink.add(rule, node, what, hint)
        return Expr("const", ANY, value=0)

    def make(self, op: str, type_: str, node: ast.AST, *args: Expr, value: object = None) -> Expr:
        """A node at the place of `node`."""
        at = (getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)
        return Expr(op, type_, args, value, at)

    def constant(self, value: object, node: ast.AST) -> Expr:
        """A constant of a scalar type."""
        kind = {bool: BOOL, int: INT, float: FLOAT, bytes: BYTES}.get(type(value))
        if kind is None:
            what = "a text" if isinstance(value, str) else f"`{str(value)[:20]}`"
            return self.refuse(
                "L047" if value is None else "L009" if isinstance(value, str) else "L002", node, what
            )
        if kind == INT:
            assert isinstance(value, int)
            if value.bit_length() > 127:
                return self.refuse("L206", node, "this number")
            self.function.constants.add(value)
        return self.make("const", kind, node, value=value)

    def _constant(self, node: ast.Constant) -> Expr:
        return self.constant(node.value, node)

    def _name(self, node: ast.Name) -> Expr:
        kind = self.function.types.get(node.id)
        if kind is not None:
            if kind in ("row", "state"):
                return self.refuse("L117", node, f"`{node.id}`")
            return self.make("var", kind, node, value=node.id)
        if node.id in self.module.constants:
            self.used.add(node.id)
            value = self.module.constants[node.id]
            if isinstance(value, tuple):
                return self.refuse(
                    "L116", node, f"`{node.id}` without an index", "write TABLE[i] or len(TABLE)"
                )
            return self.constant(value, node)
        if node.id in ("__name__", "__file__", "__debug__"):
            return self.refuse("L016", node, f"`{node.id}`")
        if node.id in self.assigned:
            return self.refuse("L103", node, f"`{node.id}`")
        return self.refuse("L014", node, f"`{node.id}`")

    def _attribute(self, node: ast.Attribute) -> Expr:
        if isinstance(node.value, ast.Name) and node.value.id == "math" and node.attr in ("pi", "e"):
            if "math" not in self.module.imports:
                return self.refuse("L014", node, "`math`", "write `import math` above")
            self.used.add("math")
            return self.constant({"pi": 3.141592653589793, "e": 2.718281828459045}[node.attr], node)
        return self.refuse("L016", node, f"`{ast.unparse(node)[:40]}`")

    def _binary(self, node: ast.BinOp) -> Expr:
        if isinstance(node.op, ast.Pow):
            return self._power(node)
        left, right = self.expr(node.left), self.expr(node.right)
        if ANY in (left.type, right.type):
            return self.make("const", ANY, node, value=0)
        op, sign = ARITHMETIC.get(type(node.op)) or BITWISE.get(type(node.op)) or ("div", "/")
        if isinstance(node.op, ast.MatMult):
            return self.refuse("L002", node, "`@`")
        if type(node.op) in BITWISE:
            if left.type == right.type == INT:
                return self.make(op, INT, node, left, right)
        elif left.type in NUMBERS and right.type in NUMBERS:
            if op == "div" or left.type != right.type:
                return self.make(op, FLOAT, node, self.to_float(left), self.to_float(right))
            return self.make(op, left.type, node, left, right)
        return self.refuse("L101", node, f"`{sign}` of {left.type} and {right.type}")

    def _power(self, node: ast.BinOp) -> Expr:
        try:
            return self.constant(fold(node, self.module.constants), node)
        except NoConstant:
            pass
        base = self.expr(node.left)
        exponent = node.right.value if isinstance(node.right, ast.Constant) else None
        if base.type == INT and type(exponent) is int and 0 <= exponent <= MAX_EXPONENT:
            return self.make("pow", INT, node, base, value=exponent)
        return self.refuse("L019", node, f"`{ast.unparse(node)[:40]}`")

    def to_float(self, e: Expr) -> Expr:
        """The same value as a float; exact by rule L114."""
        if e.type != INT:
            return e
        if e.op == "const" and isinstance(e.value, int) and abs(e.value) <= 1 << 53:
            return Expr("const", FLOAT, value=float(e.value), at=(e.line, e.column))
        return Expr("tofloat", FLOAT, (e,), at=(e.line, e.column))

    def _unary(self, node: ast.UnaryOp) -> Expr:
        inner = (
            self.condition(node.operand, True) if isinstance(node.op, ast.Not) else self.expr(node.operand)
        )
        if inner.type == ANY:
            return inner
        if isinstance(node.op, ast.Not):
            return self.make("not", BOOL, node, inner)
        if isinstance(node.op, ast.USub) and inner.type in NUMBERS:
            if inner.op == "const" and isinstance(inner.value, int | float):
                return self.constant(-inner.value, node)
            return self.make("neg", inner.type, node, inner)
        if isinstance(node.op, ast.UAdd) and inner.type in NUMBERS:
            return inner
        if isinstance(node.op, ast.Invert) and inner.type == INT:
            return self.make("invert", INT, node, inner)
        return self.refuse("L101", node, f"`{ast.unparse(node)[:40]}` of {inner.type}")

    def condition(self, node: ast.expr, strict: bool = False) -> Expr:
        """A condition: bool; a number stands for != 0 where no operand of `and`, `or`, `not` is asked for."""
        e = self.expr(node)
        if e.type in (BOOL, ANY):
            return e
        if strict:
            return self.refuse("L113", node, "")
        if e.type in NUMBERS:
            zero = self.make("const", e.type, node, value=0 if e.type == INT else 0.0)
            return self.make("ne", BOOL, node, e, zero)
        return self.refuse("L112", node, f"`{ast.unparse(node)[:40]}`, {e.type},")

    def _bool(self, node: ast.BoolOp) -> Expr:
        parts = [self.condition(v, True) for v in node.values]
        return self.make("and" if isinstance(node.op, ast.And) else "or", BOOL, node, *parts)

    def _compare(self, node: ast.Compare) -> Expr:
        operands = [node.left, *node.comparators]
        if len(node.ops) > 1 and not all(isinstance(m, ast.Name | ast.Constant) for m in operands[1:-1]):
            return self.refuse("L045", node, "this")
        parts = [
            self._pair(node, op, a, b) for op, a, b in zip(node.ops, operands[:-1], operands[1:], strict=True)
        ]
        return parts[0] if len(parts) == 1 else self.make("and", BOOL, node, *parts)

    def _pair(self, node: ast.Compare, op: ast.cmpop, a: ast.expr, b: ast.expr) -> Expr:
        if isinstance(op, ast.In | ast.NotIn):
            return self._member(node, isinstance(op, ast.NotIn), a, b)
        if type(op) not in COMPARISONS:
            return self.refuse("L024", node, "`is`")
        left, right = self.expr(a), self.expr(b)
        if ANY in (left.type, right.type):
            return self.make("const", ANY, node, value=0)
        name = COMPARISONS[type(op)]
        if left.type in NUMBERS and right.type in NUMBERS:
            if left.type != right.type:
                left, right = self.to_float(left), self.to_float(right)
        elif left.type != right.type or (left.type == BYTES and name not in ("eq", "ne")):
            return self.refuse("L101", node, f"a comparison of {left.type} and {right.type}")
        return self.make(name, BOOL, node, left, right)

    def _member(self, node: ast.Compare, negated: bool, a: ast.expr, b: ast.expr) -> Expr:
        row = b.id if isinstance(b, ast.Name) and self.function.types.get(b.id) == "row" else None
        if row is None or not (isinstance(a, ast.Constant) and isinstance(a.value, str)):
            return self.refuse("L024", node, "`in`")
        if a.value not in self.module.outputs:
            return self.refuse("L108", a, f'"{a.value}"')
        has = self.make("has", BOOL, node, value=(row, a.value))
        return self.make("not", BOOL, node, has) if negated else has

    def _choice(self, node: ast.IfExp) -> Expr:
        test, a, b = self.condition(node.test), self.expr(node.body), self.expr(node.orelse)
        if ANY in (test.type, a.type, b.type):
            return self.make("const", ANY, node, value=0)
        if {a.type, b.type} == {INT, FLOAT}:
            return self.refuse("L101", node, "`if else` of int and float", "write the integer as float: 0.0")
        if a.type != b.type:
            return self.refuse("L101", node, f"`if else` of {a.type} and {b.type}")
        return self.make("select", a.type, node, test, a, b)

    def _subscript(self, node: ast.Subscript) -> Expr:
        base = node.value
        if isinstance(base, ast.Name):
            if base.id == "PARAMS":
                return self._param(node)
            kind = self.function.types.get(base.id)
            if kind == "state":
                return self._state(node)
            if kind == "row":
                return self.refuse(
                    "L117", node, f"`{ast.unparse(node)[:40]}`", "keep the value in a variable"
                )
            table = self.module.constants.get(base.id)
            if kind is None and isinstance(table, tuple):
                return self._table(node, base.id, table)
        if isinstance(node.slice, ast.Slice):
            return self.slice_of(node, False)
        if isinstance(base, ast.Call) and ast.unparse(base.func) == "struct.unpack":
            return self.unpack_one(node, base)
        data, index = self.expr(base), self.expr(node.slice)
        if ANY in (data.type, index.type):
            return self.make("const", ANY, node, value=0)
        if data.type != BYTES or index.type != INT:
            return self.refuse("L101", node, f"an index of {index.type} into {data.type}")
        return self.make("index", INT, node, data, index)

    def slice_of(self, node: ast.Subscript, free: bool) -> Expr:
        """A slice of bytes; of constant width unless `free`."""
        assert isinstance(node.slice, ast.Slice)
        if node.slice.step is not None:
            return self.refuse("L035", node, f"`{ast.unparse(node)[:40]}`")
        data = self.expr(node.value)
        if data.type != BYTES:
            return data if data.type == ANY else self.refuse("L101", node, f"a slice of {data.type}")
        if data.op not in ("var", "const"):
            return self.refuse("L042", node, "a slice of a slice", "slice the input itself")
        low, high = node.slice.lower, node.slice.upper
        width = _constant_width(low, high)
        if not free and width is None:
            return self.refuse("L042", node, f"`{ast.unparse(node)[:60]}`")
        start = self.expr(low) if low is not None else self.make("const", INT, node, value=0)
        end = self.expr(high) if high is not None else self.make("len", INT, node, data)
        if ANY in (start.type, end.type):
            return self.make("const", ANY, node, value=0)
        if start.type != INT or end.type != INT:
            return self.refuse("L101", node, "a slice with bounds that are no int")
        return self.make("slice", BYTES, node, data, start, end, value=width)

    def _table(self, node: ast.Subscript, name: str, table: tuple[object, ...]) -> Expr:
        self.used.add(name)
        kind = {int: INT, float: FLOAT}.get(type(table[0]) if table else object)
        if kind is None:
            return self.refuse("L116", node, f"`{name}`")
        index = self.expr(node.slice)
        if index.type != INT:
            return index if index.type == ANY else self.refuse("L101", node, f"an index of {index.type}")
        full = f"{self.module.name}.{name}" if self.module.name else name
        out = self.make("table", kind, node, index, value=full)
        self.tables[full] = table
        return out

    tables: dict[str, tuple[object, ...]]

    def _key(self, node: ast.Subscript) -> str:
        return str(node.slice.value) if isinstance(node.slice, ast.Constant) else ""

    def _param(self, node: ast.Subscript) -> Expr:
        key = self._key(node)
        if key not in self.module.params:
            return self.refuse("L111", node, f"`{ast.unparse(node)[:40]}`")
        self.used.add(f"P.{key}")
        return self.constant(self.module.params[key], node)

    def _state(self, node: ast.Subscript) -> Expr:
        key = self._key(node)
        if key not in self.module.state:
            return self.refuse("L110", node, f"`{ast.unparse(node)[:40]}`")
        self.used.add(f"S.{key}")
        kind = {bool: BOOL, int: INT, float: FLOAT}[type(self.module.state[key])]
        return self.make("state", kind, node, value=key)


def _constant_width(low: ast.expr | None, high: ast.expr | None) -> int | None:
    """The width that the text of a slice shows: 2:6, :4, -2:, i:i + 4, i - 2:i; None: it shows none."""
    a = _offset(low) if low is not None else ("", 0)
    if high is None:
        return -a[1] if a is not None and a[0] == "" and a[1] < 0 else None
    b = _offset(high)
    if a is None or b is None or a[0] != b[0]:
        return None
    if a[0] == "":  # 5:2 is empty
        return max(b[1] - a[1], 0) if (a[1] >= 0) == (b[1] >= 0) else None
    return b[1] - a[1] if b[1] >= a[1] else None  # i:i - 1 is nearly everything where i is 0


def _offset(node: ast.expr) -> tuple[str, int] | None:
    """(text of the variable part, constant) of `x + 3`, `x - 3`, `x`, `3`, `-3`."""
    if isinstance(node, ast.Constant):
        return ("", node.value) if type(node.value) is int else None
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _offset(node.operand)
        return ("", -inner[1]) if inner is not None and inner[0] == "" else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        left, right = _offset(node.left), _offset(node.right)
        if left is not None and right is not None and right[0] == "":
            return left[0], left[1] + (right[1] if isinstance(node.op, ast.Add) else -right[1])
    return ast.unparse(node), 0
