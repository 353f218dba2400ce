"""Calls: builtins, functions of math, of this file, of `kit` and `fmath`, and `struct.unpack`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from .formats import parse
from .nodes import BOOL, BYTES, FLOAT, INT, Expr
from .words import BUILTINS, LIBM, MATH

if TYPE_CHECKING:
    from .findings import Sink
    from .module import Module
    from .nodes import Function
    from .signatures import Signature

ANY = "?"
MAX_ARGUMENTS = 32


class Calls:
    """The part of the expression lowering that is about calls."""

    module: Module
    function: Function
    known: Mapping[str, Signature]
    sink: Sink
    used: set[str]
    tables: dict[str, tuple[object, ...]]
    assigned: frozenset[str]
    expr: Callable[[ast.expr], Expr]
    refuse: Callable[..., Expr]
    make: Callable[..., Expr]
    to_float: Callable[[Expr], Expr]
    slice_of: Callable[[ast.Subscript, bool], Expr]

    def call(self, node: ast.Call) -> Expr:
        """One call."""
        if (
            node.keywords
            or any(isinstance(a, ast.Starred) for a in node.args)
            or len(node.args) > MAX_ARGUMENTS
        ):
            return self.refuse("L011", node, f"the call of `{ast.unparse(node.func)[:40]}`")
        if isinstance(node.func, ast.Attribute):
            return self._dotted(node, node.func)
        if not isinstance(node.func, ast.Name):
            return self.refuse("L014", node, f"`{ast.unparse(node.func)[:40]}`")
        name = node.func.id
        if name in self.function.types:
            return self.refuse("L014", node, f"a call of the variable `{name}`")
        if name in self.assigned:  # CPython: it is a variable in the whole function
            return self.refuse("L049", node.func, f"`{name}`, a variable of this function,")
        full = f"{self.module.name}.{name}" if self.module.name else name
        if full in self.known:
            return self._known(node, full)
        builtin = getattr(self, f"_to_{name}") if name in _BUILTIN else None
        if builtin is not None:
            return self._builtin(node, name, builtin)
        if name in ("list", "tuple", "dict", "set") and not node.args:
            return self.refuse("L017", node, f"`{name}()`")
        if name == "const":
            return self.refuse("L048", node, "`const`")
        return self.refuse(BUILTINS.get(name, "L014"), node, f"`{name}`")

    def _dotted(self, node: ast.Call, func: ast.Attribute) -> Expr:
        shown = f"`{ast.unparse(func)[:40]}`"
        if not isinstance(func.value, ast.Name) or func.value.id in self.function.types:
            return self.refuse("L015", node, shown)
        owner, name = func.value.id, func.attr
        if owner in ("kit", "fmath", "math", "struct", "binascii"):
            if owner not in self.module.imports and owner != self.module.name:
                return self.refuse("L014", node, f"`{owner}`", f"write `import {owner}` above")
            self.used.add(owner)
        if f"{owner}.{name}" in self.known:
            return self._known(node, f"{owner}.{name}")
        if owner == "math":
            return self._math(node, name, shown)
        if owner == "struct":
            return self._struct(node, name, shown)
        if owner == "binascii" and name == "crc32":
            return self._crc32(node)
        if owner in ("random", "time", "uuid", "secrets"):
            return self.refuse("L040", node, shown)
        if owner in ("int", "bytes", "str", "float"):
            return self.refuse("L015", node, shown, "read integers with kit.u16be and its kin")
        if owner in self.module.constants:
            return self.refuse("L015", node, shown)
        return self.refuse("L014", node, shown)

    def _known(self, node: ast.Call, full: str) -> Expr:
        signature = self.known[full]
        self.function.calls.add(full)
        if signature.result == "row":
            return self.refuse(
                "L014", node, f"`{full}` inside a function", "only the runner calls `transform`"
            )
        args = [self.expr(a) for a in node.args]
        if len(args) != len(signature.params):
            want = len(signature.params)
            return self.refuse("L104", node, f"`{full}` ({len(args)} arguments, {want} parameters)")
        out = []
        for arg, (name, kind), at in zip(args, signature.params, node.args, strict=True):
            if ANY not in (arg.type, kind) and arg.type != kind:
                hint = "write float(x), or 0.0" if (arg.type, kind) == (INT, FLOAT) else None
                self.refuse("L104", at, f"`{full}` takes {kind} for `{name}`, got {arg.type}; it", hint)
            out.append(arg)
        if any(a.type == ANY for a in out) or signature.result == ANY:
            return self.make("const", ANY, node, value=0)
        return self.make("call", signature.result, node, *out, value=full)

    def _builtin(self, node: ast.Call, name: str, way: Callable[[ast.Call, list[Expr]], Expr | None]) -> Expr:
        if name == "round" and len(node.args) == 2:
            return self.refuse("L021", node, "`round(x, n)`")
        if name in ("min", "max") and len(node.args) == 1:
            return self.refuse("L104", node, f"`{name}` of one value")
        if name == "int" and len(node.args) == 2:
            return self.refuse("L009", node, "`int` of a text", "read digits with kit.digits or kit.fixed")
        if name == "len" and len(node.args) == 1 and isinstance(node.args[0], ast.Name):
            table = self.module.constants.get(node.args[0].id)
            if isinstance(table, tuple) and node.args[0].id not in self.function.types:
                self.used.add(node.args[0].id)
                return self.make("const", INT, node, value=len(table))
        args = [self.expr(a) for a in node.args]
        if any(a.type == ANY for a in args):
            return self.make("const", ANY, node, value=0)
        out = way(node, args) if args else None
        if out is None:
            kinds = ", ".join(a.type for a in args)
            return self.refuse("L104", node, f"`{name}({kinds})`")
        return out

    def _to_len(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        return self.make("len", INT, node, *args) if [a.type for a in args] == [BYTES] else None

    def _to_abs(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        return self.make("abs", args[0].type, node, *args) if _one(args, INT, FLOAT) else None

    def _to_min(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        kinds = {a.type for a in args}
        if len(kinds) == 1 and kinds <= {INT, FLOAT}:
            return self.make(
                node.func.id if isinstance(node.func, ast.Name) else "", args[0].type, node, *args
            )
        return None

    _to_max = _to_min

    def _to_int(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        if not _one(args, INT, FLOAT, BOOL):
            return None
        kind = args[0].type
        return args[0] if kind == INT else self.make("trunc" if kind == FLOAT else "toint", INT, node, *args)

    def _to_float(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        if not _one(args, INT, FLOAT, BOOL):
            return None
        if args[0].type == BOOL:
            return self.to_float(self.make("toint", INT, node, *args))
        return self.to_float(args[0])

    def _to_bool(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        if not _one(args, INT, FLOAT, BOOL):
            return None
        if args[0].type == BOOL:
            return args[0]
        zero = self.make("const", args[0].type, node, value=0 if args[0].type == INT else 0.0)
        return self.make("ne", BOOL, node, args[0], zero)

    def _to_round(self, node: ast.Call, args: list[Expr]) -> Expr | None:
        return self.make("round", INT, node, *args) if _one(args, FLOAT) else None

    def _math(self, node: ast.Call, name: str, shown: str) -> Expr:
        if name in LIBM:
            known = f"fmath.{name}"
            return self.refuse("L020", node, shown, f"write {known}" if known in self.known else None)
        if name == "ldexp":
            args = [self.expr(a) for a in node.args]
            if [a.type for a in args] == [FLOAT, INT]:
                guarded = self.module.name == "fmath"  # it tests the range of what it is given
                return self.make("ldexp", FLOAT, node, *args, value="guarded" if guarded else None)
            return self.refuse("L104", node, shown)
        if name in ("frexp", "modf"):
            return self.refuse("L033", node, shown, f"write m, k = math.{name}(x)")
        if name not in MATH:
            return self.refuse("L014", node, shown)
        params, result = MATH[name]
        args = [self.expr(a) for a in node.args]
        if any(a.type == ANY for a in args):
            return self.make("const", ANY, node, value=0)
        if len(args) != len(params) or any(a.type not in (INT, FLOAT) for a in args):
            return self.refuse("L104", node, shown)
        return self.make(name, result, node, *[self.to_float(a) for a in args])

    def _struct(self, node: ast.Call, name: str, shown: str) -> Expr:
        if name == "calcsize" and node.args and isinstance(node.args[0], ast.Constant):
            form = parse(node.args[0].value)
            return (
                self.refuse("L036", node, shown)
                if form is None
                else self.make("const", INT, node, value=form[1])
            )
        if name == "unpack":
            return self.refuse(
                "L033",
                node,
                "the tuple of struct.unpack",
                "write a, b = struct.unpack(...), or struct.unpack(...)[0]",
            )
        if name.startswith("pack"):
            return self.refuse("L044", node, shown)
        return self.refuse("L014", node, shown, "use struct.unpack on a slice, or kit.u16be and its kin")

    def unpack_source(self, node: ast.Call) -> tuple[Expr, str] | None:
        """Operand and format of a struct.unpack; None: refused."""
        if "struct" not in self.module.imports:
            self.refuse("L014", node, "`struct`", "write `import struct` above")
            return None
        self.used.add("struct")
        text = node.args[0] if len(node.args) == 2 and not node.keywords else None
        value: object = text.value if isinstance(text, ast.Constant) else None
        if isinstance(text, ast.Name) and text.id not in self.function.types:
            self.used.add(text.id)
            value = self.module.constants.get(text.id)
        if parse(value) is None:
            self.refuse("L036", text or node, f"`{ast.unparse(text or node)[:40]}`")
            return None
        data = self.expr(node.args[1])
        if data.type != BYTES:
            if data.type != ANY:
                self.refuse("L104", node, "`struct.unpack`")
            return None
        return data, str(value)

    def unpack_one(self, node: ast.Subscript, call: ast.Call) -> Expr:
        """`struct.unpack(FMT, b)[k]`."""
        source = self.unpack_source(call)
        if source is None:
            return self.make("const", ANY, node, value=0)
        form = parse(source[1])
        k = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if form is None or type(k) is not int or not 0 <= k < len(form[0]):
            return self.refuse("L104", node, "this index of struct.unpack")
        kind = FLOAT if form[0][k].is_float else INT
        return self.make("unpack", kind, node, source[0], value=(source[1], k))

    def _crc32(self, node: ast.Call) -> Expr:
        if len(node.args) != 1:
            return self.refuse("L104", node, "`binascii.crc32`")
        a = node.args[0]
        free = isinstance(a, ast.Subscript) and isinstance(a.slice, ast.Slice)
        data = self.slice_of(a, True) if free and isinstance(a, ast.Subscript) else self.expr(a)
        if data.type != BYTES:
            return data if data.type == ANY else self.refuse("L104", node, "`binascii.crc32`")
        return self.make("crc32", INT, node, data)


_BUILTIN = ("len", "abs", "min", "max", "int", "float", "bool", "round")


def _one(args: list[Expr], *kinds: str) -> bool:
    return len(args) == 1 and args[0].type in kinds
