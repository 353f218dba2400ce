"""Expressions of a wanted type as source text; what every type has in common.

An integer may be asked for with a `limit`: then its form proves to the checker that its magnitude is no larger
(a mask, a remainder, a clamp, a test around it), which is what a float, an index or a short loop needs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.transforms.programs.chance import Chance, literal
from tests.transforms.programs.scope import BOOL, BYTES, FLOAT, INT, Helper, Scope

Way = Callable[[int], str | None]


class Common:
    """Base of the four kinds of expressions."""

    chance: Chance
    scope: Scope
    int_: Callable[..., str]
    float_: Callable[[int], str]
    bool_: Callable[[int], str]
    bytes_: Callable[[], tuple[str, int]]

    def loose(self) -> bool:
        """Whether this place may fail for many inputs."""
        return self.chance.often(self.scope.declared.loose)

    def expr(self, kind: str, depth: int) -> str:
        """An expression of a type."""
        if kind == BYTES:
            return self.bytes_()[0]
        return {INT: self.int_, FLOAT: self.float_, BOOL: self.bool_}[kind](depth)

    def first(self, ways: Sequence[tuple[int, Way]], depth: int) -> str:
        """The first of the ways, drawn by weight, that is possible here."""
        for _ in range(50):
            text = self.chance.among(ways)(depth)
            if text is not None:
                return text
        for _, way in ways:  # chance never met those that are
            text = way(depth)
            if text is not None:
                return text
        raise AssertionError("no way is possible")

    def name(self, kind: str) -> str | None:
        """A variable or a constant of a type."""
        names = self.scope.names[kind]
        if names and self.chance.often(85):
            return self.chance.choice(names[-4:] if self.chance.often(50) else names)
        constants = self.scope.declared.of_type(kind)
        return self.chance.choice(constants)[0] if constants else None

    def live(self, kind: str, depth: int) -> str:
        """An expression that is no literal, where there is anything else."""
        text = self.expr(kind, depth)
        if not text.strip("()-+.e").replace(".", "").replace("e-", "").replace("e+", "").isdigit():
            return text
        return self.name(kind) or text

    def state(self, kind: str) -> str | None:
        """A value of STATE."""
        keys = [k for k in sorted(self.scope.state) if type(self.scope.declared.state[k]).__name__ == kind]
        return f's["{self.chance.choice(keys)}"]' if keys else None

    def choice(self, kind: str, depth: int) -> str:
        """`a if c else b`."""
        test = self.bool_(depth - 1)
        return f"({self.expr(kind, depth - 1)} if {test} else {self.expr(kind, depth - 1)})"

    def own_call(self, kind: str, depth: int) -> str | None:
        """A call of a function of the file."""
        helpers = [h for h in self.scope.declared.helpers if h.result == kind]
        if not helpers or (self.scope.loops > 1 and self.chance.often(80)):
            return None
        return self.call_of(self.chance.choice(helpers), depth)

    def call_of(self, helper: Helper, depth: int) -> str:
        """A call with arguments."""
        args = [self.expr(kind, min(depth - 1, 1)) for _, kind in helper.params]
        return f"{helper.name}({', '.join(args)})"

    def use(self, module: str) -> str:
        """Note an import."""
        self.scope.declared.imports.add(module)
        return module

    def format(self, codes: str) -> tuple[str, int]:
        """A struct format of one to four values of these codes, and its size in bytes."""
        sizes = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "f": 4, "d": 8, "x": 1}
        parts = [
            self.chance.choice(codes) for _ in range(self.chance.among(((5, 1), (3, 2), (2, 3), (1, 4))))
        ]
        if self.chance.often(20):
            parts.insert(self.chance.randrange(len(parts) + 1), "x")
        return self.chance.choice("<>") + "".join(parts), sum(sizes[p] for p in parts)

    def piece(self, size: int, whole: bool = False) -> str | None:
        """A slice of that constant width; with `whole` surely not cut."""
        name, known = self.chance.choice(self.sources())
        if whole:
            long_enough = [(n, k) for n, k in self.sources() if k >= size]
            if not long_enough:
                return None
            name, known = self.chance.choice(long_enough)
        how = self.chance.random()
        if known >= size and how < 0.85:
            return self._inside(name, size, known - size)
        if how < 0.9:
            return f"{name}[-{size}:]"
        if how < 0.95:
            at = size + self.chance.randrange(1, 4)
            return f"{name}[-{at}:-{at - size}]"
        if not self.scope.names[INT]:
            return None
        low = self.chance.choice(self.scope.names[INT])
        low = (
            low
            if low in self.scope.bounded(1 << 20)
            else self.chance.choice((f"{low} % 31 - 9", f"({low} & 15)"))
        )
        offset = self.chance.choice((0, 0, 0, 1, 2, -1, -3))
        return f"{name}[{_plus(low, offset)}:{_plus(low, offset + size)}]"

    def _inside(self, name: str, size: int, room: int) -> str:
        """A slice that is not cut: it begins at 0 to `room`, or as far from the end."""
        how = self.chance.random()
        at = self.chance.randrange(room + 1)
        if room and how < 0.35 and self.scope.names[INT]:
            mask = (1 << ((room + 1).bit_length() - 1)) - 1
            low = f"({self.chance.choice(self.scope.names[INT])} & {mask})"
            if mask:
                return f"{name}[{low}:{low} + {size}]"
        if how < 0.5:
            return f"{name}[-{at + size}:{-at or ''}]"
        return f"{name}[{at}:{at + size}]" if at or how < 0.75 else f"{name}[:{size}]"

    def sources(self) -> list[tuple[str, int]]:
        """Bytes that can be sliced: (name, shortest length)."""
        out = [(n, self.scope.sizes.get(n, 0)) for n in self.scope.names[BYTES]]
        out += [(text, len(v)) for text, v in self.scope.declared.of_type(BYTES)]
        return out or [(literal(b"\x00\xff\x80\x7f\x01\x41\xfe\x30"), 8)]


def _plus(name: str, offset: int) -> str:
    return name if offset == 0 else f"{name} {'+' if offset > 0 else '-'} {abs(offset)}"
