"""What the checker inferred, in lines for people: types, intervals, what is checked and why."""

from __future__ import annotations

from .check import Report
from .document import counts, expressions
from .evaluate import shown
from .instances import Instance
from .nodes import INT, Expr, Stmt
from .state import Value

MAX_LISTED = 40  # operations of one function


def explain(report: Report, meant: str) -> list[str]:
    """The explanation of one file."""
    if meant == "gateway":
        return ["gateway: the file is checked as any Python; it runs in the sandbox and is never promoted"]
    if not report.accepted:
        first = report.refusals[0]
        more = len(report.refusals) - 1
        also = f", and {more} more" if more else ""
        return [f"gateway: line {first.line}: {first.rule}: {first.what}{also}"]
    n = counts(list(report.functions))
    proven = n["operations"] - n["checked"]
    lines = [
        f"portable, {report.kind}, profile {report.numeric}, IR {report.digest}",
        f"{proven} of {n['operations']} integer operations proven, {n['wide']} of them in 128 bits, "
        f"{n['checked']} checked; {n['faults']} places can end with an error",
    ]
    for instance in report.functions:
        lines += _function(instance)
    return lines


def _function(instance: Instance) -> list[str]:
    function = instance.function
    given = {name for name, kind in function.params if kind != "state"}
    head = ", ".join(f"{n}: {k} {_shown(k, instance.hulls.get(n))}" for n, k in function.params if n in given)
    result = _shown(function.result, instance.result)
    out = ["", f"{instance.name}({head}) -> {function.result} {result}".rstrip()]
    for name, kind in sorted(function.types.items()):
        if name in instance.hulls and name not in given:
            out.append(f"  {name}: {kind} {_shown(kind, instance.hulls[name])}")
    notes = [note for e in expressions(function.body) if (note := _note(e))]
    notes += _statements(function.body)
    out += [f"  {note}" for note in notes[:MAX_LISTED]]
    if len(notes) > MAX_LISTED:
        out.append(f"  and {len(notes) - MAX_LISTED} more")
    return out


def _shown(kind: str, value: Value | None) -> str:
    if value is None:
        return ""
    return f"of {shown(value)} bytes" if kind == "bytes" else f"[{shown(value)}]" if kind != "bool" else ""


def _note(e: Expr) -> str:
    if e.checked:
        return f"{e.line}:{e.column} `{e.op}` is checked: it may leave 64 bits, then the sandbox answers"
    if e.faults:
        return f"{e.line}:{e.column} `{e.op}` can end with {', '.join(sorted(e.faults))}"
    if e.type == INT and e.lo is not None and e.hi is not None and not -(1 << 63) <= e.lo <= e.hi < 1 << 63:
        return f"{e.line}:{e.column} `{e.op}` takes 128 bits: {shown((e.lo, e.hi))}"
    return ""


def _statements(body: list[Stmt]) -> list[str]:
    out = []
    for s in body:
        if s.fit:
            out.append(
                f"{s.line}:{s.column} the value is checked: it may leave 64 bits, then the sandbox answers"
            )
        if s.ranges:
            out.append(f"{s.line}:{s.column} the row can end with data.range: {', '.join(sorted(s.ranges))}")
        for block in s.blocks:
            out += _statements(block)
    return out
