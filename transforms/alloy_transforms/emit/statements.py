"""Statements of the document as Rust."""

from __future__ import annotations

from collections.abc import Sequence

from ..lang.formats import parse
from .expressions import Expressions, Text, coerce, number
from .facts import counted, leaves_early
from .layout import BOOL, BYTES, FLOAT, I64, ZERO, Doc, Function, Layout

_CODES = {
    "data.div": "DIV", "data.index": "INDEX", "data.value": "VALUE", "data.overflow": "OVERFLOW",
    "data.range": "RANGE", "data.length": "LENGTH",
}  # fmt: skip
_LAST = ("never", "break", "continue", "done", "return", "raise")  # nothing behind them is reached


class Statements(Expressions):
    """Emits one function."""

    def __init__(self, layout: Layout, function: Function) -> None:
        super().__init__(layout, function)
        self.lines: list[str] = []
        self.depth = 1

    def emit(self) -> str:
        """The whole function."""
        f = self.function
        main = f.result is None
        params = [f"mut {p.name}: {p.rust.replace('&', chr(38) + chr(39) + 'b ')}" for p in f.params]
        if main:
            params += ["state: &mut State", "out: &mut Outputs"]
        if f.fuel:
            params.append("fuel: &mut i64")
        gives = "()" if f.result is None else f.result.rust
        gives = f"Result<{gives}, Code>" if f.fallible else gives
        given = {p.name for p in f.params}
        for v in f.variables.values():
            if v.name not in given:
                self._line(f"let mut {v.name}: {v.rust} = {ZERO[v.rust]};")
        for row in f.rows.values():
            self._line(f"let mut {row} = Row::EMPTY;")
        if f.fuel and f is not self.layout.main:
            self._line("burn(fuel, 1)?;")
        self.block(f.body)
        if not f.body or f.body[-1]["s"] not in _LAST:
            self._end()
        borrows = "<'b>" if any(p.type == BYTES for p in f.params) else ""  # they are assigned to each other
        head = f"fn {f.rust}{borrows}({', '.join(params)}) -> {gives} {{"
        return "\n".join([head, *self.lines, "}"])

    def _line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def _open(self, text: str) -> None:
        self._line(text)
        self.depth += 1

    def _close(self, text: str = "}") -> None:
        self.depth -= 1
        self._line(text)

    def _leave(self, value: str) -> None:
        self._line(f"return Ok({value});" if self.function.fallible else f"return {value};")

    def _end(self) -> None:
        """What stands where the document says that nothing is reached, or where `transform` ends."""
        result = self.function.result
        if result is None:
            self._leave("()")
        elif self.function.fallible:
            self._line("return Err(DECLINE);")
        else:
            self._leave(ZERO[result.rust])

    def block(self, body: Sequence[Doc]) -> None:
        """A sequence of statements; what follows one that always leaves is left out."""
        for s in body:
            getattr(self, f"_on_{s['s']}")(s)
            if s["s"] in _LAST:
                return

    def _on_never(self, s: Doc) -> None:
        if self.function.result is None:
            self._line("return Err(DECLINE);")
        else:
            self._end()

    def _on_set(self, s: Doc) -> None:
        variable = self.function.variables[s["to"]]
        self._line(f"{variable.name} = {self.into(s['e'][0], variable.rust, bool(s.get('fit')))};")

    def _on_keep(self, s: Doc) -> None:
        variable = self.layout.state[s["to"]]
        self._line(f"state.{variable.name} = {self.into(s['e'][0], variable.rust, bool(s.get('fit')))};")

    def _on_do(self, s: Doc) -> None:
        self._line(f"{self.expr(s['e'][0]).code};")

    def _on_raise(self, s: Doc) -> None:
        self._line(f"return Err({_CODES[s['code']]});")

    def _on_return(self, s: Doc) -> None:
        assert self.function.result is not None
        self._leave(self.into(s["e"][0], self.function.result.rust))

    def _on_done(self, s: Doc) -> None:
        self._leave("()")

    def _on_break(self, s: Doc) -> None:
        self._line("break;")

    def _on_continue(self, s: Doc) -> None:
        self._line("continue;")

    def _on_if(self, s: Doc) -> None:
        for number_, (test, body) in enumerate(s["arms"]):
            text = f"if {self.expr(test).code} {{"
            if number_ == 0:
                self._open(text)
            else:
                self.depth -= 1
                self._open("} else " + text)
            self.block(body)
        if s["else"]:
            self.depth -= 1
            self._open("} else {")
            self.block(s["else"])
        self._close()

    def _on_while(self, s: Doc) -> None:
        self._open(f"while {self.expr(s['e'][0]).code} {{")
        if self.function.fuel:
            self._line("burn(fuel, 1)?;")
        self.block(s["body"])
        self._close()

    def _on_for(self, s: Doc) -> None:
        to, step = self.function.variables[s["to"]], s["step"]
        fit = bool(s.get("fit"))
        start, stop = (self.into(e, "i64", fit) for e in s["e"])
        self._open("{")
        self._line(f"let (start, stop) = ({start}, {stop});")
        count = self.function.fuel and counted(s, self.layout)
        each = count and leaves_early(s["body"])
        if count and not each:
            self._line(f"burn(fuel, trips(start, stop, {step}))?;")
        value = coerce(Text("k", "i64"), to.rust)
        if step == 1:
            self._open("for k in start..stop {")
            self._line(f"{to.name} = {value};")
        else:
            self._line("let mut k = start;")
            self._open(f"while k {'<' if step > 0 else '>'} stop {{")
            self._line(f"{to.name} = {value};")
            self._line(f"k = k.{'wrapping' if _stays(s) else 'saturating'}_add({step});")
        if each:
            self._line("burn(fuel, 1)?;")
        self.block(s["body"])
        self._close()
        self._close()

    def _on_unpack(self, s: Doc) -> None:
        form = parse(s["format"])
        assert form is not None
        self._open("{")
        self._line(f"let b = {self.packed(self.expr(s['e'][0]).code, form[1], bool(s.get('faults')))};")
        for name, item in zip(s["to"], form[0], strict=True):
            variable = self.function.variables[name]
            text = Text(
                number("b", s["format"], item.code, item.offset), "i128" if item.code == "Q" else "i64"
            )
            if item.is_float:
                self._line(f"{variable.name} = {text.code};")
                continue
            if s.get("fit") and text.type == "i128":
                text = Text(f"narrow({text.code})?", "i64")
            self._line(f"{variable.name} = {coerce(text, variable.rust)};")
        self._close()

    def _on_frexp(self, s: Doc) -> None:
        a, b = (self.function.variables[n] for n in s["to"])
        self._open("{")
        self._line(f"let (first, second) = {s['s']}({self.expr(s['e'][0]).code});")
        self._line(f"{a.name} = first;")
        self._line(f"{b.name} = {coerce(Text('second', 'f64' if b.type == FLOAT else 'i64'), b.rust)};")
        self._close()

    _on_modf = _on_frexp

    def _on_row(self, s: Doc) -> None:
        self._line(f"{self.function.rows[s['row']]}.clear();")

    def _on_put(self, s: Doc) -> None:
        field = self.layout.outputs[s["field"]]
        row = self.function.rows[s["row"]]
        (e,) = s["e"]
        if e["t"] in (BYTES, FLOAT):
            value = self.expr(e).code
        elif e["t"] == BOOL:
            value = f"({self.expr(e).code} as i64)"
        else:
            value = self.into(e, "i64", bool(s.get("fit")))
        self._line(f"{row}.c{field.index} = {value};")
        self._line(f"{row}.set({field.index});")

    def _on_emit(self, s: Doc) -> None:
        """The tests that count when the input has ended well, in the order of OUTPUT, then the row."""
        row = self.function.rows[s["row"]]
        for field in self.layout.outputs.values():
            there, value = f"{row}.has({field.index})", f"{row}.c{field.index}"
            if field.type == "text":
                self._line(f"if {there} && !is_text({value}) {{ out.late(VALUE); }}")
            if field.name in s["ranges"]:
                size = f"({value}.len() as i64)" if field.type in ("text", "bytes") else value
                self._line(
                    f"if {there} && !({field.lo}..={field.hi}).contains(&{size}) {{ out.late(RANGE); }}"
                )
        self._line(f"out.leave(&{row})?;")


def _stays(s: Doc) -> bool:
    """Whether a loop variable past its range still fits 64 bits."""
    e = s["e"][1]
    if e["o"] == "never":
        return False
    lo, hi = (e["v"], e["v"]) if e["o"] == "const" else (e["lo"], e["hi"])
    return bool(I64[0] <= lo + s["step"] and hi + s["step"] <= I64[1])
