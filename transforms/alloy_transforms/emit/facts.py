"""What follows from a document before a line is emitted: which functions can fail, and which loops count iterations.

Loops, and calls of what is not small, are counted where their total is not known to be below the limit. What is left
uncounted is at most `SMALL` iterations and calls at a time, so an input that used up its iterations ends soon.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from .layout import INT, Doc, Function, Layout, whole

ITERATIONS = 1_000_000  # of one input
SMALL = 64


def find(layout: Layout) -> None:
    """Write `cost`, `fuel` and `fallible` into the functions; callees stand first."""
    for function in layout.functions.values():
        function.cost = _block_cost(function.body, layout)
    free = layout.main.cost <= ITERATIONS
    for function in layout.functions.values():
        function.fuel = not free and function.cost > SMALL
        function.fallible = function is layout.main and layout.kind == "record"
        function.fallible = function.fallible or function.fuel or _fails(function, layout)


def counted(s: Doc, layout: Layout) -> bool:
    """Whether a loop of a function that has `fuel` counts its iterations."""
    return loop_cost(s, layout) > SMALL


def loop_cost(s: Doc, layout: Layout) -> float:
    """Most iterations and calls that a loop can take."""
    inside = 1.0 + _block_cost(s["body"], layout) + _calls(s["e"] if s["s"] == "while" else (), layout)
    trips = math.inf if s["s"] == "while" else float(s["trips"])
    return trips * inside if trips else 0.0


def _block_cost(body: Sequence[Doc], layout: Layout) -> float:
    total = 0.0
    for s in body:
        if s["s"] == "if":
            arms = [_block_cost(block, layout) for block in (*(b for _, b in s["arms"]), s["else"])]
            total += max(arms) + _calls([t for t, _ in s["arms"]], layout)
        elif s["s"] in ("for", "while"):
            total += loop_cost(s, layout) + _calls(s["e"], layout)
        else:
            total += _calls(s.get("e", ()), layout)
    return total


def _calls(exprs: Sequence[Doc], layout: Layout) -> float:
    return sum(1.0 + layout.functions[e["v"]].cost for e in walk(exprs) if e["o"] == "call")


def walk(exprs: Sequence[Doc]) -> Iterator[Doc]:
    """Every expression below these."""
    stack = list(exprs)
    while stack:
        e = stack.pop()
        yield e
        stack += e.get("a", ())


def statements(body: Sequence[Doc]) -> Iterator[Doc]:
    """Every statement below these."""
    stack = [*body]
    while stack:
        s = stack.pop()
        yield s
        if s["s"] == "if":
            stack += [inner for block in (*(b for _, b in s["arms"]), s["else"]) for inner in block]
        else:
            stack += s.get("body", ())


def expressions(s: Doc) -> Sequence[Doc]:
    """The expressions of one statement itself."""
    return [t for t, _ in s["arms"]] if s["s"] == "if" else s.get("e", ())


def leaves_early(body: Sequence[Doc], inner: bool = False) -> bool:
    """Whether a loop with this body can end before its range does, other than by an error."""
    for s in body:
        if s["s"] in ("return", "done", "never") or (s["s"] == "break" and not inner):
            return True
        if s["s"] == "if":
            if any(leaves_early(b, inner) for b in (*(b for _, b in s["arms"]), s["else"])):
                return True
        elif leaves_early(s.get("body", ()), True):
            return True
    return False


def wide(e: Doc) -> bool:
    """Whether an integer takes 128 bits."""
    if e["o"] == "never" or e["t"] != INT:
        return False
    if e["o"] == "const":
        return whole(e["v"], e["v"]) == "i128"
    return whole(e["lo"], e["hi"]) == "i128"


def may_be_nan(e: Doc) -> bool:
    """Whether a float can be NaN."""
    if e["o"] == "const":
        return float.fromhex(e["v"]["f64"]) != float.fromhex(e["v"]["f64"])
    return e["o"] != "never" and bool(e["nan"])


def _fails(function: Function, layout: Layout) -> bool:
    for s in statements(function.body):
        if s["s"] == "raise" or s.get("faults") or (s.get("fit") and _unfit(s)):
            return True
        for e in walk(expressions(s)):
            if e.get("faults") or e.get("checked"):
                return True
            if e["o"] == "call" and layout.functions[e["v"]].fallible:
                return True
            if e["o"] == "copysign" and may_be_nan(e["a"][1]):
                return True
    return False


def _unfit(s: Doc) -> bool:
    return s["s"] == "unpack" or any(wide(e) for e in s.get("e", ()))
