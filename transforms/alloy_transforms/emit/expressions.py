"""Expressions of the document as Rust: one text for one node, operands left to right, `?` where an error can end it.

Integers are computed in 64 bits where the hulls of operands and result fit, else in 128. Ring operations whose
result fits 64 bits need only the low 64 bits of their operands. `wrapping_` says that the intervals have proven that
nothing wraps, `checked_` that the input is declined where it would.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..lang.formats import parse
from .facts import may_be_nan
from .layout import FLOAT, INT, ZERO, Doc, Function, Layout, constant, whole


class Text(NamedTuple):
    """An expression and its Rust type."""

    code: str
    type: str


_BITS = {"band": "&", "bor": "|", "bxor": "^"}
_FLOATS = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_ORDER = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}
_ROUND = {"trunc": "truncate", "floor": "floor", "ceil": "ceil", "round": "nearest"}
_KINDS = {"isnan": "is_nan", "isinf": "is_infinite", "isfinite": "is_finite"}
_READ = {"b": "i8", "B": "u8", "h": "i16", "H": "u16", "i": "i32", "I": "u32", "q": "i64", "Q": "u64", "f": "f32",
        "d": "f64"}  # fmt: skip
_SIZES = {"i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "f32": 4, "i64": 8, "u64": 8, "f64": 8}


def literal(v: object, type_: str) -> str:
    """A constant."""
    if isinstance(v, bool):
        return "true" if v else "false"
    if isinstance(v, bytes):
        return '(b"' + "".join(f"\\x{c:02x}" for c in v) + '" as &[u8])'
    if isinstance(v, float):
        if math.isnan(v):
            return "NAN"
        if math.isinf(v):
            return "f64::INFINITY" if v > 0 else "(-f64::INFINITY)"
        return f"({v!r}f64)" if math.copysign(1.0, v) < 0 else f"{v!r}f64"
    return f"({v}{type_})" if isinstance(v, int) and v < 0 else f"{v}{type_}"


def coerce(e: Text, type_: str) -> str:
    """The same value in another width; what does not fit is cut, which the caller knows not to matter."""
    return e.code if e.type == type_ else f"({e.code} as {type_})"


def near(e: Text) -> str:
    """An integer as a bound or a count of 64 bits, beyond which nothing changes."""
    return e.code if e.type == "i64" else f"near({e.code})"


def widest(*types: str) -> str:
    """The type that holds all."""
    return "i128" if "i128" in types else "i64"


class Expressions:
    """Emits the expressions of one function."""

    def __init__(self, layout: Layout, function: Function) -> None:
        self.layout = layout
        self.function = function
        ways: dict[str, Callable[[Doc], Text]] = {}
        ways |= dict.fromkeys(("add", "sub", "mul", "neg"), self._ring)
        ways |= dict.fromkeys(_BITS, self._bits)
        ways |= dict.fromkeys(("floordiv", "mod"), self._division)
        ways |= dict.fromkeys(("min", "max"), self._pick)
        ways |= dict.fromkeys(_ORDER, self._compare)
        ways |= dict.fromkeys(_ROUND, self._whole)
        ways |= dict.fromkeys(_KINDS, lambda e: Text(f"{_KINDS[e['o']]}({self._one(e).code})", "bool"))
        ways |= {
            "const": self._const, "var": self._var, "state": self._state, "has": self._has, "never": self._never,
            "abs": self._abs, "div": self._div, "pow": self._pow, "invert": self._invert, "shl": self._shl,
            "shr": self._shr, "and": self._chain, "or": self._chain, "not": self._not, "select": self._select,
            "index": self._index, "table": self._table, "slice": self._slice, "len": self._len,
            "crc32": self._crc32, "unpack": self._unpack, "call": self._call, "tofloat": self._tofloat,
            "toint": self._toint, "sqrt": self._sqrt, "fabs": self._abs, "fmod": self._fmod,
            "copysign": self._copysign, "ldexp": self._ldexp,
        }  # fmt: skip
        self._ways: Mapping[str, Callable[[Doc], Text]] = ways

    def expr(self, e: Doc) -> Text:
        """One expression."""
        return self._ways[e["o"]](e)

    def into(self, e: Doc, type_: str, fit: bool = False) -> str:
        """One expression as a value of a type; with `fit`, declined where 64 bits do not hold it."""
        text = self.expr(e)
        if fit and text.type == "i128":
            text = Text(f"narrow({text.code})?", "i64")
        return coerce(text, type_)

    def _one(self, e: Doc) -> Text:
        return self.expr(e["a"][0])

    def _two(self, e: Doc) -> tuple[Text, Text]:
        a, b = e["a"]
        return self.expr(a), self.expr(b)

    def _const(self, e: Doc) -> Text:
        v = constant(e["v"])
        if isinstance(v, bool):
            return Text(literal(v, ""), "bool")
        if isinstance(v, int):
            type_ = whole(v, v)
            return Text(literal(v, type_), type_)
        return Text(literal(v, ""), "f64" if isinstance(v, float) else "&[u8]")

    def _never(self, e: Doc) -> Text:
        type_ = {"int": "i64", "float": "f64", "bool": "bool"}.get(e["t"], "&[u8]")
        return Text({"i64": "0i64", "f64": "0f64", "&[u8]": "(&[] as &[u8])"}.get(type_, ZERO[type_]), type_)

    def _var(self, e: Doc) -> Text:
        variable = self.function.variables[e["v"]]
        if variable.type != INT:
            return Text(variable.name, variable.rust)
        want = whole(e["lo"], e["hi"])
        return Text(coerce(Text(variable.name, variable.rust), want), want)

    def _state(self, e: Doc) -> Text:
        variable = self.layout.state[e["v"]]
        return Text(f"state.{variable.name}", variable.rust)

    def _has(self, e: Doc) -> Text:
        row, name = e["v"]
        return Text(f"{self.function.rows[row]}.has({self.layout.outputs[name].index})", "bool")

    def _width(self, e: Doc) -> str:
        return whole(e["lo"], e["hi"])

    def _ring(self, e: Doc) -> Text:
        op = e["o"]
        parts = [self.expr(a) for a in e["a"]]
        if e["t"] == FLOAT:
            if op == "neg":
                return Text(f"(-{parts[0].code})", "f64")
            return Text(f"({parts[0].code} {_FLOATS[op]} {parts[1].code})", "f64")
        if e.get("checked"):
            return self._checked(op, parts)
        want = self._width(e)
        args = ", ".join(coerce(p, want) for p in parts[1:])
        return Text(f"{coerce(parts[0], want)}.wrapping_{op}({args})", want)

    def _checked(self, op: str, parts: list[Text], arg: str | None = None) -> Text:
        wide = widest(*(p.type for p in parts))
        args = ", ".join(coerce(p, wide) for p in parts[1:]) if arg is None else arg
        code = f"{coerce(parts[0], wide)}.checked_{op}({args}).ok_or(DECLINE)?"
        return Text(code if wide == "i64" else f"narrow({code})?", "i64")

    def _abs(self, e: Doc) -> Text:
        a = self._one(e)
        if e["t"] == FLOAT:
            return Text(f"magnitude({a.code})", "f64")
        if e.get("checked"):
            return self._checked("abs", [a])
        want = self._width(e)
        wide = widest(want, a.type)
        return Text(coerce(Text(f"{coerce(a, wide)}.wrapping_abs()", wide), want), want)

    def _bits(self, e: Doc) -> Text:
        a, b = self._two(e)
        want = self._width(e)
        return Text(f"({coerce(a, want)} {_BITS[e['o']]} {coerce(b, want)})", want)

    def _invert(self, e: Doc) -> Text:
        a = self._one(e)
        want = self._width(e)
        return Text(f"(!{coerce(a, want)})", want)

    def _division(self, e: Doc) -> Text:
        a, b = self._two(e)
        faults = bool(e.get("faults"))
        if e["t"] == FLOAT:
            name = "float_mod" if e["o"] == "mod" else "float_floor_div"
            return Text(f"{name}({a.code}, {f'divisor({b.code})?' if faults else b.code})", "f64")
        want = "i64" if e.get("checked") else self._width(e)
        wide = "i128" if e.get("checked") else widest(want, a.type, b.type)
        divisor = coerce(b, wide) + (".nonzero()?" if faults else "")
        out = Text(f"{coerce(a, wide)}.floor_{'mod' if e['o'] == 'mod' else 'div'}({divisor})", wide)
        if e.get("checked"):
            return Text(f"narrow({out.code})?", "i64")
        return Text(coerce(out, want), want)

    def _div(self, e: Doc) -> Text:
        a, b = self._two(e)
        return Text(f"({a.code} / {f'divisor({b.code})?' if e.get('faults') else b.code})", "f64")

    def _pick(self, e: Doc) -> Text:
        parts = [self.expr(a) for a in e["a"]]
        wide = "f64" if e["t"] == FLOAT else widest(*(p.type for p in parts))
        name = "least" if e["o"] == "min" else "greatest"
        code = coerce(parts[0], wide)
        for p in parts[1:]:
            code = f"{name}({code}, {coerce(p, wide)})"
        want = "f64" if e["t"] == FLOAT else self._width(e)
        return Text(coerce(Text(code, wide), want), want)

    def _pow(self, e: Doc) -> Text:
        a = self._one(e)
        if e.get("checked"):
            return self._checked("pow", [a], f"{e['v']}")
        want = self._width(e)
        return Text(f"{coerce(a, want)}.wrapping_pow({e['v']})", want)

    def _count(self, e: Doc) -> str:
        count = near(self.expr(e["a"][1]))
        return f"count({count})?" if e.get("faults") else count

    def _shl(self, e: Doc) -> Text:
        a = self.expr(e["a"][0])
        n = self._count(e)
        if e.get("checked"):
            return Text(f"narrow(shl_exact({coerce(a, 'i128')}, {n})?)?", "i64")
        want = self._width(e)
        most = _upper(e["a"][1])
        if 0 <= most < (64 if want == "i64" else 128):
            return Text(f"{coerce(a, want)}.wrapping_shl({n} as u32)", want)
        return Text(coerce(Text(f"shl_known({coerce(a, 'i128')}, {n})", "i128"), want), want)

    def _shr(self, e: Doc) -> Text:
        a = self.expr(e["a"][0])
        n = self._count(e)
        most = _upper(e["a"][1])
        bits = 64 if a.type == "i64" else 128
        code = f"{a.code}.wrapping_shr({n} as u32)" if 0 <= most < bits else f"shr{bits}({a.code}, {n})"
        want = self._width(e)
        if e.get("checked"):
            return Text(f"narrow({coerce(Text(code, a.type), 'i128')})?", "i64")
        return Text(coerce(Text(code, a.type), want), want)

    def _compare(self, e: Doc) -> Text:
        kind = e["a"][0]["t"]
        a, b = self._two(e)
        if kind == "bytes":
            return Text(f"{'!' if e['o'] == 'ne' else ''}same({a.code}, {b.code})", "bool")
        wide = widest(a.type, b.type) if kind == INT else a.type
        return Text(f"({coerce(a, wide)} {_ORDER[e['o']]} {coerce(b, wide)})", "bool")

    def _chain(self, e: Doc) -> Text:
        sign = " && " if e["o"] == "and" else " || "
        return Text(f"({sign.join(self.expr(a).code for a in e['a'])})", "bool")

    def _not(self, e: Doc) -> Text:
        return Text(f"(!{self._one(e).code})", "bool")

    def _select(self, e: Doc) -> Text:
        test, a, b = (self.expr(x) for x in e["a"])
        wide = widest(a.type, b.type) if e["t"] == INT else a.type
        out = Text(f"(if {test.code} {{ {coerce(a, wide)} }} else {{ {coerce(b, wide)} }})", wide)
        want = self._width(e) if e["t"] == INT else out.type
        return Text(coerce(out, want), want)

    def _index(self, e: Doc) -> Text:
        b, i = self._two(e)
        return Text(f"({_item(e, b.code, i)} as i64)", "i64")

    def _table(self, e: Doc) -> Text:
        table = self.layout.tables[e["v"]]
        code = _item(e, f"&{table.name}", self._one(e))
        want = self._width(e) if table.type == INT else "f64"
        return Text(coerce(Text(code, table.rust), want), want)

    def _slice(self, e: Doc) -> Text:
        b, i, j = (self.expr(a) for a in e["a"])
        return Text(f"slice({b.code}, {near(i)}, {near(j)})", "&[u8]")

    def _len(self, e: Doc) -> Text:
        return Text(f"({self._one(e).code}.len() as i64)", "i64")

    def _crc32(self, e: Doc) -> Text:
        return Text(f"crc32({self._one(e).code})", "i64")

    def _unpack(self, e: Doc) -> Text:
        fmt, k = e["v"]
        form = parse(fmt)
        assert form is not None
        b = self.packed(self._one(e).code, form[1], bool(e.get("faults")))
        code, offset = form[0][k].code, form[0][k].offset
        if code in "fd":
            return Text(f"({{ let b = {b}; {number('b', fmt, code, offset)} }})", "f64")
        want = self._width(e)
        wide = "i128" if code == "Q" else "i64"
        return Text(coerce(Text(f"({{ let b = {b}; {number('b', fmt, code, offset)} }})", wide), want), want)

    @staticmethod
    def packed(data: str, size: int, faults: bool) -> str:
        """The bytes of a format, as an array."""
        return f"first::<{size}>({data})?" if faults else f"sure::<{size}>({data})"

    def _call(self, e: Doc) -> Text:
        callee = self.layout.functions[e["v"]]
        assert callee.result is not None
        args = [self.into(a, p.rust) for a, p in zip(e.get("a", ()), callee.params, strict=True)]
        if callee.fuel:
            args.append("fuel")
        code = f"{callee.rust}({', '.join(args)}){'?' if callee.fallible else ''}"
        want = self._width(e) if callee.result.type == INT else callee.result.rust
        return Text(coerce(Text(code, callee.result.rust), want), want)

    def _tofloat(self, e: Doc) -> Text:
        return Text(f"({self._one(e).code} as f64)", "f64")

    def _toint(self, e: Doc) -> Text:
        return Text(f"({self._one(e).code} as i64)", "i64")

    def _whole(self, e: Doc) -> Text:
        code = f"{_ROUND[e['o']]}({self._one(e).code})"
        if e.get("faults") or e.get("checked"):
            return Text(f"integer({code})?", "i64")
        return Text(f"({code} as i64)", "i64")

    def _sqrt(self, e: Doc) -> Text:
        a = self._one(e).code
        return Text(f"sqrt({a})?" if e.get("faults") else f"root({a})", "f64")

    def _fmod(self, e: Doc) -> Text:
        a, b = self._two(e)
        name = "fmod" if e.get("faults") else "remainder"
        return Text(f"{name}({a.code}, {b.code}){'?' if e.get('faults') else ''}", "f64")

    def _copysign(self, e: Doc) -> Text:
        a, b = self._two(e)
        if may_be_nan(e["a"][1]):
            return Text(f"copysign({a.code}, {b.code})?", "f64")
        return Text(f"with_sign({a.code}, {b.code})", "f64")

    def _ldexp(self, e: Doc) -> Text:
        a, k = self._two(e)
        if e.get("faults"):
            return Text(f"ldexp({a.code}, {near(k)})?", "f64")
        return Text(f"scaled({a.code}, {near(k)})", "f64")


def _item(e: Doc, sequence: str, i: Text) -> str:
    """An item of a sequence; an index that is known not to be negative needs no look at the length."""
    forward = _lower(e["a"][-1]) >= 0
    if e.get("faults"):
        return f"{'nth' if forward else 'item'}({sequence}, {near(i)})?"
    return f"{'known_nth' if forward else 'known'}({sequence}, {near(i)})"


def _lower(e: Doc) -> int:
    """The smallest value of an integer; -1 where it is never computed."""
    if e["o"] == "never":
        return -1
    return int(e["v"] if e["o"] == "const" else e["lo"])


def _upper(e: Doc) -> int:
    """The largest value of an integer; -1 where it is never computed."""
    if e["o"] == "never":
        return -1
    return int(e["v"] if e["o"] == "const" else e["hi"])


def number(array: str, fmt: str, code: str, offset: int) -> str:
    """One value out of an array of bytes, as i64, i128 (`Q`) or f64."""
    rust = _READ[code]
    items = ", ".join(f"{array}[{offset + k}]" for k in range(_SIZES[rust]))
    order = "be" if fmt[0] == ">" else "le"
    to = "i128" if code == "Q" else "f64" if code in "fd" else "i64"
    return f"({rust}::from_{order}_bytes([{items}]) as {to})"
