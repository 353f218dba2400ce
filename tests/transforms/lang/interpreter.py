"""A reference interpreter of the intermediate representation, made from `docs/ir.md` alone.

It reads the document, never the source or the checker's nodes. Python's integers are exact, so it can test every
claim of the document: a value outside its interval, an error that was said to be impossible, or code that was said
never to be reached is an AssertionError.
"""

from __future__ import annotations

import binascii
import math
import struct
from collections.abc import Callable
from typing import Any

Doc = dict[str, Any]
Env = dict[str, Any]
Eval = Callable[[Env], Any]
I64 = (-(1 << 63), (1 << 63) - 1)


class DeclineError(Exception):
    """A value left 64 bits where the document says `checked` or `fit`."""


class FaultError(Exception):
    """An error of the data, with its code."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _BreakError(Exception):
    pass


class _ContinueError(Exception):
    pass


class _ReturnError(Exception):
    def __init__(self, value: Any = None) -> None:
        super().__init__()
        self.value = value


def constant(v: Any) -> Any:
    """A constant of the document."""
    if isinstance(v, dict):
        return float.fromhex(v["f64"]) if "f64" in v else bytes.fromhex(v["bytes"])
    return v


class Interpreter:
    """Runs one document."""

    def __init__(self, doc: Doc) -> None:
        assert doc["ir"] == 1
        self.doc = doc
        self.tables = {name: [constant(v) for v in entries] for name, entries in doc["tables"]}
        self.functions: dict[str, Callable[..., Any]] = {}
        for f in doc["functions"]:  # callees first
            self.functions[f["name"]] = self._function(f)
        self.first_state = {name: constant(v) for name, _, v in doc["state"]}
        self.outputs = {f["name"]: f for f in doc["outputs"]}

    def run(self, inputs: list[Any], state: Env) -> tuple[list[Env], Env]:
        """Rows and the state afterwards.

        Raises:
            FaultError, DeclineError.
        """
        if any(isinstance(v, bytes) and len(v) > self.doc["max_input"] for v in inputs):
            raise DeclineError
        self.rows: list[tuple[Env, list[str], list[str]]] = []
        self.state = dict(state)
        self.functions[self.doc["entry"]](*inputs)
        for row, ranges, faults in self.rows:
            for name, f in self.outputs.items():
                assert f["optional"] or name in row, f"{name} is missing"
                if name in row and f["type"] == "text":
                    try:
                        row[name].decode()
                    except UnicodeDecodeError:
                        assert "data.value" in faults, f"{name}: {row[name]!r} was said to be UTF-8"
                        raise FaultError("data.value") from None
                if name in row and "lo" in f:
                    v = len(row[name]) if isinstance(row[name], bytes) else row[name]
                    if not f["lo"] <= v <= f["hi"]:
                        assert name in ranges, f"{name}: {v} was said to fit"
                        raise FaultError("data.range")
        return [row for row, *_ in self.rows], self.state

    def call(self, *args: Any) -> Any:
        """The result of the entry of an element-wise program."""
        return self.functions[self.doc["entry"]](*args)

    def _function(self, f: Doc) -> Callable[..., Any]:
        params = f["params"]
        body = self._block(f["body"])
        kind, interval = f["result"]

        def call(*args: Any) -> Any:
            env: Env = {}
            for (name, type_, hull), v in zip(params, args, strict=True):
                _inside({"t": type_, **hull}, v)
                env[name] = v
            try:
                body(env)
            except _ReturnError as result:
                if interval is not None:
                    _inside({"t": kind, **interval}, result.value)
                return result.value
            assert kind == "row", "a function ended without a result"
            return None

        return call

    def _block(self, body: list[Doc]) -> Callable[[Env], None]:
        steps = [self._stmt(s) for s in body]

        def run(env: Env) -> None:
            for step in steps:
                step(env)

        return run

    def _stmt(self, s: Doc) -> Callable[[Env], None]:
        op = s["s"]
        es = [self._expr(e) for e in s.get("e", ())]
        fit = s.get("fit", False)

        def fitted(v: Any) -> Any:
            if type(v) is int and not I64[0] <= v <= I64[1]:
                if fit:
                    raise DeclineError
                assert op in ("set", "unpack"), "a value beyond 64 bits in a place that has no more"
            return v

        if op == "never":
            return _never
        if op == "set":
            name, (e,) = s["to"], es

            def set_(env: Env) -> None:
                env[name] = fitted(e(env))

            return set_
        if op == "do":
            return lambda env: es[0](env)
        if op == "if":
            arms = [(self._expr(t), self._block(b)) for t, b in s["arms"]]
            last = self._block(s["else"])

            def if_(env: Env) -> None:
                for test, body in arms:
                    if test(env):
                        body(env)
                        return
                last(env)

            return if_
        if op == "while":
            return self._while(es[0], self._block(s["body"]))
        if op == "for":
            return self._for(s, es, self._block(s["body"]))
        if op in ("break", "continue", "done"):
            return {"break": _break, "continue": _continue, "done": _done}[op]
        if op == "return":

            def return_(env: Env) -> None:
                raise _ReturnError(es[0](env))

            return return_
        if op == "raise":

            def raise_(env: Env) -> None:
                raise FaultError(s["code"])

            return raise_
        if op == "keep":

            def keep(env: Env) -> None:
                self.state[s["to"]] = fitted(es[0](env))

            return keep
        if op == "row":

            def row(env: Env) -> None:
                env[s["row"]] = {}

            return row
        if op == "put":

            def put(env: Env) -> None:
                env[s["row"]][s["field"]] = fitted(es[0](env))

            return put
        if op == "emit":
            return self._emit(s)
        if op == "unpack":

            def unpack(env: Env) -> None:
                data = es[0](env)
                if len(data) < struct.calcsize(s["format"]):
                    raise _fault(s, "data.length")
                for name, v in zip(s["to"], struct.unpack(s["format"], data), strict=True):
                    env[name] = fitted(v)

            return unpack
        assert op in ("frexp", "modf")
        split = getattr(math, op)

        def two(env: Env) -> None:
            env[s["to"][0]], env[s["to"][1]] = split(es[0](env))

        return two

    def _while(self, test: Eval, body: Callable[[Env], None]) -> Callable[[Env], None]:
        def run(env: Env) -> None:
            while test(env):
                try:
                    body(env)
                except _BreakError:
                    break
                except _ContinueError:
                    continue

        return run

    def _for(self, s: Doc, es: list[Eval], body: Callable[[Env], None]) -> Callable[[Env], None]:
        def run(env: Env) -> None:
            ends = [e(env) for e in es]
            if any(not I64[0] <= v <= I64[1] for v in ends):
                assert s.get("fit")
                raise DeclineError
            for number, v in enumerate(range(*ends, s["step"])):
                assert number < s["trips"], "more iterations than possible"
                env[s["to"]] = v
                try:
                    body(env)
                except _BreakError:
                    break
                except _ContinueError:
                    continue

        return run

    def _emit(self, s: Doc) -> Callable[[Env], None]:
        def run(env: Env) -> None:
            if len(self.rows) == self.doc["max_rows"]:
                raise _fault(s, "script.output")
            self.rows.append((dict(env[s["row"]]), s["ranges"], s.get("faults", [])))

        return run

    def _expr(self, e: Doc) -> Eval:
        if e["o"] == "never":
            return _never
        if e["o"] == "const":
            v = constant(e["v"])
            return lambda env: v
        inner = self._compute(e)
        checked = e.get("checked", False)

        def evaluate(env: Env) -> Any:
            try:
                v = inner(env)
            except (ZeroDivisionError, IndexError, OverflowError, ValueError) as error:
                code = {
                    ZeroDivisionError: "data.div", IndexError: "data.index", OverflowError: "data.overflow",
                    ValueError: "data.value",
                }[type(error)]  # fmt: skip
                raise _fault(e, code) from None
            if checked and not I64[0] <= v <= I64[1]:
                raise DeclineError
            if "lo" in e:
                _inside(e, v)
            return v

        return evaluate

    def _compute(self, e: Doc) -> Eval:
        op, kind = e["o"], e["t"]
        a = [self._expr(x) for x in e.get("a", ())]
        if op == "var":
            name = e["v"]
            return lambda env: env[name]
        if op == "state":
            return lambda env: self.state[e["v"]]
        if op == "has":
            row, field = e["v"]
            return lambda env: field in env[row]
        if op == "and":
            return lambda env: all(x(env) for x in a)
        if op == "or":
            return lambda env: any(x(env) for x in a)
        if op == "select":
            return lambda env: a[1](env) if a[0](env) else a[2](env)
        if op == "table":
            table = self.tables[e["v"]]
            return lambda env: table[a[0](env)]
        if op == "call":
            f = self.functions[e["v"]]
            return lambda env: f(*[x(env) for x in a])
        if op == "unpack":
            fmt, k = e["v"]

            def unpack(env: Env) -> Any:
                data = a[0](env)
                if len(data) < struct.calcsize(fmt):
                    raise _fault(e, "data.length")
                return struct.unpack(fmt, data)[k]

            return unpack
        if op == "pow":
            return lambda env: a[0](env) ** e["v"]
        f2 = _BINARY.get(op)
        if f2 is not None:
            x, y = a
            return lambda env: f2(x(env), y(env))
        if op in ("min", "max"):
            pick = min if op == "min" else max
            return lambda env: pick(*[x(env) for x in a])
        if op == "slice":
            return lambda env: a[0](env)[a[1](env) : a[2](env)]
        f1 = _UNARY[op]
        assert kind != "row"
        return lambda env: f1(a[0](env))


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y, "mul": lambda x, y: x * y, "div": lambda x, y: x / y,
    "floordiv": lambda x, y: x // y, "mod": lambda x, y: x % y, "band": lambda x, y: x & y,
    "bor": lambda x, y: x | y, "bxor": lambda x, y: x ^ y, "shr": lambda x, y: x >> y,
    "shl": lambda x, y: _shl(x, y), "lt": lambda x, y: x < y, "le": lambda x, y: x <= y, "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y, "eq": lambda x, y: x == y, "ne": lambda x, y: x != y,
    "index": lambda x, y: x[y], "fmod": math.fmod, "copysign": math.copysign, "ldexp": math.ldexp,
}  # fmt: skip
_UNARY: dict[str, Callable[[Any], Any]] = {
    "neg": lambda x: -x, "invert": lambda x: ~x, "not": lambda x: not x, "abs": abs, "len": len,
    "crc32": binascii.crc32, "tofloat": float, "toint": int, "trunc": int, "round": round,
    "floor": math.floor, "ceil": math.ceil,
    "sqrt": math.sqrt, "fabs": math.fabs, "isnan": math.isnan, "isinf": math.isinf, "isfinite": math.isfinite,
}  # fmt: skip


def bits_of(v: float) -> bytes:
    """The bits of a float; every NaN is the same."""
    return struct.pack(">d", v if v == v else math.nan)


def _shl(x: int, y: int) -> int:
    if y > 10_000:  # no memory for what is declined anyway
        return 0 if x == 0 else (1 << 200) * (1 if x > 0 else -1)
    return x << y


def _inside(e: Doc, v: Any) -> None:
    if e["t"] == "float":
        if v != v:
            assert e["nan"], "a NaN that was said to be impossible"
            return
        assert constant(e["lo"]) <= v <= constant(e["hi"]), f"{v} outside its interval: {e}"
        return
    n = len(v) if isinstance(v, bytes) else v
    assert e["lo"] <= n <= e["hi"], f"{v} outside its interval: {e}"


def _fault(node: Doc, code: str) -> FaultError:
    assert code in node.get("faults", ()), f"{code} was said to be impossible: {node}"
    return FaultError(code)


def _never(env: Env) -> Any:
    raise AssertionError("code that was said never to be reached")


def _break(env: Env) -> None:
    raise _BreakError


def _continue(env: Env) -> None:
    raise _ContinueError


def _done(env: Env) -> None:
    raise _ReturnError
