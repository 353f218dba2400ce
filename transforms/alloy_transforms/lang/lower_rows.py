"""What a function leaves behind: rows and their fields, state, `return`.

Fields of rows and state are those of OUTPUT and STATE, with their types; any other is refused.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from .findings import Sink
from .lower_expr import ANY, Expressions
from .module import Module
from .nodes import BOOL, BYTES, FLOAT, INT, Expr, Function, Stmt
from .signatures import ROW, Signature

_OTHERS = {"f64": FLOAT, "bool": BOOL, "bytes": BYTES, "text": BYTES}  # text: UTF-8 cut out of the input
_INTEGERS = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "time_ns")


class Rows(Expressions):
    """Adds the statements that make rows and keep state to the expressions; `Lowering` adds the others."""

    define: Callable[[ast.Name, str], None]
    stmt: Callable[..., Stmt]

    def __init__(
        self,
        module: Module,
        function: Function,
        known: Mapping[str, Signature],
        sink: Sink,
    ) -> None:
        super().__init__(module, function, known, sink)
        self.entry = function.result == ROW
        self.rows_set: set[str] = set()
        self._hidden = 0  # rows without a name

    def new_row(self, target: ast.Name, value: ast.Dict, out: list[Stmt]) -> None:
        """A dict under a name: a row that later statements may fill and give out."""
        if not self.entry:
            self.sink.add("L017", value, "a dict")
            return
        self.define(target, ROW)
        for n in ast.walk(value):  # the new row is empty before its values are computed
            if isinstance(n, ast.Name) and n.id == target.id:
                self.sink.add("L117", n, f"`{n.id}`, inside its own new value,")
        self._fill(target.id, value, out)

    def _fill(self, row: str, value: ast.Dict, out: list[Stmt]) -> None:
        puts: list[Stmt] = []
        for key, inner in zip(value.keys, value.values, strict=True):
            if key is None:
                self.sink.add("L011", value, "`**`")
            else:
                self.put(row, key, inner, puts)
        out.append(self.stmt("row", value, row))
        out += puts

    def put(self, row: str, key: ast.expr, value: ast.expr, out: list[Stmt]) -> None:
        """One field of a row gets a value."""
        name = key.value if isinstance(key, ast.Constant) else None
        if not isinstance(name, str) or name not in self.module.outputs:
            self.sink.add("L108", key, f"`{ast.unparse(key)[:40]}`")
            self.expr(value)
            return
        self.rows_set.add(name)
        e = self._field_value(name, value)
        if e.type != ANY:
            out.append(self.stmt("put", key, (row, name), (e,)))

    def _field_value(self, name: str, value: ast.expr) -> Expr:
        kind = self.module.outputs[name].type
        if kind == "enum" and isinstance(value, ast.Constant) and isinstance(value.value, str):
            names = self.module.outputs[name].names
            if value.value not in names:
                return self.refuse("L109", value, f'"{value.value}", no name of `{name}`,')
            return self.make("const", INT, value, value=names.index(value.value))
        free = isinstance(value, ast.Subscript) and isinstance(value.slice, ast.Slice)
        e = self.slice_of(value, True) if free and isinstance(value, ast.Subscript) else self.expr(value)
        if e.type == ANY:
            return e
        wanted = INT if kind in (*_INTEGERS, "enum") else _OTHERS[kind]
        if wanted == FLOAT:
            e = self.to_float(e)
        if wanted == BOOL and e.type == INT:
            return e
        if e.type != wanted:
            return self.refuse("L109", value, f"`{name}` is {kind}: {e.type}")
        return e

    def keep(self, target: ast.Subscript, value: ast.expr, out: list[Stmt]) -> None:
        """One field of the state gets a value."""
        key = self._key(target)
        e = self.expr(value)
        if key not in self.module.state:
            self.sink.add("L110", target, f"`{ast.unparse(target)[:40]}`")
            return
        kind = {bool: BOOL, int: INT, float: FLOAT}.get(type(self.module.state[key]), ANY)
        if ANY not in (e.type, kind) and e.type != kind:
            self.sink.add("L110", value, f'{e.type} for s["{key}"], which is {kind},')
        out.append(self.stmt("keep", target, key, (e,)))

    def _return(self, node: ast.Return, out: list[Stmt]) -> None:
        if self.entry:
            self._return_row(node, out)
            return
        if node.value is None:
            self.sink.add("L105", node, "a bare return")
            return
        e = self.expr(node.value)
        want = self.function.result
        if ANY not in (e.type, want) and e.type != want:
            self.sink.add("L105", node, f"{e.type}, where {want} is declared,")
        out.append(self.stmt("return", node, None, (e,)))

    def _return_row(self, node: ast.Return, out: list[Stmt]) -> None:
        if self.function.generator:
            if node.value is not None:
                self.sink.add("L120", node, "this function")
            out.append(self.stmt("done", node))
        elif node.value is None:
            self.sink.add("L106", node, "`transform`")
        else:
            self.emit(node, node.value, out)
            out.append(self.stmt("done", node))

    def emit(self, node: ast.AST, value: ast.expr, out: list[Stmt]) -> None:
        """A row is given out, by its name or as a dict on the spot."""
        if isinstance(value, ast.Dict):
            self._hidden += 1
            row = f"${self._hidden}"
            self.function.types[row] = ROW
            self._fill(row, value, out)
        elif isinstance(value, ast.Name) and self.function.types.get(value.id) == ROW:
            row = value.id
        else:
            self.sink.add(
                "L105",
                value,
                f"`{ast.unparse(value)[:40]}`, no row,",
                "return a dict of the fields of OUTPUT",
            )
            return
        out.append(self.stmt("emit", node, row))
