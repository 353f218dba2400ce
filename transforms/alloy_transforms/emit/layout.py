"""What a document declares, read and checked: functions, variables, columns, tables, and their names and types in Rust.

A document is treated as hostile: only names made here reach the source, and what does not hold is `build.ir`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import ScriptError

IR = 1
"""Version of the documents that this emitter reads."""
INT, FLOAT, BOOL, BYTES, ROW = "int", "float", "bool", "bytes", "row"
I64 = (-(1 << 63), (1 << 63) - 1)
I128 = (-(1 << 127), (1 << 127) - 1)
MAX_FUNCTIONS = 256
MAX_VARIABLES = 512  # of one function
MAX_FIELDS = 64
MAX_ROWS = 64
MAX_TABLE = 4096
COLUMNS: Mapping[str, str] = {
    "bool": "u8", "enum": "u8", "i8": "i8", "i16": "i16", "i32": "i32", "i64": "i64", "u8": "u8", "u16": "u16",
    "u32": "u32", "time_ns": "i64", "f64": "f64", "bytes": "Span", "text": "Span",
}  # fmt: skip
"""Type of a field -> of the values in its column."""
ZERO: Mapping[str, str] = {"i64": "0", "i128": "0", "f64": "0.0", "bool": "false", "&[u8]": "&[]"}

Doc = Mapping[str, Any]
Hull = tuple[int, int]


NOT_WELL_FORMED = "the document is not well formed"


def malformed(what: str, where: str = "") -> NoReturn:
    """Refuse the document."""
    raise ScriptError("build.ir", f"{NOT_WELL_FORMED}: {what}", where=where)


@dataclass(frozen=True)
class Variable:
    """A variable or value: its name in Rust, its type here and there."""

    name: str
    type: str
    rust: str


@dataclass(frozen=True)
class Output:
    """A field of OUTPUT. `lo`, `hi`: what its column holds, for bytes the length; None: everything."""

    name: str
    index: int
    type: str
    optional: bool
    lo: int | None
    hi: int | None

    @property
    def value(self) -> str:
        """Type of the field in a row that is being made."""
        return {"f64": "f64", "bytes": "&'a [u8]", "text": "&'a [u8]"}.get(self.type, "i64")

    @property
    def column(self) -> str:
        """Type of the values in the column."""
        return COLUMNS[self.type]


@dataclass
class Function:
    """One function. `fallible`, `fuel` and `cost` are found out later."""

    name: str
    rust: str
    params: list[Variable]
    variables: dict[str, Variable]
    rows: dict[str, str]
    result: Variable | None  # None: rows
    body: Sequence[Doc]
    fallible: bool = True
    fuel: bool = False
    cost: float = 0.0


@dataclass
class Table:
    """A constant sequence of numbers."""

    name: str
    type: str
    rust: str
    values: list[Any]


@dataclass
class Layout:
    """A whole document."""

    kind: str
    inputs: list[tuple[str, str]]
    outputs: dict[str, Output]
    state: dict[str, Variable]
    first: dict[str, Any]
    max_rows: int
    tables: dict[str, Table]
    functions: dict[str, Function] = field(default_factory=dict)
    entry: str = ""

    @property
    def main(self) -> Function:
        """The function that is called from outside."""
        return self.functions[self.entry]


def constant(v: Any) -> Any:
    """A constant of the document as a Python value."""
    if isinstance(v, Mapping) and len(v) == 1:
        (key, text), *_ = v.items()
        try:
            if key == "f64":
                return float.fromhex(text)
            if key == "bytes":
                return bytes.fromhex(text)
        except (TypeError, ValueError, OverflowError):
            pass
    elif type(v) in (int, bool):
        return v
    return malformed("a constant of no type")


def whole(lo: int, hi: int) -> str:
    """The Rust type that holds an interval of integers."""
    return "i64" if I64[0] <= lo and hi <= I64[1] else "i128"


def hull(h: Any, kind: str) -> Hull:
    """The interval of an integer, bool or length; (0, 0) for floats, which are looked at but not used."""
    if not isinstance(h, Mapping):
        malformed("a hull that is none")
    lo, hi = h.get("lo"), h.get("hi")
    if kind == FLOAT:
        low, high = constant(lo), constant(hi)
        if type(low) is not float or type(high) is not float or type(h.get("nan")) is not bool:
            malformed("the hull of a float")
        if math.isnan(low) or math.isnan(high):
            malformed("the hull of a float")
        return 0, 0
    if type(lo) is not int or type(hi) is not int or not I128[0] <= lo <= hi <= I128[1]:
        malformed("a hull that is no interval")
    return lo, hi


def rust_type(kind: str, bounds: Hull) -> str:
    """The Rust type of a value."""
    if kind == INT:
        return whole(*bounds)
    return {FLOAT: "f64", BOOL: "bool", BYTES: "&[u8]"}[kind]


def layout(doc: Doc) -> Layout:
    """Read the declarations.

    Raises:
        ScriptError: `build.ir`. Also KeyError and its kind, where a part is missing or of another shape.
    """
    if doc["ir"] != IR:
        malformed(f"version {doc['ir']!r}, not {IR}")
    kind = doc["kind"]
    if kind not in ("record", "map"):
        malformed("a module without an entry", str(kind))
    max_rows = doc["max_rows"]
    if type(max_rows) is not int or not 0 <= max_rows <= MAX_ROWS:
        malformed("`max_rows`")
    if doc["max_input"] != 65_536:
        malformed("`max_input`")
    inputs = _pairs(doc["inputs"], (INT, FLOAT, BOOL, BYTES))
    out = Layout(
        kind, inputs, _outputs(doc["outputs"]), _state(doc["state"]),
        {name: constant(v) for name, _, v in doc["state"]}, max_rows, _tables(doc["tables"]),
    )  # fmt: skip
    if len(doc["functions"]) > MAX_FUNCTIONS:
        malformed("too many functions")
    for f in doc["functions"]:
        function = _function(f, len(out.functions))
        if function.name in out.functions:
            malformed("two functions of one name")
        out.functions[function.name] = function
    out.entry = doc["entry"]
    _entry(out)
    return out


def _entry(out: Layout) -> None:
    if out.entry not in out.functions:
        malformed("no entry")
    main = out.main
    kinds = [p.type for p in main.params]
    if out.kind == "map":
        if not kinds or set(kinds) != {FLOAT} or main.result is None or main.result.type != FLOAT:
            malformed("an element-wise entry that is no function of floats")
        if out.inputs or out.outputs or out.state:
            malformed("an element-wise entry with columns")
    elif kinds != [kind for _, kind in out.inputs] or main.result is not None or not out.outputs:
        malformed("a record-wise entry that does not take its inputs")
    if any(f.result is None for f in out.functions.values() if f is not main):
        malformed("rows outside the entry")


def _pairs(items: Any, kinds: Sequence[str]) -> list[tuple[str, str]]:
    out = [(name, kind) for name, kind in items]
    if any(type(name) is not str or kind not in kinds for name, kind in out) or len(out) > MAX_FIELDS:
        malformed("an input")
    return out


def _outputs(items: Any) -> dict[str, Output]:
    out: dict[str, Output] = {}
    for f in items:
        lo, hi = f.get("lo"), f.get("hi")
        if f["type"] not in COLUMNS or type(f["optional"]) is not bool or type(f["name"]) is not str:
            malformed("an output")
        if (lo is None) != (hi is None) or any(type(v) is not int for v in (lo, hi) if v is not None):
            malformed("the limits of an output")
        if lo is not None and not I64[0] <= lo <= hi <= I64[1]:
            malformed("the limits of an output")
        out[f["name"]] = Output(f["name"], len(out), f["type"], f["optional"], lo, hi)
    if len(out) != len(items) or len(out) > MAX_FIELDS:
        malformed("outputs")
    return out


def _state(items: Any) -> dict[str, Variable]:
    out: dict[str, Variable] = {}
    for name, kind, first in items:
        if kind not in (INT, FLOAT, BOOL) or type(constant(first)).__name__ != kind or type(name) is not str:
            malformed("a state value")
        if kind == INT and not I64[0] <= first <= I64[1]:
            malformed("a state value")
        out[name] = Variable(f"s{len(out)}", kind, rust_type(kind, (0, 0)))
    if len(out) != len(items) or len(out) > MAX_FIELDS:
        malformed("state values")
    return out


def _tables(items: Any) -> dict[str, Table]:
    out: dict[str, Table] = {}
    for name, entries in items:
        values = [constant(v) for v in entries]
        kinds = {type(v) for v in values}
        if kinds not in ({int}, {float}) or not 0 < len(values) <= MAX_TABLE or type(name) is not str:
            malformed("a table")
        kind = INT if kinds == {int} else FLOAT
        bounds = (min(values), max(values)) if kind == INT else (0, 0)
        if not (I128[0] <= bounds[0] and bounds[1] <= I128[1]):
            malformed("a table")
        out[name] = Table(f"T{len(out)}", kind, rust_type(kind, bounds), values)
    if len(out) != len(items):
        malformed("two tables of one name")
    return out


def _function(f: Doc, index: int) -> Function:
    variables: dict[str, Variable] = {}
    params: list[Variable] = []
    for group in ("params", "vars"):
        for name, kind, bounds in f[group]:
            if kind == ROW:
                malformed("a row among the variables")
            made = Variable(f"v{len(variables)}", kind, rust_type(kind, hull(bounds, kind)))
            if name in variables or type(name) is not str:
                malformed("two variables of one name")
            variables[name] = made
            if group == "params":
                params.append(made)
    rows = {name: f"r{number}" for number, name in enumerate(f["rows"])}
    if (
        len(rows) != len(f["rows"])
        or len(variables) + len(rows) > MAX_VARIABLES
        or rows.keys() & variables.keys()
    ):
        malformed("variables")
    kind, bounds = f["result"]
    result = None
    if kind != ROW:
        if kind == BYTES or (bounds is None and kind == INT):
            malformed("the result of a function")
        result = Variable("", kind, rust_type(kind, (0, 0) if bounds is None else hull(bounds, kind)))
    if type(f["name"]) is not str:
        malformed("the name of a function")
    return Function(f["name"], f"f{index}", params, variables, rows, result, f["body"])
