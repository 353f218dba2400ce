"""The value of every expression as an interval, and what is proven by it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from . import intervals as iv
from .formats import parse
from .intervals import ANY_FLOAT, BIT, EXACT, I64, I128, Floats, Ints
from .nodes import BOOL, BYTES, FLOAT, Expr, Number
from .state import MAX_INPUT, State, Value, join_values, top

if TYPE_CHECKING:
    from .findings import Sink

MAX_COUNT = 4096  # of a shift: what a board and CPython both do without a thought for memory
WORD: Ints = (-(1 << 31), (1 << 31) - 1)  # ends of slices, exponents of ldexp: machine words on boards
MAX_END = 1 << 30  # of a range: a board adds the step before it looks
NO_NAN: Floats = (-math.inf, math.inf, False)


class Budget(Exception):  # noqa: N818 - an answer, not a fault of ours
    """The analysis took as many steps as it may."""


class Evaluator:
    """Evaluates expressions in a state; the analysis of statements extends it."""

    sink: Sink
    tables: Mapping[str, tuple[Number, ...]]
    refine: Callable[[Expr, bool, State], State | None]
    call_value: Callable[[Expr, list[Value]], Value]

    def __init__(self, budget: int) -> None:
        self.left = budget
        self._ways: dict[str, Callable[[Expr, State], Value]] = {
            "const": self._const, "var": self._var, "state": self._state, "has": lambda *_: BIT,
            "and": self._and, "or": self._or, "not": self._not, "select": self._select,
            "index": self._index, "table": self._table, "slice": self._slice, "len": self._len,
            "unpack": self._unpack, "crc32": self._crc32, "call": self._call, "tofloat": self._tofloat,
            "ldexp": self._ldexp,
        }  # fmt: skip

    def expr(self, e: Expr, state: State) -> Value:
        """The value of one expression; what is proven is written into it."""
        self.left -= 1
        if self.left < 0:
            raise Budget
        way = self._ways.get(e.op)
        if way is not None:
            value = way(e, state)
        else:
            parts = [self.expr(a, state) for a in e.args]
            value = self._compute(e, parts)
        record(e, value)
        return value

    def _compute(self, e: Expr, parts: list[Value]) -> Value:
        if e.op in _COMPARE:
            return _compare(e, parts[0], parts[1])
        if e.args[0].type == FLOAT:
            return self._float(e, [p if len(p) == 3 else ANY_FLOAT for p in parts])
        return self._int(e, [(int(p[0]), int(p[1])) for p in parts])

    def _int(self, e: Expr, p: list[Ints]) -> Value:
        op = e.op
        if op in ("floordiv", "mod"):
            if p[1][0] <= 0 <= p[1][1]:
                e.faults.add("data.div")
            return self.fit(e, (iv.floordiv if op == "floordiv" else iv.mod)(*p))
        if op in ("shl", "shr"):
            if p[1][0] < 0:
                e.faults.add("data.value")
            if not -MAX_COUNT <= p[1][0] <= p[1][1] <= MAX_COUNT:
                self.sink.at("L121", e.line, e.column, f"a shift by {shown(p[1])}")
            return self.fit(e, (iv.shl if op == "shl" else iv.shr)(*p))
        if op == "pow":
            assert isinstance(e.value, int)
            return self.fit(e, iv.power(p[0], e.value))
        if op in ("min", "max"):
            f = min if op == "min" else max
            return f(v[0] for v in p), f(v[1] for v in p)
        if op == "toint":
            return p[0]
        return self.fit(e, _INT[op](*p))

    def fit(self, e: Expr, raw: Ints | None) -> Ints:
        """The result of an integer operation: exact in 128 bits, or checked against 64."""
        if raw is None:  # it always ends with its error
            return I64
        if iv.inside(raw, I128):
            return raw
        e.checked = True
        return clamp(raw)

    def _float(self, e: Expr, p: list[Floats]) -> Value:
        op, a = e.op, p[0]
        if op in ("trunc", "floor", "ceil", "round"):
            return self._whole(e, a)
        if op in ("div", "floordiv", "mod"):
            if p[1][0] <= 0.0 <= p[1][1]:
                e.faults.add("data.div")
            if op == "div":
                return iv.fdiv(a, p[1])
            finite = not (a[2] or p[1][2] or math.isinf(a[0]) or math.isinf(a[1]))
            if op == "mod" and finite and p[1][0] > 0.0 and p[1][1] < math.inf:
                return 0.0, p[1][1], False
            return ANY_FLOAT
        if op == "sqrt":
            if a[0] < 0.0:
                e.faults.add("data.value")
            return math.sqrt(max(a[0], 0.0)), math.sqrt(max(a[1], 0.0)), a[2]
        if op == "fmod":
            if p[1][0] <= 0.0 <= p[1][1] or math.isinf(a[0]) or math.isinf(a[1]):
                e.faults.add("data.value")
            return min(a[0], 0.0), max(a[1], 0.0), a[2] or p[1][2]
        if op == "copysign":
            m = max(abs(a[0]), abs(a[1]))
            return -m, m, a[2]
        if op in ("min", "max"):
            out: Value = p[0]
            for each in p[1:]:
                out = join_values(out, each)
            return out
        if op in ("isnan", "isinf", "isfinite"):
            return BIT
        return _FLOAT[op](*p)

    def _whole(self, e: Expr, a: Floats) -> Ints:
        if a[2]:
            e.faults.add("data.value")
        if math.isinf(a[0]) or math.isinf(a[1]):
            e.faults.add("data.overflow")
        out = iv.whole(a)
        if out is None:
            e.checked = True
            return I64
        return out

    def _const(self, e: Expr, state: State) -> Value:
        v = e.value
        if e.type == FLOAT:
            assert isinstance(v, float)
            return (-math.inf, math.inf, True) if v != v else (v, v, False)
        if e.type == BYTES:
            assert isinstance(v, bytes)
            return len(v), len(v)
        assert isinstance(v, int)
        return int(v), int(v)

    def _var(self, e: Expr, state: State) -> Value:
        value = state.vars.get(str(e.value))
        if value is None:
            self.sink.at("L103", e.line, e.column, f"`{e.value}`")
            value = state.vars[str(e.value)] = top(e.type)
        return value

    def _state(self, e: Expr, state: State) -> Value:
        return state.vars[f"s.{e.value}"]

    def _and(self, e: Expr, state: State) -> Value:
        return self._chain(e, state, True)

    def _or(self, e: Expr, state: State) -> Value:
        return self._chain(e, state, False)

    def _chain(self, e: Expr, state: State, go_on: bool) -> Value:
        now: State | None = state.copy()
        low, high = (1, 1) if go_on else (0, 0)
        for part in e.args:
            assert now is not None
            value = self.expr(part, now)
            if go_on:
                low = min(low, int(value[0]))
                if value[1] == 0:
                    high = 0
            else:
                high = max(high, int(value[1]))
                if value[0] == 1:
                    low = 1
            now = self.refine(part, go_on, now)
            if now is None:
                break
        return low, high

    def _not(self, e: Expr, state: State) -> Value:
        v = self.expr(e.args[0], state)
        return 1 - int(v[1]), 1 - int(v[0])

    def _select(self, e: Expr, state: State) -> Value:
        self.expr(e.args[0], state)
        yes, no = self.refine(e.args[0], True, state), self.refine(e.args[0], False, state)
        values = [self.expr(a, s.copy()) for a, s in ((e.args[1], yes), (e.args[2], no)) if s is not None]
        if not values:
            return top(e.type)
        return values[0] if len(values) == 1 else join_values(values[0], values[1])

    def _index(self, e: Expr, state: State) -> Value:
        data, i = self.expr(e.args[0], state), self.expr(e.args[1], state)
        if not (-data[0] <= i[0] and i[1] < data[0]):
            e.faults.add("data.index")
        return 0, 255

    def _table(self, e: Expr, state: State) -> Value:
        entries = self.tables[str(e.value)]
        i = self.expr(e.args[0], state)
        if not (-len(entries) <= i[0] and i[1] < len(entries)):
            e.faults.add("data.index")
        if e.type == FLOAT:
            good = [v for v in entries if v == v]
            return (min(good), max(good), len(good) < len(entries)) if good else ANY_FLOAT
        return min(entries), max(entries)

    def _slice(self, e: Expr, state: State) -> Value:
        data, i, j = (self.expr(a, state) for a in e.args)
        for bound, at in ((i, e.args[1]), (j, e.args[2])):
            if not iv.inside((int(bound[0]), int(bound[1])), WORD):
                self.sink.at(
                    "L122", at.line or e.line, at.column or e.column, f"an end of a slice, {shown(bound)},"
                )
        if isinstance(e.value, int):  # constant width: never longer, shorter where it is cut or crosses zero
            from_start = i[0] >= 0 and i[1] + e.value <= data[0]
            from_end = j[1] < 0 or (e.args[2].op == "len" and i[0] == i[1] == -e.value)
            known = from_start or (from_end and i[0] >= -data[0])
            return (e.value if known else 0), min(e.value, int(data[1]))
        longest = int(data[1])
        if i[0] >= 0 and j[0] >= 0:
            longest = max(0, min(longest, int(j[1])) - int(i[0]))
        return 0, longest

    def _len(self, e: Expr, state: State) -> Value:
        return self.expr(e.args[0], state)

    def _unpack(self, e: Expr, state: State) -> Value:
        assert isinstance(e.value, tuple)
        fmt, k = e.value
        data = self.expr(e.args[0], state)
        fault = self.unpack_length(str(fmt), data, e.line, e.column)
        e.faults |= fault
        form = parse(fmt)
        assert form is not None
        return ANY_FLOAT if e.type == FLOAT else form[0][k].interval

    def unpack_length(self, fmt: str, data: Value, line: int, column: int) -> set[str]:
        """Refuse bytes that may be too long; the error that bytes too short end with."""
        form = parse(fmt)
        assert form is not None
        if data[1] > form[1]:
            self.sink.at("L037", line, column, f'struct.unpack("{fmt}", ...), {form[1]} bytes,')
        return {"data.length"} if data[0] < form[1] or data[1] > form[1] else set()

    def _crc32(self, e: Expr, state: State) -> Value:
        self.expr(e.args[0], state)
        return 0, (1 << 32) - 1

    def _call(self, e: Expr, state: State) -> Value:
        return self.call_value(e, [self.expr(a, state) for a in e.args])

    def _ldexp(self, e: Expr, state: State) -> Value:
        a, k = self.expr(e.args[0], state), self.expr(e.args[1], state)
        if not iv.inside((int(k[0]), int(k[1])), WORD):
            self.sink.at("L122", e.line, e.column, f"an exponent of `math.ldexp`, {shown(k)},")
        try:
            values = [math.ldexp(x, max(-5000, min(5000, int(n)))) for x in a[:2] for n in k[:2]]
        except OverflowError:
            values = [math.inf]
        if any(math.isinf(v) for v in values):
            if e.value != "guarded":
                self.sink.at("L041", e.line, e.column, f"`math.ldexp` of {shown(a)} by {shown(k)}")
            e.faults.add("data.overflow")
            return -math.inf, math.inf, a[2]
        return min(values), max(values), a[2]

    def _tofloat(self, e: Expr, state: State) -> Value:
        v = self.expr(e.args[0], state)
        if not -EXACT <= v[0] <= v[1] <= EXACT:
            self.sink.at("L114", e.line, e.column, f"a value of {shown(v)}")
            v = max(min(v[0], EXACT), -EXACT), max(min(v[1], EXACT), -EXACT)
        return float(v[0]), float(v[1]), False


def shown(v: Value) -> str:
    """An interval for people."""
    names = {I64[0]: "-2**63", I64[1]: "2**63-1", I128[0]: "-2**127", I128[1]: "2**127-1", MAX_INPUT: "65536"}
    low, high = (names.get(x, x) if isinstance(x, int) else x for x in v[:2])
    text = f"{low}" if v[0] == v[1] else f"{low} to {high}"
    return text + (" or NaN" if len(v) == 3 and v[2] else "")


def clamp(raw: Ints) -> Ints:
    """The part of an interval that 64 bits hold."""
    low, high = max(raw[0], I64[0]), min(raw[1], I64[1])
    return (low, high) if low <= high else I64


def record(e: Expr, v: Value) -> None:
    """Add a value to the hull of a node."""
    if e.lo is None or e.hi is None:
        e.lo, e.hi = v[0], v[1]
    else:
        if v[0] < e.lo:
            e.lo = v[0]
        if v[1] > e.hi:
            e.hi = v[1]
    if len(v) == 3 and v[2]:
        e.nan = True


_COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")


def _compare(e: Expr, a: Value, b: Value) -> Ints:
    if e.args[0].type in (BYTES, BOOL) or (len(a) == 3 and a[2]) or (len(b) == 3 and b[2]):
        return BIT
    op = e.op
    if op in ("gt", "ge"):
        a, b, op = b, a, {"gt": "lt", "ge": "le"}[op]
    if op == "lt":
        return (1, 1) if a[1] < b[0] else (0, 0) if a[0] >= b[1] else BIT
    if op == "le":
        return (1, 1) if a[1] <= b[0] else (0, 0) if a[0] > b[1] else BIT
    apart = a[1] < b[0] or b[1] < a[0]
    alike = a[0] == a[1] == b[0] == b[1]
    if op == "eq":
        return (0, 0) if apart else (1, 1) if alike else BIT
    return (1, 1) if apart else (0, 0) if alike else BIT


def _add(a: Ints, b: Ints) -> Ints:
    return a[0] + b[0], a[1] + b[1]


def _sub(a: Ints, b: Ints) -> Ints:
    return a[0] - b[1], a[1] - b[0]


def _mul(a: Ints, b: Ints) -> Ints:
    return iv.corners(lambda x, y: x * y, a, b)


_INT: Mapping[str, Callable[..., Ints]] = {
    "add": _add,
    "sub": _sub,
    "mul": _mul,
    "neg": lambda a: (-a[1], -a[0]),
    "invert": lambda a: (~a[1], ~a[0]),
    "abs": iv.absolute,
    "band": iv.band,
    "bor": iv.bor,
    "bxor": iv.bxor,
}
_FLOAT: Mapping[str, Callable[..., Floats]] = {
    "add": iv.fadd,
    "sub": iv.fsub,
    "mul": iv.fmul,
    "neg": iv.fneg,
    "abs": iv.fabs,
    "fabs": iv.fabs,
}
