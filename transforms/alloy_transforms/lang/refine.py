"""What a condition tells about the variables in it, on the path where it holds and on the one where it does not."""

from __future__ import annotations

import math
import sys

from .evaluate import Evaluator
from .intervals import EXACT
from .nodes import FLOAT, INT, Expr
from .state import State, Value, join

_NEGATED = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt", "eq": "ne", "ne": "eq"}
_HUGE = sys.float_info.max


class Refiner(Evaluator):
    """Adds `refine` to the evaluator."""

    def refine(self, e: Expr, truth: bool, state: State) -> State | None:
        """The state where `e` is `truth`; None where it never is. Does not change `state`."""
        if e.op == "not":
            return self.refine(e.args[0], not truth, state)
        if e.op in ("and", "or"):
            return self._chain_of(e, truth, state)
        if e.op in _NEGATED and e.args[0].type in (INT, FLOAT):
            op = e.op if truth else _NEGATED[e.op]
            return (self._floats if e.args[0].type == FLOAT else self._ints)(e, op, truth, state)
        if e.op in ("var", "const", "state"):
            return self._narrow(e, (int(truth), int(truth)), state.copy())
        if e.op in ("isnan", "isinf", "isfinite"):
            return self._kind(e, truth, state)
        if e.op == "has":
            return _has(e, truth, state)
        return state

    def _chain_of(self, e: Expr, truth: bool, state: State) -> State | None:
        all_of = truth == (e.op == "and")
        now: State | None = state
        out: State | None = None
        for part in e.args:
            if now is None:
                break
            if not all_of:
                out = join(out, self.refine(part, truth, now))
            now = self.refine(part, truth if all_of else not truth, now)
        return now if all_of else out

    def _ints(self, e: Expr, op: str, truth: bool, state: State) -> State | None:
        x, y = e.args
        a, b = self.expr(x, state), self.expr(y, state)
        if op in ("gt", "ge"):
            x, y, a, b, op = y, x, b, a, {"gt": "lt", "ge": "le"}[op]
        out: State | None = state.copy()
        assert out is not None
        if op == "eq":
            both = max(a[0], b[0]), min(a[1], b[1])
            out = self._narrow(x, both, out)
            return None if out is None else self._narrow(y, both, out)
        if op == "ne":
            for one, mine, other in ((x, a, b), (y, b, a)):
                if out is not None and other[0] == other[1]:
                    low = mine[0] + (mine[0] == other[0])
                    high = mine[1] - (mine[1] == other[0])
                    out = self._narrow(one, (low, high), out)
            return out
        gap = 1 if op == "lt" else 0
        out = self._narrow(x, (a[0], min(a[1], b[1] - gap)), out)
        return None if out is None else self._narrow(y, (max(b[0], a[0] + gap), b[1]), out)

    def _narrow(self, e: Expr, value: Value, state: State) -> State | None:
        """Intersect the variable behind `e` with a value; changes `state`."""
        if value[0] > value[1]:
            return None
        if e.op == "const":
            own = self.expr(e, state)
            return state if own[0] <= value[1] and value[0] <= own[1] else None
        if e.op in ("add", "sub") and e.args[1].op == "const" and e.type == INT:
            c = e.args[1].value
            assert isinstance(c, int)
            c = -c if e.op == "add" else c
            return self._narrow(e.args[0], (int(value[0]) + c, int(value[1]) + c), state)
        if e.op == "add" and e.args[0].op == "const" and e.type == INT:
            c = e.args[0].value
            assert isinstance(c, int)
            return self._narrow(e.args[1], (int(value[0]) - c, int(value[1]) - c), state)
        if e.op == "tofloat":
            if max(abs(value[0]), abs(value[1])) > EXACT:
                return state
            return self._narrow(e.args[0], (math.ceil(value[0]), math.floor(value[1])), state)
        name = str(e.value) if e.op == "var" else f"s.{e.value}" if e.op == "state" else ""
        if e.op == "len" and e.args[0].op == "var":
            name = str(e.args[0].value)
        have = state.vars.get(name)
        if have is None:
            return state
        low, high = max(have[0], value[0]), min(have[1], value[1])
        if low > high:
            return None
        state.vars[name] = (
            (low, high, value[2] if len(value) == 3 else False) if len(have) == 3 else (low, high)
        )
        return state

    def _floats(self, e: Expr, op: str, truth: bool, state: State) -> State | None:
        x, y = e.args
        a, b = self.expr(x, state), self.expr(y, state)
        assert len(a) == 3
        assert len(b) == 3
        ordered = truth != (e.op == "ne")  # a comparison that holds says that no side is NaN
        if not ordered and a[2] and b[2]:
            return state
        if op in ("gt", "ge"):
            x, y, a, b, op = y, x, b, a, {"gt": "lt", "ge": "le"}[op]
        keep_a, keep_b = (False, False) if ordered else (a[2], b[2])
        if op == "ne" or (keep_a or keep_b):
            return self._nan_side(x, y, a, b, op, state)
        out: State | None = state.copy()
        assert out is not None
        if op == "eq":
            low, high = max(a[0], b[0]), min(a[1], b[1])
            out = self._narrow(x, (low, high, False), out)
            return None if out is None else self._narrow(y, (low, high, False), out)
        out = self._narrow(x, (a[0], min(a[1], b[1]), False), out)
        return None if out is None else self._narrow(y, (max(b[0], a[0]), b[1], False), out)

    def _nan_side(self, x: Expr, y: Expr, a: Value, b: Value, op: str, state: State) -> State | None:
        """A comparison that does not hold, where one side may be NaN: the bound counts for that side's numbers."""
        if op not in ("lt", "le") or not (len(a) == len(b) == 3):
            return state
        out = state.copy()
        if a[2] and not b[2] and a[0] <= b[1]:
            return self._narrow(x, (a[0], min(a[1], b[1]), True), out)
        if b[2] and not a[2] and a[0] <= b[1]:
            return self._narrow(y, (max(b[0], a[0]), b[1], True), out)
        return state

    def _kind(self, e: Expr, truth: bool, state: State) -> State | None:
        v = self.expr(e.args[0], state)
        if e.op == "isnan" and not truth:
            return self._narrow(e.args[0], (v[0], v[1], False), state.copy())
        if e.op == "isfinite" and truth:
            return self._narrow(e.args[0], (max(v[0], -_HUGE), min(v[1], _HUGE), False), state.copy())
        return state


def _has(e: Expr, truth: bool, state: State) -> State | None:
    assert isinstance(e.value, tuple)
    row, key = e.value
    slots = state.rows.get(row)
    if slots is None:
        return state
    slot = slots.get(key)
    if truth:
        if slot is None:
            return None
        out = state.copy()
        out.rows[row][key] = (True, slot[1])
        return out
    if slot is not None and slot[0]:
        return None
    out = state.copy()
    out.rows[row].pop(key, None)
    return out
