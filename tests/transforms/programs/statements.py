"""Statements of every kind, as lines of source. Loops are short, and integers in them do not explode."""

from __future__ import annotations

from collections.abc import Callable

from tests.transforms.programs.chance import Chance, literal
from tests.transforms.programs.scope import BOOL, BYTES, FLOAT, INT, PREFIX, Scope
from tests.transforms.programs.truths import Expressions

RAISES = ("ValueError", "ValueError", "IndexError", "OverflowError", "ZeroDivisionError")
TEXTS = ("bad value", "too short", "length", "no")
INDENT = "    "


class Statements(Expressions):
    """Writes the body of one function."""

    def __init__(self, chance: Chance, scope: Scope, depth: int = 3) -> None:
        super().__init__(chance, scope)
        self.depth = depth  # of expressions
        self.lines: list[str] = []
        self.level = 1
        self.counters = 0
        self.returns = ""  # in a function of the file: the type of its result

    def line(self, text: str) -> None:
        """One line at the present level."""
        self.lines.append(INDENT * self.level + text)

    def block(self, size: int, scope: Scope, first: Callable[[], None] | None = None) -> Scope:
        """A block of statements inside the present one."""
        outer, self.scope = self.scope, scope
        self.level += 1
        before = len(self.lines)
        if first is not None:
            first()
        for _ in range(size):
            self.statement()
        if len(self.lines) == before:
            self.line("pass")
        self.scope = outer
        self.level -= 1
        return scope

    def size(self) -> int:
        """How many statements a block gets."""
        return self.chance.among(((5, 1), (4, 2), (2, 3)))

    def statement(self) -> None:
        """One statement of any kind that is possible here."""
        block = int(self.level <= 3)
        loop = int(block and self.scope.loops < 2)
        weights = (
            (26, self._set_int), (18, self._set_float), (8, self._set_bool), (4, self._set_bytes), (8, self._change),
            (10 * bool(self.scope.state), self._keep), (4, self._unpack), (7, self._parts), (2, self._call),
            (3, self._refuse), (4 * self.scope.breaks, self._leave), (14 * block, self._if), (5 * block, self._narrow),
            (4 * bool(self.returns), self._return),
            (3 * block, self._both), (6 * loop, self._for), (4 * loop, self._while),
        )  # fmt: skip
        self.chance.among(weights)()

    def target(self, kind: str) -> str:
        """A variable to assign: an old one in half of the cases."""
        old = [n for n in self.scope.names[kind] if n not in self.scope.fixed]
        if old and self.chance.often(50):
            return self.chance.choice(old)
        free = [f"{PREFIX[kind]}{k}" for k in range(1, 7)]
        return self.chance.choice([n for n in free if n not in self.scope.fixed])

    def value_of(self, kind: str, name: str = "") -> str:
        """A value for something that is assigned; in a loop integers grow slowly or not at all."""
        if kind != INT:
            return self.expr(kind, self.depth)
        if self.scope.loops:
            if name and name in self.scope.names[INT] + self._states() and self.chance.often(45):
                part = self.int_(self.depth - 1, self.chance.choice((255, 65535, 1 << 32, 1 << 53, 1 << 62)))
                ways = (
                    f"{name} + {part}",
                    f"{name} - {part}",
                    f"({name} << 1) ^ {part}",
                    f"{name} * 3 + {part}",
                    f"{part} - {name}",
                )
                return self.chance.choice(ways)
            return self.int_(self.depth, self._limit())
        if self.scope.declared.wild or self.chance.often(60):
            return self.int_(self.depth)
        return self.int_(self.depth, self._limit())

    def _limit(self) -> int:
        if self.scope.declared.wild:
            return self.chance.choice((1 << 53, 1 << 62, (1 << 63) - 1))
        return self.chance.choice(
            (1, 15, 255, 65535, (1 << 31) - 1, 1 << 32, 1 << 53, 1 << 62, (1 << 63) - 1)
        )

    def _states(self) -> list[str]:
        return [f's["{k}"]' for k in sorted(self.scope.state)]

    def _set(self, kind: str) -> None:
        name = self.target(kind)
        self.line(f"{name} = {self.value_of(kind, name)}")
        self.scope.define(kind, name)

    def _set_int(self) -> None:
        self._set(INT)

    def _set_bool(self) -> None:
        self._set(BOOL)

    def _set_float(self) -> None:
        self._set(INT if self.scope.declared.numeric == "int" else FLOAT)

    def _set_bytes(self) -> None:
        name = self.target(BYTES)
        text, size = self.bytes_()
        self.line(f"{name} = {text}")
        self.scope.define(BYTES, name)
        self.scope.sizes[name] = size

    def _change(self) -> None:
        """`x op= e`."""
        kind = FLOAT if self.scope.declared.numeric != "int" and self.chance.often(40) else INT
        old = [n for n in self.scope.names[kind] if n not in self.scope.fixed]
        if not old:
            self._set(kind)
            return
        name = self.chance.choice(old)
        if kind == FLOAT:
            self.line(f"{name} {self.chance.choice('+-*')}= {self.float_(self.depth - 1)}")
        elif self.scope.loops:
            op = self.chance.choice("+-^|&")
            self.line(f"{name} {op}= {self.int_(self.depth - 1, self._limit())}")
        else:
            op = self.chance.choice(("+", "-", "*", "&", "|", "^", "//", "%", ">>", "<<"))
            right = self.int_(self.depth - 1) if op in "+-*&|^" else str(self.chance.randrange(1, 40))
            self.line(f"{name} {op}= {right}")
        self.scope.define(kind, name)

    def _keep(self) -> None:
        key = self.chance.choice(sorted(self.scope.state))
        kind = type(self.scope.declared.state[key]).__name__
        name = f's["{key}"]'
        if kind == INT and not self.scope.declared.wild and self.chance.often(50):
            self.line(f"{name} = ({name} + {self.int_(2)}) & {self.chance.mask((1 << 63) - 1)}")
        elif kind != BOOL and self.chance.often(15):
            self.line(f"{name} += {self.int_(1, 65535) if kind == INT else self.float_(1)}")
        elif kind == INT and self.chance.often(80):
            self.line(f"{name} = {self.int_(self.depth, self._limit())}")
        else:
            self.line(f"{name} = {self.value_of(kind, name)}")

    def _if(self) -> None:
        self.line(f"if {self.condition(self.depth - 1)}:")
        self.block(self.size(), self.scope.child())
        for _ in range(self.chance.among(((7, 0), (2, 1), (1, 2)))):
            self.line(f"elif {self.condition(self.depth - 1)}:")
            self.block(self.size(), self.scope.child())
        if self.chance.often(40):
            self.line("else:")
            self.block(self.size(), self.scope.child())

    def _both(self) -> None:
        """Both arms assign one variable: it exists behind the `if`."""
        kind = self.chance.choice((INT, BOOL) if self.scope.declared.numeric == "int" else (INT, FLOAT, BOOL))
        name = self.target(kind)

        def assign() -> None:
            self.line(f"{name} = {self.value_of(kind, name)}")
            self.scope.define(kind, name)

        self.line(f"if {self.condition(self.depth - 1)}:")
        self.block(0, self.scope.child(), assign)
        self.line("else:")
        self.block(self.chance.randrange(2), self.scope.child(), assign)
        self.scope.define(kind, name)

    def _narrow(self) -> None:
        """A test that proves where an integer lies: inside the block, or behind a refusal."""
        names = [n for n in self.scope.names[INT] if n not in self.scope.facts]
        if not names:
            self._if()
            return
        name = self.chance.choice(names)
        low = self.chance.choice((0, 0, -1, -128, -(1 << 20), -(1 << 53)))
        high = self.chance.choice([v for v in (3, 7, 15, 100, 255, 65535, 1 << 31, 1 << 53) if v > low])
        a, b = literal(low), literal(high)
        inside = (
            f"{a} <= {name} <= {b}",
            f"{name} >= {a} and {name} <= {b}",
            f"not ({name} < {a} or {name} > {b})",
            f"{a} <= {name} < {high + 1}",
        )
        outside = (
            f"{name} < {a} or {name} > {b}",
            f"not ({a} <= {name} <= {b})",
            f"{name} < {a} or {high + 1} <= {name}",
        )
        if self.chance.often(55):
            self.line(f"if {self.chance.choice(inside)}:")
            child = self.scope.child()
            child.facts[name] = (low, high)
            self.block(self.size(), child)
            return
        self.line(f"if {self.chance.choice(outside)}:")
        if name in self.scope.fixed or self.chance.often(15):
            self.block(0, self.scope.child(), self._raise)
        else:
            self.block(
                0,
                self.scope.child(),
                lambda: self.line(f"{name} = {literal(self.chance.randrange(max(low, -9), high + 1))}"),
            )
        if name not in self.scope.fixed:
            self.scope.define(INT, name)
        self.scope.facts[name] = (low, high)

    def _raise(self) -> None:
        self.line(f'raise {self.chance.choice(RAISES)}("{self.chance.choice(TEXTS)}")')

    def _refuse(self) -> None:
        """An error that few inputs give."""
        name = self.name(INT)
        rare = f"{name} == {literal(self.chance.integer())}" if name else "False"
        self.line(f"if {rare if self.chance.often(70) else self.bool_(1) + ' and ' + rare}:")
        self.block(0, self.scope.child(), self._raise)

    def counter(self) -> str:
        """A new name for the counter of a loop."""
        self.counters += 1
        return f"j{self.counters}"

    def _loop_scope(self, name: str, fact: tuple[int, int] | None) -> Scope:
        scope = self.scope.child(loop=True)
        scope.define(INT, name)
        scope.fixed.add(name)
        if fact is not None:
            scope.facts[name] = fact
        return scope

    def _for(self) -> None:
        if self.chance.often(25):
            self._for_far()
            return
        old = [n for n in self.scope.names[INT] if n not in self.scope.fixed]
        # a variable counts, and the body may assign it; in wild programs most of them would leave 64 bits
        taken = bool(old) and not self.scope.declared.wild and self.chance.often(15)
        name = self.chance.choice(old) if taken else self.counter()
        most = self.chance.choice((1, 2, 3, 4, 6) if self.scope.loops else (1, 2, 3, 5, 8, 8, 15, 19, 23))
        end = str(most) if self.chance.often(50) else self.int_(1, most)
        low, step = 0, 1
        text = f"range({end})"
        if self.chance.often(40):
            low, step = self.chance.randrange(-3, 4), self.chance.choice((1, 1, 2, 3, -1, -2))
            a, b = (str(low), end) if step > 0 else (end, str(low))
            text = f"range({a}, {b})" if step == 1 else f"range({a}, {b}, {step})"
        self.line(f"for {name} in {text}:")
        if taken:
            self.scope.define(INT, name)
            self.block(self.size(), self.scope.child(loop=True))
            return
        self.block(
            self.size(), self._loop_scope(name, (min(low, 0), most) if step > 0 else (low, max(most, low)))
        )

    def _for_far(self) -> None:
        """A range whose ends lie far apart; a counter breaks it."""
        name, count = self.counter(), self.counter()
        self.line(f"{count} = 0")
        far = 1 << 30  # the furthest that is allowed
        step = self.chance.choice((1, 1, -1, 2, 7, -5, 255, 65537, far - 1, far, -far))
        ends = [
            literal(self.chance.integer(far)) if self.chance.often(40) else self.int_(1, far) for _ in "ab"
        ]
        text = ", ".join(ends) if step == 1 else f"{ends[0]}, {ends[1]}, {step}"
        self.line(f"for {name} in range({text}):")

        def leave() -> None:
            self.line(f"{count} = {count} + 1")
            self.line(f"if {count} > {self.chance.randrange(1, 6)}:")
            self.line(INDENT + "break")

        scope = self._loop_scope(name, None)
        self.scope.define(INT, count)
        self.scope.fixed.add(count)
        scope.define(INT, count)
        scope.fixed.add(count)
        self.block(self.size(), scope, leave)

    def _while(self) -> None:
        name = self.counter()
        self.line(f"{name} = {self.chance.choice((0, 0, 1))}")
        names = self.scope.names[BYTES]
        step = 1
        if names and not self.scope.loops and self.chance.often(50):
            end = f"len({self.chance.choice(names)})"
            step = self.chance.randrange(2, 9)
        else:
            end = self.int_(1, 4 if self.scope.loops else self.chance.choice((3, 9, 20)))
        test = f"{name} < {end}"
        if self.chance.often(40):
            test = f"{test} and {self.bool_(1)}"
        self.scope.define(INT, name)
        self.scope.fixed.add(name)
        self.line(f"while {test}:")
        self.block(self.size(), self._loop_scope(name, None), lambda: self.line(f"{name} = {name} + {step}"))

    def _leave(self) -> None:
        self.line(f"if {self.condition(self.depth - 1)}:")
        self.line(INDENT + self.chance.choice(("break", "continue", "continue", "pass")))

    def _return(self) -> None:
        """A result before the end, in a loop too."""
        self.line(f"if {self.condition(self.depth - 1)}:")
        self.line(f"{INDENT}return {self.expr(self.returns, 1)}")

    def _unpack(self) -> None:
        """Several values of struct at once."""
        codes = "bBhHiIqQ" if self.scope.declared.numeric == "int" else "bBhHiIqQfd"
        fmt, size = self.format(codes)
        data = self.piece(size, not self.loose())
        if data is None:
            return
        kinds = [FLOAT if c in "fd" else INT for c in fmt[1:] if c != "x"]
        names: list[str] = []
        for kind in kinds:
            free = [
                f"{PREFIX[kind]}{k}"
                for k in range(1, 9)
                if f"{PREFIX[kind]}{k}" not in (*names, *self.scope.fixed)
            ]
            names.append(self.chance.choice(free))
        left = ", ".join(names) + ("," if len(names) == 1 else "")
        self.line(f'{left} = {self.use("struct")}.unpack("{fmt}", {data})')
        for kind, name in zip(kinds, names, strict=True):
            self.scope.define(kind, name)

    def _parts(self) -> None:
        """frexp or modf, or ldexp, which puts together again."""
        if self.scope.declared.numeric == "int":
            self._set(INT)
            return
        if self.chance.often(30):
            name = self.target(FLOAT)
            self.line(f"{name} = {self.ldexp(self.depth)}")
            self.scope.define(FLOAT, name)
            return
        which = self.chance.choice(("frexp", "modf"))
        names = [f"f{k}" for k in range(1, 7) if f"f{k}" not in self.scope.fixed]
        first, second = self.chance.sample(names, 2)
        if which == "frexp":
            second = self.chance.choice([f"i{k}" for k in range(1, 7) if f"i{k}" not in self.scope.fixed])
        old = self.scope.names[FLOAT]
        of = self.chance.choice(old) if old and self.chance.often(50) else self.float_(self.depth - 1)
        of = self.ldexp(self.depth - 1) if self.chance.often(20) else of
        self.line(f"{first}, {second} = {self.use('math')}.{which}({of})")
        self.scope.define(FLOAT, first)
        self.scope.define(INT if which == "frexp" else FLOAT, second)
        if which == "frexp":
            self.scope.facts[second] = (-1074, 1024)

    def _call(self) -> None:
        """A call for its error."""
        if self.scope.declared.helpers and self.chance.often(70):
            self.line(self.call_of(self.chance.choice(self.scope.declared.helpers), 2))
            return
        name, size = self.chance.choice(self.sources())
        end = f"len({name})" if self.chance.often(50) else str(self.chance.randrange(0, size + 1))
        self.line(f"{self.use('kit')}.span({name}, 0, {end})")
