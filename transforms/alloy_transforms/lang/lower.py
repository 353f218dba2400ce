"""Statements: from the syntax tree of one function to typed nodes."""

from __future__ import annotations

import ast
from collections.abc import Mapping

from ..sandbox.errormap import LENGTH_WORDS, RANGE_WORDS
from .findings import Sink
from .formats import parse
from .lower_expr import ANY
from .lower_rows import Rows
from .module import CLOCKS, DECLARED, MODULES, Module
from .nodes import BOOL, BYTES, FLOAT, INT, Expr, Function, Stmt
from .signatures import ROW, STATE, Signature
from .words import STATEMENTS

MAX_VARIABLES = 256
_RAISES = {
    "ValueError": "data.value",
    "IndexError": "data.index",
    "OverflowError": "data.overflow",
    "ZeroDivisionError": "data.div",
}


class Lowering(Rows):
    """Lowers one function; every refusal goes to the sink, the result is whole only without any."""

    def __init__(
        self,
        module: Module,
        signature: Signature,
        known: Mapping[str, Signature],
        tables: dict[str, tuple[object, ...]],
        sink: Sink,
    ) -> None:
        node = signature.node
        function = Function(
            signature.name, module.name, list(signature.params), signature.result, types=dict(signature.params),
            line=node.lineno, column=node.col_offset + 1,
        )  # fmt: skip
        super().__init__(module, function, known, sink)
        self.tables = tables
        self.node = node
        names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
        self.assigned = frozenset(names)
        function.generator = self.entry and any(isinstance(n, ast.Yield) for n in ast.walk(node))
        self._loops = 0

    def run(self) -> Function:
        """Lower the body."""
        for name in sorted(self.assigned):
            if name in self.module.constants or name in DECLARED or name in MODULES:
                self.sink.add("L033", _first(self.node, name), f"`{name}`, a name of the module,")
        for p in self.node.args.args:
            if p.arg in self.module.constants or p.arg in DECLARED or p.arg in MODULES:
                self.sink.add("L049", p, f"the parameter `{p.arg}`")
        body = self.node.body
        if ast.get_docstring(self.node) is not None:
            body = body[1:]
        self.function.body = self.block(body)
        if len(self.function.types) > MAX_VARIABLES:
            self.sink.add("L203", self.node, f"`{self.node.name}`")
        return self.function

    def _hidden_name(self, name: str) -> bool:
        """Whether a name of Python means something else in this function."""
        return name in self.function.types or name in self.assigned or name in self.module.functions

    def block(self, body: list[ast.stmt]) -> list[Stmt]:
        """A sequence of statements."""
        out: list[Stmt] = []
        for number, node in enumerate(body):
            self.statement(node, out)
            if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue) and number + 1 < len(body):
                self.sink.add("G302", body[number + 1], "this")
        return out

    def statement(self, node: ast.stmt, out: list[Stmt]) -> None:
        """One statement; may become several."""
        way = getattr(self, f"_{type(node).__name__.lower()}", None)
        if type(node) in STATEMENTS or way is None:
            rule, what = STATEMENTS.get(type(node), ("L001", f"`{type(node).__name__.lower()}`"))
            if isinstance(node, ast.Import) and any(a.name in CLOCKS for a in node.names):
                rule = "L040"
            self.sink.add(rule, node, what)
            return
        way(node, out)

    def stmt(
        self, op: str, node: ast.AST, value: object = None, exprs: tuple[Expr, ...] = (), *blocks: list[Stmt]
    ) -> Stmt:
        """A statement node at the place of `node`."""
        at = (getattr(node, "lineno", 0), getattr(node, "col_offset", -1) + 1)
        return Stmt(op, value, exprs, blocks, at)

    def _pass(self, node: ast.Pass, out: list[Stmt]) -> None:
        del node, out

    def _break(self, node: ast.Break, out: list[Stmt]) -> None:
        out.append(self.stmt("break", node))

    def _continue(self, node: ast.Continue, out: list[Stmt]) -> None:
        out.append(self.stmt("continue", node))

    def _if(self, node: ast.If, out: list[Stmt]) -> None:
        tests: list[Expr] = []
        blocks: list[list[Stmt]] = []
        while True:  # an elif chain is one statement, however long
            tests.append(self.condition(node.test))
            blocks.append(self.block(node.body))
            if len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                node = node.orelse[0]
                continue
            break
        blocks.append(self.block(node.orelse))
        out.append(self.stmt("if", node, None, tuple(tests), *blocks))

    def _while(self, node: ast.While, out: list[Stmt]) -> None:
        if node.orelse:
            self.sink.add("L031", node.orelse[0], "this")
        test = self.condition(node.test)
        out.append(self.stmt("while", node, None, (test,), self._loop(node.body)))

    def _loop(self, body: list[ast.stmt]) -> list[Stmt]:
        self.function.loops = True
        self._loops += 1
        block = self.block(body)
        self._loops -= 1
        return block

    def _for(self, node: ast.For, out: list[Stmt]) -> None:
        if node.orelse:
            self.sink.add("L031", node.orelse[0], "this")
        call = node.iter
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"):
            self.sink.add("L018", node.iter, f"`for ... in {ast.unparse(node.iter)[:40]}`")
            return
        if not isinstance(node.target, ast.Name):
            self.sink.add("L033", node.target, "the target of `for`")
            return
        if self._hidden_name("range"):
            self.sink.add("L049", call.func, "`range`, a name of this file,")
            return
        if call.keywords or not 1 <= len(call.args) <= 3:
            self.sink.add("L011", call, "`range`")
            return
        args = [self.expr(a) for a in call.args]
        for e, at in zip(args, call.args, strict=True):
            if e.type not in (INT, ANY):
                self.sink.add("L104", at, f"`range({e.type})`")
        step = 1
        if len(args) == 3:
            value = args[2].value if args[2].op == "const" else None
            if type(value) is not int or value == 0 or args[2].type != INT:
                self.sink.add("L104", call, "`range` with a step that is no constant")
                return
            step = value
        start = self.make("const", INT, call, value=0) if len(args) == 1 else args[0]
        self.define(node.target, INT)
        self.function.looped.add(node.target.id)
        body = self._loop(node.body)
        out.append(
            self.stmt("for", node, (node.target.id, step), (start, args[-1 if len(args) < 3 else 1]), body)
        )

    def define(self, target: ast.Name, kind: str) -> None:
        """A variable gets a value of a type; it keeps that type."""
        if kind == ANY:
            self.function.types.setdefault(target.id, ANY)
            return
        have = self.function.types.get(target.id)
        if have in (None, ANY):
            self.function.types[target.id] = kind
        elif have != kind:
            self.sink.add("L102", target, f"`{target.id}`, {have}, gets {kind}: this")
        if self._loops:
            self.function.looped.add(target.id)

    def _annassign(self, node: ast.AnnAssign, out: list[Stmt]) -> None:
        if node.value is None or not isinstance(node.target, ast.Name):
            self.sink.add("L033", node, "this")
            return
        if ast.unparse(node.annotation) not in (INT, FLOAT, BOOL, BYTES, "dict"):
            self.sink.add("L012", node.annotation, f"`{node.target.id}`")
        self._store(node, node.target, node.value, out)
        kind = self.function.types.get(node.target.id, ANY)
        want = ast.unparse(node.annotation)
        if kind not in (ANY, want) and (kind, want) != (ROW, "dict"):
            self.sink.add("L102", node.target, f"`{node.target.id}: {want}` gets {kind}: this")

    def _assign(self, node: ast.Assign, out: list[Stmt]) -> None:
        if len(node.targets) != 1:
            self.sink.add("L033", node, "`a = b = ...`")
            return
        self._store(node, node.targets[0], node.value, out)

    def _augassign(self, node: ast.AugAssign, out: list[Stmt]) -> None:
        if not isinstance(node.target, ast.Name | ast.Subscript):
            self.sink.add("L033", node, "this")
            return
        read = ast.copy_location(_load(node.target), node.target)
        value = ast.copy_location(ast.BinOp(read, node.op, node.value), node)
        self._store(node, node.target, value, out)

    def _store(self, node: ast.stmt, target: ast.expr, value: ast.expr, out: list[Stmt]) -> None:
        if isinstance(target, ast.Name):
            if isinstance(value, ast.Dict):
                self.new_row(target, value, out)
                return
            e = self.expr(value)
            if isinstance(value, ast.Name) and e.type == BYTES and e.op == "var":
                pass  # another name for the same bytes
            self.define(target, e.type)
            out.append(self.stmt("set", node, target.id, (e,)))
        elif isinstance(target, ast.Tuple):
            self._several(node, target, value, out)
        elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
            kind = self.function.types.get(target.value.id)
            if kind == ROW:
                self.put(target.value.id, target.slice, value, out)
            elif kind == STATE:
                self.keep(target, value, out)
            else:
                self.sink.add("L033", target, f"`{ast.unparse(target)[:40]}`")
        else:
            self.sink.add("L033", target, f"`{ast.unparse(target)[:40]}`")

    def _several(self, node: ast.stmt, target: ast.Tuple, value: ast.expr, out: list[Stmt]) -> None:
        names = target.elts
        called = ast.unparse(value.func) if isinstance(value, ast.Call) else ""
        if called not in ("struct.unpack", "math.frexp", "math.modf") or not isinstance(value, ast.Call):
            hint = "assign one name a line" if isinstance(value, ast.Tuple) else None
            self.sink.add("L033", target, "several names at once", hint)
            return
        if not all(isinstance(n, ast.Name) for n in names):
            self.sink.add("L033", target, "one of these")
            return
        targets = [n for n in names if isinstance(n, ast.Name)]
        ids = tuple(n.id for n in targets)
        if called == "struct.unpack":
            source = self.unpack_source(value)
            form = parse(source[1]) if source is not None else None
            if source is None or form is None:
                for n in targets:
                    self.define(n, ANY)
                return
            if len(form[0]) != len(targets):
                self.sink.add(
                    "L104", target, f"{len(targets)} names for {len(form[0])} values of struct.unpack: it"
                )
            for n, item in zip(targets, form[0], strict=False):
                self.define(n, FLOAT if item.is_float else INT)
            out.append(self.stmt("unpack", node, (source[1], ids), (source[0],)))
            return
        if "math" not in self.module.imports:
            self.sink.add("L014", value, "`math`", "write `import math` above")
        self.used.add("math")
        e = self.to_float(self.expr(value.args[0])) if len(value.args) == 1 else None
        if e is None or e.type not in (FLOAT, ANY) or len(targets) != 2:
            self.sink.add("L104", value, f"`{called}`")
            return
        self.define(targets[0], FLOAT)
        self.define(targets[1], INT if called == "math.frexp" else FLOAT)
        out.append(self.stmt(called[5:], node, ids, (e,)))

    def _expr(self, node: ast.Expr, out: list[Stmt]) -> None:
        value = node.value
        if isinstance(value, ast.Yield):
            if not self.entry:
                self.sink.add("L006", value, "`yield` in a helper function")
            elif value.value is None:
                self.sink.add("L047", value, "a bare `yield`")
            else:
                self.emit(value, value.value, out)
            return
        e = self.expr(value)
        if e.type != ANY:
            if e.op == "call":
                out.append(self.stmt("do", node, None, (e,)))  # kit.span(...) only for its error
            else:
                self.sink.add("L046", node, f"`{ast.unparse(value)[:40]}`")

    def _raise(self, node: ast.Raise, out: list[Stmt]) -> None:
        exc = node.exc
        kind = exc.func if isinstance(exc, ast.Call) else exc
        name = kind.id if isinstance(kind, ast.Name) else ""
        args = exc.args if isinstance(exc, ast.Call) else []
        literal = len(args) <= 1 and all(
            isinstance(a, ast.Constant) and isinstance(a.value, str) for a in args
        )
        if (
            name not in _RAISES
            or not literal
            or node.cause is not None
            or (isinstance(exc, ast.Call) and exc.keywords)
        ):
            self.sink.add("L032", node, f"`{ast.unparse(node)[:60]}`")
            return
        code = _RAISES[name]
        if self._hidden_name(name):
            self.sink.add("L049", node, f"`{name}`, a name of this file,")
            return
        text = str(args[0].value) if args and isinstance(args[0], ast.Constant) else ""
        if self.module.name and code == "data.value" and any(word in text for word in LENGTH_WORDS):
            code = "data.length"
        elif self.module.name and code == "data.value" and RANGE_WORDS in text:
            code = "data.range"
        out.append(self.stmt("raise", node, code))


def _load(target: ast.Name | ast.Subscript) -> ast.expr:
    if isinstance(target, ast.Name):
        return ast.Name(target.id, ast.Load())
    return ast.Subscript(target.value, target.slice, ast.Load())


def _first(node: ast.AST, name: str) -> ast.AST:
    return next(
        n for n in ast.walk(node) if isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
    )
