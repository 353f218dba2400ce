"""Bodies of functions: `transform` in its three forms of rows, helpers, and the element-wise `f`."""

from __future__ import annotations

from typing import Any

from tests.transforms.programs.chance import Chance, literal
from tests.transforms.programs.scope import BOOL, BYTES, FLOAT, INT, Declared, Scope
from tests.transforms.programs.statements import Statements

SIGNED = {"i8": 7, "i16": 15, "i32": 31, "i64": 63, "time_ns": 63}
UNSIGNED = {"u8": 8, "u16": 16, "u32": 32}


class Body(Statements):
    """A body that also fills rows."""

    form = "return"  # or `row`, `yield`

    def statement(self) -> None:
        """One statement; in `transform` also one about rows."""
        if self.scope.entry and self.chance.often(22):
            if self.scope.row and self.chance.often(70):
                self._put()
                return
            if self.form == "yield" and self.chance.often(60):
                self._yield()
                return
            if self.scope.loops < 2 and self.chance.often(25):
                self._early()
                return
        super().statement()

    def value_for(self, spec: dict[str, Any]) -> str:
        """A value for a field; a few do not fit it."""
        kind = spec["type"]
        how = self.chance.random()
        seen = {"f64": FLOAT, "i64": INT, "bool": BOOL}.get(kind)
        if seen is not None and self.scope.names[seen] and self.chance.often(35):
            return self.chance.choice(self.scope.names[seen][-3:])  # what was computed is seen as it is
        if kind in SIGNED:
            bits = SIGNED[kind]
            if how < (0.06 if bits < 63 else 0.7 if self.scope.declared.wild else 0.15):
                return self.int_(self.depth)
            return self.int_(self.depth, (1 << bits) - 1)
        if kind in UNSIGNED:
            if how < 0.05:
                return self.int_(self.depth, (1 << UNSIGNED[kind]) - 1)
            return f"{self.int_(self.depth)} & {(1 << UNSIGNED[kind]) - 1}"
        if kind == "f64":
            return self.float_(self.depth) if how < 0.9 else self.int_(self.depth, 1 << 53)
        if kind == "bool":
            return (
                self.bool_(self.depth)
                if how < 0.85
                else f"{self.int_(1)} & 1"
                if how < 0.97
                else self.int_(1)
            )
        if kind == "enum":
            names = spec["names"]
            if how < 0.5:
                return f'"{self.chance.choice(names)}"'
            return f"{self.int_(2)} % {len(names)}" if how < 0.95 else self.int_(2)
        return self.span(spec["max"])

    def fields(self, optional: float) -> list[str]:
        """The fields of a dict literal: all that must be there, some of the others; in any order."""
        keys = [k for k, spec in self.scope.declared.outputs.items()]
        out = [
            k
            for k in keys
            if not self.scope.declared.outputs[k].get("optional") or self.chance.often(optional)
        ]
        if self.chance.often(20):
            self.chance.shuffle(out)
        return out

    def row_literal(self, optional: float = 60) -> str:
        """A dict literal."""
        outputs = self.scope.declared.outputs
        return "{" + ", ".join(f'"{k}": {self.value_for(outputs[k])}' for k in self.fields(optional)) + "}"

    def new_row(self) -> None:
        """`out = {...}`, with everything that must be set."""
        self.scope.row = ""  # not inside its own new value
        outputs = self.scope.declared.outputs
        if self.chance.often(50):
            self.line(f"out = {self.row_literal(15)}")
        else:
            values = [(k, self.value_for(outputs[k])) for k in self.fields(5)]
            self.line("out = {}")
            for key, value in values:
                self.line(f'out["{key}"] = {value}')
        self.scope.row = "out"

    def _put(self) -> None:
        key = self.chance.choice(list(self.scope.declared.outputs))
        self.line(f'out["{key}"] = {self.value_for(self.scope.declared.outputs[key])}')

    def _yield(self) -> None:
        if self.scope.row and self.chance.often(60):
            self.line("yield out")
            if self.chance.often(25) and not self.scope.loops:
                self.new_row()
        else:
            self.line(f"yield {self.row_literal()}")

    def _early(self) -> None:
        """The input ends here, in few cases."""
        name = self.name(INT)
        test = (
            self.bool_(2)
            if name is None or self.chance.often(20)
            else f"{name} == {literal(self.chance.integer())}"
        )
        self.line(f"if {test}:")
        self.block(0, self.scope.child(), self.end)

    def end(self) -> None:
        """The end of the input: the last row, or nothing more."""
        if self.form == "yield":
            self.line("return")
        elif self.scope.row:
            self.line("return out")
        else:
            self.line(f"return {self.row_literal()}")


def transform(chance: Chance, declared: Declared, statements: int) -> tuple[list[str], int]:
    """The body of `transform`, and how long its first bytes input should be."""
    scope = Scope(declared)
    scope.entry = True
    scope.state = set(declared.state)
    for name, kind in declared.inputs.items():
        scope.define(kind, name)
    body = Body(chance, scope)
    body.form = (
        chance.among(((3, "return"), (3, "row"), (5, "yield")))
        if declared.max_rows > 1
        else chance.choice(("return", "row"))
    )
    shortest = 0
    payload = next((n for n, kind in declared.inputs.items() if kind == BYTES), "")
    if payload and chance.often(85):
        shortest = chance.choice((4, 8, 8, 12, 16, 16, 20, 24))
        body.line(f"if len({payload}) < {shortest}:")
        body.block(0, scope.child(), body.end if chance.often(15) else body._raise)
        scope.sizes[payload] = shortest
    for _ in range(chance.randrange(0, 3)):
        body.statement()
    if body.form == "row" or (body.form == "yield" and chance.often(60)):
        body.new_row()
    for _ in range(statements):
        body.statement()
    if body.form == "yield":
        body._yield()
    else:
        body.end()
    return body.lines, shortest


def helper(chance: Chance, declared: Declared, params: list[tuple[str, str]], result: str) -> list[str]:
    """The body of a function of the file."""
    scope = Scope(declared)
    for name, kind in params:
        scope.define(kind, name)
    body = Body(chance, scope, 2)
    body.returns = result
    for _ in range(chance.randrange(0, 3)):
        body.statement()
    if chance.often(30):
        body.line(f"if {body.bool_(1)}:")
        body.line(f"    return {body.expr(result, 1)}")
    body.line(f"return {body.expr(result, 2)}")
    return body.lines


def element(chance: Chance, declared: Declared, params: list[str], statements: int) -> list[str]:
    """The body of an element-wise `f`."""
    scope = Scope(declared)
    for name in params:
        scope.define(FLOAT, name)
    body = Body(chance, scope)
    for _ in range(statements):
        body.statement()
    seen = body.name(FLOAT) if chance.often(40) else None
    body.line(f"return {seen or body.float_(3)}")
    return body.lines


KINDS = (INT, FLOAT, BOOL, BYTES)
