"""Float expressions: IEEE arithmetic, CPython's floor division and modulo, and the exact functions of math."""

from __future__ import annotations

from tests.transforms.programs.chance import literal
from tests.transforms.programs.expressions import Common
from tests.transforms.programs.integers import Integers
from tests.transforms.programs.scope import FLOAT, INT

EXACT = 1 << 53


class Floats(Integers, Common):
    """Float expressions."""

    def float_(self, depth: int) -> str:
        """A float; any value, NaN and infinities too."""
        if depth <= 0:
            return self.first(
                ((45, self._float_name), (22, self._float_constant), (12, self._float_of_int), (8, self._float_state),
                 (6, self._float_table), (5, self._float_read)), depth)  # fmt: skip
        return self.first(
            ((12, self._float_name), (6, self._float_constant), (10, self._float_of_int), (4, self._float_state),
             (4, self._float_table), (5, self._float_read), (34, self._float_arithmetic), (10, self._float_divide),
             (12, self._float_floor), (6, self._float_unary), (8, self._float_most), (14, self._float_math),
             (5, lambda d: self.choice(FLOAT, d)), (4, self._float_helper), (3, self._float_fmath),
             (3, self._float_quotient)), depth)  # fmt: skip

    def _float_name(self, depth: int) -> str | None:
        return self.name(FLOAT)

    def _float_constant(self, depth: int) -> str:
        if self.chance.often(4):
            return f"{self.use('math')}.{self.chance.choice(('pi', 'e'))}"
        return literal(self.chance.number(special=self.chance.often(40)))

    def _float_of_int(self, depth: int) -> str:
        if self.chance.often(10):
            return f"float({self.bool_(depth - 1)})"
        return f"float({self.int_(depth - 1, 1 << self.chance.choice((8, 16, 32, 53, 53)))})"

    def _float_state(self, depth: int) -> str | None:
        return self.state(FLOAT)

    def _float_table(self, depth: int) -> str | None:
        tables = self.scope.declared.tables(FLOAT)
        if not tables:
            return None
        name = self.chance.choice(tables)
        return f"{name}[{self.index(len(self.scope.declared.constants[name]), depth)}]"

    def _float_read(self, depth: int) -> str | None:
        if self.chance.often(20):
            return f"{self.use('kit')}.f32({self.int_(depth - 1, None if self.loose() else 0x7F7FFFFF)})"
        code = self.chance.choice("fd")
        data = self.piece(4 if code == "f" else 8, not self.loose())
        if data is None:
            return None
        return f'{self.use("struct")}.unpack("{self.chance.choice("<>")}{code}", {data})[0]'

    def _side(self, depth: int) -> str:
        """An operand: a float, or an integer that becomes one."""
        return self.int_(depth, EXACT) if self.chance.often(12) else self.float_(depth)

    def _float_arithmetic(self, depth: int) -> str:
        op = self.chance.choice("+-*")
        left, right = self.float_(depth - 1), self._side(depth - 1)
        if self.chance.often(30):
            left, right = right, left
        return f"({left} {op} {right})"

    def _divisor_of(self, depth: int) -> str:
        how = self.chance.random()
        if how < 0.5:
            return literal(self.chance.number() or 0.7)
        if how < 0.8:
            return f"(abs({self.float_(depth - 1)}) + {literal(self.chance.choice((0.5, 1.0, 1e-300)))})"
        if how < 0.95 and not self.loose():
            return f"({self.int_(depth - 1, 1 << 20)} * {self.chance.choice((2, 4, -2))} + 0.5)"
        return self._side(depth - 1)

    def _float_divide(self, depth: int) -> str:
        return f"({self._side(depth - 1)} / {self._divisor_of(depth)})"

    def _float_quotient(self, depth: int) -> str:
        """Two integers divided: a float."""
        return f"({self.int_(depth - 1, EXACT)} / {literal(self.chance.integer(EXACT) or 3)})"

    def _float_floor(self, depth: int) -> str:
        return f"({self.float_(depth - 1)} {self.chance.choice(('//', '%'))} {self._divisor_of(depth)})"

    def _float_unary(self, depth: int) -> str:
        inner = self.float_(depth - 1)
        return self.chance.choice((f"(-{inner})", f"abs({inner})", f"(+{inner})"))

    def _float_most(self, depth: int) -> str:
        parts = [self.float_(depth - 1) for _ in range(self.chance.among(((4, 2), (2, 3), (1, 4))))]
        return f"{self.chance.choice(('min', 'max'))}({', '.join(parts)})"

    def _float_math(self, depth: int) -> str:
        m = self.use("math")
        way = self.chance.randrange(7)
        if way == 0:
            return f"{m}.fabs({self._side(depth - 1)})"
        if way == 1:
            inner = self.float_(depth - 1)
            return f"{m}.sqrt({inner})" if self.loose() else f"{m}.sqrt(abs({inner}))"
        if way == 2:
            return f"{m}.fmod({self._finite(depth - 1)}, {self._divisor_of(depth)})"
        if way == 3:
            return f"{m}.copysign({self._side(depth - 1)}, {self.float_(depth - 1)})"
        if way in (4, 5):
            return self.ldexp(depth)
        return f"float({m}.{self.chance.choice(('floor', 'ceil', 'trunc'))}({self.small_float(depth - 1)}))"

    def ldexp(self, depth: int) -> str:
        """Up and down, also to where a second rounding would show."""
        name, how = f"{self.use('math')}.ldexp", self.chance.random()
        if how < 0.3:
            return f"{name}({self.small_float(depth - 1)}, {self.int_(depth - 1, 900)})"
        if how < 0.65:
            x, k = self.chance.sticky()
            text = f"{name}({literal(x)}, ({self.live(INT, 0)} & 7) - {self.chance.randrange(8) - k})"
        else:
            down = self.chance.choice((1040, 1074, 1100, 2000))
            text = f"{name}({self.small_float(depth - 1)}, {self.int_(depth - 1, 63)} - {down})"
        return f"({text} / 5e-324)" if self.chance.often(60) else text  # or nobody sees so small a number

    def _finite(self, depth: int) -> str:
        return self.small_float(depth) if not self.loose() else self._side(depth)

    def _float_helper(self, depth: int) -> str | None:
        return self.own_call(FLOAT, depth)

    def _float_fmath(self, depth: int) -> str | None:
        """Costly to compile, and compared in full elsewhere."""
        if self.scope.loops or self.chance.often(50):
            return None
        f = self.use("fmath")
        x = self.float_(depth - 1)
        ways = (f"exp({x})", f"log({x})", f"log(abs({x}))", f"sin({self.small_float(depth - 1)} % 1000.0)", f"cos({x})",
                f"pow(abs({x}), {self.small_float(0)})", f"atan2({x}, {self.float_(0)})")  # fmt: skip
        return f"{f}.{self.chance.choice(ways)}"
