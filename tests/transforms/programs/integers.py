"""Integer expressions: everything the language computes exactly, near the edges of 53, 64 and 128 bits."""

from __future__ import annotations

from tests.transforms.programs.chance import INTS, literal
from tests.transforms.programs.expressions import Common
from tests.transforms.programs.scope import BYTES, FLOAT, INT

KIT = {"u8": 255, "i8": 128, "u16be": 65535, "u16le": 65535, "i16be": 32768, "i16le": 32768, "u24be": (1 << 24) - 1,
       "u24le": (1 << 24) - 1, "i24be": 1 << 23, "i24le": 1 << 23, "u32be": (1 << 32) - 1, "u32le": (1 << 32) - 1,
       "i32be": 1 << 31, "i32le": 1 << 31, "i64be": 1 << 63, "i64le": 1 << 63}  # fmt: skip
"""Readers of kit and the largest magnitude they give."""
SUMS = ("sum16(%s)", "xor8(%s)", "crc16_modbus(%s)", "crc16_ccitt(%s, 0xFFFF)", "crc8(%s, 0x31, 0xFF)")
DIGITS = ("digits(%s)", "fixed(%s, 2)", "bcd(%s)")
"""Functions of kit over a span; the second kind raises for most bytes."""


class Integers(Common):
    """Integer expressions."""

    def int_(self, depth: int, limit: int | None = None) -> str:
        """An integer, of a form that keeps it within `limit`."""
        if limit is not None:
            return self._within(depth, limit)
        if depth <= 0:
            return self.first(
                ((52, self._int_name), (12, self._int_constant), (14, self._int_byte), (5, self._int_len),
                 (8, self._int_state), (4, self._int_table), (5, self._int_read)), depth)  # fmt: skip
        return self.first(
            ((14, self._int_name), (5, self._int_constant), (7, self._int_byte), (2, self._int_len),
             (4, self._int_state), (5, self._int_table), (7, self._int_read), (30, self._int_arithmetic),
             (14, self._int_divide), (16, self._int_bits), (10, self._int_shift), (3, self._int_power),
             (6, self._int_unary), (5, self._int_most), (6, lambda d: self.choice(INT, d)), (5, self._int_rounded),
             (4, self._int_helper), (3, self._int_crc), (2, self._int_bool), (5, self._int_masked)), depth)  # fmt: skip

    def _int_name(self, depth: int) -> str | None:
        return self.name(INT)

    def _int_constant(self, depth: int) -> str:
        return literal(self.chance.choice(INTS) if self.scope.declared.wild else self.chance.integer())

    def _int_state(self, depth: int) -> str | None:
        return self.state(INT)

    def _int_len(self, depth: int) -> str | None:
        names = self.scope.names[BYTES]
        return f"len({self.chance.choice(names)})" if names else None

    def _int_byte(self, depth: int) -> str | None:
        """A byte at an index that nearly always exists."""
        name, size = self.chance.choice(self.sources())
        how = self.chance.random()
        if not self.scope.names[BYTES] and self.chance.often(70):
            return None
        if size and not self.loose():
            if how < 0.35:
                return f"{name}[{self.chance.randrange(size)}]"
            if how < 0.45:
                return f"{name}[{-self.chance.randrange(1, size + 1)}]"
            return f"{name}[{self.index(size, depth)}]"
        return f"{name}[{self.int_(depth - 1)}]" if self.loose() else None

    def index(self, size: int, depth: int) -> str:
        """An index that exists in `size` entries."""
        low_enough = [n for n, (low, high) in self.scope.facts.items() if -size <= low and high < size]
        if low_enough and self.chance.often(60):
            return self.chance.choice(low_enough)
        inner = self.int_(depth - 1)
        if size & (size - 1) == 0 or self.chance.often(40):
            return f"{inner} & {(1 << (size.bit_length() - 1)) - 1}"
        return f"{inner} % {size}" if self.chance.often(80) else f"-({inner} % {size}) - 1"

    def _int_table(self, depth: int) -> str | None:
        tables = self.scope.declared.tables(INT)
        if not tables:
            return None
        name = self.chance.choice(tables)
        if self.loose():
            return f"{name}[{self.int_(depth - 1)}]"
        size = len(self.scope.declared.constants[name])
        return f"{name}[{self.index(size, depth)}]" if self.chance.often(95) else f"len({name})"

    def _int_read(self, depth: int) -> str | None:
        """Several bytes as a number: struct, or a reader of kit."""
        if self.chance.often(50):
            fmt, size = self.format("bBhHiIqQ")
            data = self.piece(size, not self.loose())
            if data is None:
                return None
            count = len(fmt) - 1 - fmt.count("x")
            return f'{self.use("struct")}.unpack("{fmt}", {data})[{self.chance.randrange(count)}]'
        reader = self.chance.choice(list(KIT))
        name, size = self.chance.choice(self.sources())
        width = int(reader.strip("uibel")) // 8
        if size >= width and not self.loose():
            return f"{self.use('kit')}.{reader}({name}, {self.chance.randrange(size - width + 1)})"
        return (
            f"{self.use('kit')}.{reader}({name}, {self.int_(depth - 1)})" if self.chance.often(30) else None
        )

    def _int_arithmetic(self, depth: int) -> str:
        op = self.chance.among(((5, "+"), (5, "-"), (15 if self.scope.declared.wild else 5, "*")))
        return f"({self.int_(depth - 1)} {op} {self.int_(depth - 1)})"

    def _int_divide(self, depth: int) -> str:
        op = self.chance.choice(("//", "%"))
        how = self.chance.random()
        if how < 0.55:
            divisor = literal(self.chance.integer() or 3)
        elif how < 0.85:
            divisor = f"({self.int_(depth - 1)} | 1)"
        elif how < 0.97 and not self.loose():
            inner = self.int_(depth - 1)
            divisor = f"({inner} % {self.chance.choice((5, 9, -7))} {self.chance.choice('+-')} 9)"
        else:
            divisor = self.int_(depth - 1)
        return f"({self.int_(depth - 1)} {op} {divisor})"

    def _int_bits(self, depth: int) -> str:
        op = self.chance.choice("&|^")
        right = literal(self.chance.mask()) if self.chance.often(30) else self.int_(depth - 1)
        return f"({self.int_(depth - 1)} {op} {right})"

    def _int_shift(self, depth: int) -> str:
        """Counts of 0 to 127, seldom below zero or up to 4096: longer ones are refused."""
        op = self.chance.among(((5, "<<"), (6, ">>")))
        how = self.chance.random()
        far = (
            op == ">>" or self.scope.declared.wild or self.chance.often(20)
        )  # most numbers then leave 128 bits
        if how < 0.5:
            count = str(
                self.chance.choice(
                    (32, 33, 40, 62, 63, 64, 65, 70) if far else (0, 1, 2, 3, 4, 7, 8, 15, 16, 31)
                )
            )
        elif how < 0.85:
            count = (
                f"({self.int_(depth - 1)} & {self.chance.choice((31, 63, 127, 255) if far else (3, 7, 15))})"
            )
        elif how < 0.93:
            count = f"({self.int_(depth - 1)} % {73 if far else 9})"
        else:
            count = f"({self.int_(depth - 1)} % {73 if far else 13} - 3)"
        if self.loose():
            count = f"({self.int_(depth - 1)} & 4095)"
        return f"({self.int_(depth - 1)} {op} {count})"

    def _int_power(self, depth: int) -> str:
        k = self.chance.choice((0, 1, 2, 2, 3, 3, 4, 5))
        if self.chance.often(15):
            return f"({self.int_(depth - 1, 3)} ** {self.chance.choice((20, 40, 63, 64))})"
        return f"({self.int_(depth - 1, 1 << 32)} ** {k})"

    def _int_unary(self, depth: int) -> str:
        inner = self.int_(depth - 1)
        return self.chance.among(
            ((4, f"(-{inner})"), (4, f"(~{inner})"), (4, f"abs({inner})"), (1, f"(+{inner})"))
        )

    def _int_most(self, depth: int) -> str:
        parts = [self.int_(depth - 1) for _ in range(self.chance.among(((4, 2), (2, 3), (1, 4))))]
        return f"{self.chance.choice(('min', 'max'))}({', '.join(parts)})"

    def _int_rounded(self, depth: int) -> str | None:
        """A float made an integer; mostly after a test that it is of a size that fits."""
        if self.scope.declared.numeric == "int":
            return None
        how = self.chance.choice(("int", "round", "math.floor", "math.ceil", "math.trunc"))
        if "." in how:
            self.use("math")
        names = self.scope.names[FLOAT]
        if names and self.chance.often(60):
            name = self.chance.choice(names)
            bound = self.chance.choice(("100.0", "1e6", "4503599627370496.0", "9e15", "9.2e18", "1e19"))
            other = literal(self.chance.integer(1 << 53))
            return f"({how}({name}) if -{bound} < {name} < {bound} else {other})"
        if self.chance.often(65):
            return f"{how}({self.small_float(depth - 1)})"
        return f"{how}({self.float_(depth - 1)})"

    def small_float(self, depth: int) -> str:
        """A finite float of at most 2**54."""
        bounded = self.int_(depth, 1 << self.chance.choice((8, 20, 44, 53)))
        tail = self.chance.choice(("/ 2.0", "/ 8", "* 0.5", "+ 0.5", "- 0.5", "/ 3.0", "* -0.25"))
        return f"(float({bounded}) {tail})"

    def _int_helper(self, depth: int) -> str | None:
        return self.own_call(INT, depth)

    def _int_bool(self, depth: int) -> str:
        return f"int({self.bool_(depth - 1)})"

    def _int_crc(self, depth: int) -> str | None:
        name, size = self.chance.choice(self.sources())
        if self.chance.often(55):
            part = self.chance.choice((name, f"{name}[{self.bound(size, depth)}:{self.bound(size, depth)}]"))
            return f"{self.use('binascii')}.crc32({part})"
        form = self.chance.choice(DIGITS if self.loose() else SUMS)
        first = self.chance.randrange(0, min(3, size + 1))
        end = f"len({name})" if size == 0 or self.chance.often(50) else str(max(first, size))
        return f"{self.use('kit')}.{form % f'{name}, {first}, {end}'}"

    def bound(self, size: int, depth: int) -> str:
        """One end of a slice of variable width: anything of 32 bits, Python clamps it."""
        how = self.chance.random()
        if how < 0.2:
            return ""
        if how < 0.6:
            return str(self.chance.randrange(-size - 2, size + 4))
        return self.int_(min(depth - 1, 1), self.chance.choice((63, 63, (1 << 31) - 1)))

    def _int_masked(self, depth: int) -> str:
        return self.int_(depth - 1, self.chance.choice((255, 65535, (1 << 32) - 1, 1 << 53, (1 << 63) - 1)))

    def _within(self, depth: int, limit: int) -> str:
        how = self.chance.random()
        facts = self.scope.bounded(limit)
        if facts and how < 0.35:
            return self.chance.choice(facts)
        if how < (0.6 if depth <= 0 else 0.25):
            return self._plainly_within(depth, limit)
        if depth > 0 and how < 0.55 and limit >= 16:
            return self._computed_within(depth, limit)
        inner = self.int_(depth - 1)
        if how < 0.75 or limit < 2:
            return f"({inner} & {self.chance.mask(limit)})" if limit else "0"
        if how < 0.9:
            return f"({inner} % {literal(self.chance.choice((1, 1, -1)) * self._divisor(limit))})"
        low, high = sorted((self.chance.integer(limit), self.chance.integer(limit)))
        return f"min(max({inner}, {literal(low)}), {literal(high)})"

    def _divisor(self, limit: int) -> int:
        return self.chance.choice(
            [v for v in (2, 3, 7, 10, 60, 256, 1000, 65536, 1 << 31, 10**9, 1 << 53, limit) if v <= limit]
        )

    def _plainly_within(self, depth: int, limit: int) -> str:
        if limit >= 255 and self.chance.often(50):
            byte = self._int_byte(depth)
            if byte is not None:
                return byte
        tables = self.scope.declared.tables(INT, limit)
        if tables and self.chance.often(40):
            name = self.chance.choice(tables)
            return f"{name}[{self.index(len(self.scope.declared.constants[name]), depth)}]"
        names = self.scope.names[BYTES]
        if limit >= 65536 and names and self.chance.often(30):
            return f"len({self.chance.choice(names)})"
        readers = [r for r, most in KIT.items() if most <= limit]
        sources = [(n, size) for n, size in self.sources() if size >= 8]
        if readers and sources and self.chance.often(30):
            name, size = self.chance.choice(sources)
            return (
                f"{self.use('kit')}.{self.chance.choice(readers)}({name}, {self.chance.randrange(size - 7)})"
            )
        name = self.name(INT)
        if name is not None and self.chance.often(70):
            return f"({name} & {self.chance.mask(limit)})" if limit else "0"
        return literal(self.chance.integer(limit))

    def _computed_within(self, depth: int, limit: int) -> str:
        d = depth - 1
        way = self.chance.randrange(9)
        if way == 0:
            return f"({self.int_(d, limit // 2)} + {self.int_(d, limit // 2)})"
        if way == 1:
            return f"({self.int_(d, limit // 2)} - {self.int_(d, limit // 2)})"
        if way == 2:
            root = 1 << (limit.bit_length() - 1) // 2
            return f"({self.int_(d, root)} * {self.int_(d, root)})"
        if way == 3:
            return f"({self.int_(d, limit)} // {literal(self.chance.integer() or -1)})"
        if way == 4:
            return f"({self.int_(d, limit)} >> {self.chance.randrange(0, 40)})"
        if way == 5:
            k = self.chance.randrange(0, limit.bit_length() - 1)
            return f"({self.int_(d, limit >> k)} << {k})"
        if way == 6:
            return f"({self.int_(d, limit)} if {self.bool_(d)} else {self.int_(d, limit)})"
        if way == 7:
            return self.chance.choice(
                (f"(-{self.int_(d, limit)})", f"abs({self.int_(d, limit)})", f"(~{self.int_(d, limit - 1)})")
            )
        return f"{self.chance.choice(('min', 'max'))}({self.int_(d, limit)}, {self.int_(d, limit)})"
