"""Bool and bytes expressions: comparisons and chains, short circuits, slices."""

from __future__ import annotations

from tests.transforms.programs.chance import Chance, literal
from tests.transforms.programs.expressions import Common
from tests.transforms.programs.floats import EXACT, Floats
from tests.transforms.programs.scope import BOOL, BYTES, FLOAT, INT, Scope

_ORDER = ("<", "<=", ">", ">=", "==", "!=")


class Expressions(Floats, Common):
    """Expressions of every type, for one place at a time: `scope` changes."""

    def __init__(self, chance: Chance, scope: Scope) -> None:
        self.chance = chance
        self.scope = scope

    def bool_(self, depth: int) -> str:
        """A bool."""
        if depth <= 0:
            return self.first(
                ((20, self._bool_name), (8, self._compare_ints), (3, self._compare_floats), (6, self._bool_state),
                 (2, self._has), (1, lambda d: self.chance.choice(("True", "False")))), depth)  # fmt: skip
        return self.first(
            ((8, self._bool_name), (24, self._compare_ints), (16, self._compare_floats), (6, self._compare_mixed),
             (7, self._compare_bytes), (3, self._compare_bools), (9, self._chain), (14, self._and_or),
             (7, self._not), (4, self._kind_of_float), (4, self._of_number), (3, lambda d: self.choice(BOOL, d)),
             (4, self._has), (3, self._bool_state), (6, self._guarded), (2, self._bool_helper)), depth)  # fmt: skip

    def _bool_name(self, depth: int) -> str | None:
        return self.name(BOOL)

    def _bool_state(self, depth: int) -> str | None:
        return self.state(BOOL)

    def _bool_helper(self, depth: int) -> str | None:
        return self.own_call(BOOL, depth)

    def _compare_ints(self, depth: int) -> str:
        right = literal(self.chance.integer()) if self.chance.often(60) else self.int_(depth - 1)
        return f"({self.live(INT, depth - 1)} {self.chance.choice(_ORDER)} {right})"

    def _compare_floats(self, depth: int) -> str | None:
        if self.scope.declared.numeric == "int":
            return None
        right = literal(self.chance.number(special=True)) if self.chance.often(50) else self.float_(depth - 1)
        return f"({self.live(FLOAT, depth - 1)} {self.chance.choice(_ORDER)} {right})"

    def _compare_mixed(self, depth: int) -> str | None:
        """An int and a float: the int becomes one, exactly."""
        if self.scope.declared.numeric == "int":
            return None
        sides = [self.int_(depth - 1, EXACT), self.float_(depth - 1)]
        self.chance.shuffle(sides)
        return f"({sides[0]} {self.chance.choice(_ORDER)} {sides[1]})"

    def _compare_bytes(self, depth: int) -> str | None:
        size = self.chance.choice((0, 1, 2, 3))
        left = self.piece(size) if size else self.chance.choice(self.sources())[0]
        if left is None:
            return None
        right = literal(self.chance.text(size)) if self.chance.often(60) else self.piece(max(size, 1))
        return None if right is None else f"({left} {self.chance.choice(('==', '!='))} {right})"

    def _compare_bools(self, depth: int) -> str:
        return f"({self.bool_(depth - 1)} {self.chance.choice(('==', '!=', '==', '<', '>='))} {self.bool_(depth - 1)})"

    def _chain(self, depth: int) -> str | None:
        """`a < b < c`: plain middles."""
        if self.scope.declared.numeric != "int" and self.chance.often(40):
            middle = self.name(FLOAT)
            ends = [self.float_(depth - 1), self.float_(depth - 1)]
        else:
            middle = self.name(INT)
            ends = [self.int_(depth - 1), self.int_(depth - 1)]
        if middle is None or not middle.isidentifier():
            return None
        text = f"{ends[0]} {self.chance.choice(_ORDER)} {middle} {self.chance.choice(_ORDER)} {ends[1]}"
        return f"({text})"

    def _and_or(self, depth: int) -> str:
        parts = [self.bool_(depth - 1) for _ in range(self.chance.among(((4, 2), (2, 3))))]
        return "(" + self.chance.choice((" and ", " or ")).join(parts) + ")"

    def _guarded(self, depth: int) -> str:
        """A test that keeps what is right of it from failing."""
        if self.scope.names[BYTES] and self.chance.often(50):
            name = self.chance.choice(self.scope.names[BYTES])
            at = self.chance.randrange(0, 24)
            other = literal(self.chance.randrange(256))
            return f"(len({name}) > {at} and {name}[{at}] {self.chance.choice(_ORDER)} {other})"
        name = self.name(INT)
        if name is None:
            return "True"
        test = f"{self.int_(depth - 1)} {self.chance.choice(('//', '%'))} {name} > {literal(self.chance.integer(100))}"
        return f"({name} != 0 and {test})" if self.chance.often(50) else f"({name} == 0 or {test})"

    def _not(self, depth: int) -> str:
        return f"(not {self.bool_(depth - 1)})"

    def _kind_of_float(self, depth: int) -> str | None:
        if self.scope.declared.numeric == "int":
            return None
        return f"{self.use('math')}.{self.chance.choice(('isnan', 'isinf', 'isfinite'))}({self.float_(depth - 1)})"

    def _of_number(self, depth: int) -> str:
        if self.scope.declared.numeric != "int" and self.chance.often(40):
            return f"bool({self.float_(depth - 1)})"
        return f"bool({self.int_(depth - 1)})"

    def _has(self, depth: int) -> str | None:
        if not self.scope.row:
            return None
        key = self.chance.choice(list(self.scope.declared.outputs))
        return f'("{key}" {self.chance.choice(("in", "in", "not in"))} {self.scope.row})'

    def condition(self, depth: int) -> str:
        """What may stand behind `if` and `while`: a bool, or a number."""
        if self.chance.often(90):
            return self.bool_(depth)
        return (
            self.int_(depth)
            if self.scope.declared.numeric == "int" or self.chance.often(60)
            else self.float_(depth)
        )

    def bytes_(self) -> tuple[str, int]:
        """Bytes and the shortest length they can have: a slice of constant width, a name, a constant."""
        if self.chance.often(60):
            size = self.chance.choice((1, 2, 2, 4, 4, 8, 12))
            text = self.piece(size)
            if text is not None:
                return text, size if self._whole(text, size) else 0
        if self.chance.often(70):
            return self.chance.choice(self.sources())
        value = self.chance.text(self.chance.randrange(0, 9))
        return literal(value), len(value)

    def _whole(self, text: str, size: int) -> bool:
        """Whether a slice with constant ends has its full width for certain."""
        name, _, rest = text.partition("[")
        low, _, high = rest.rstrip("]").partition(":")
        known = dict(self.sources()).get(name, 0)
        return low.isdigit() and high.isdigit() and int(high) <= known

    def span(self, most: int) -> str:
        """Bytes for a field that takes `most`: a slice of variable width, too."""
        if self.chance.often(30):
            return self.bytes_()[0]
        name, size = self.chance.choice(self.sources())
        if self.chance.often(60):
            low = self.int_(1, max(size, 8))
            return f"{name}[{low}:{low} + {self.chance.randrange(-1, most + 1)}]"
        return f"{name}[{self.bound(size, 2)}:{self.bound(size, 2)}]"
