"""Changes of a payload that reach places where two tiers might differ: edges of numbers, other lengths, other text.

Pure; knows no device. `cases.py` chooses what is changed.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence

from .repair import Rule, learn
from .sandbox.contract import Field

INTS = (
    *(0, -1, 1, 2, 127, 128, 255, 256, 32767, 32768, 65535, 65536, -128, -129, -32768),
    *((1 << 31) - 1, 1 << 31, -(1 << 31), 1 << 32, (1 << 53) - 1, 1 << 53, (1 << 53) + 1, -(1 << 53) - 1),
    *((1 << 63) - 1, -(1 << 63)),
)
FLOATS = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, 2.5, -2.5, 5e-324, 2.2250738585072014e-308, -1e-310, 1e308, -1e308),
    *(
        9007199254740991.0,
        9007199254740992.0,
        9007199254740994.0,
        9.223372036854775e18,
        -9.223372036854775808e18,
    ),
    *(float("inf"), float("-inf"), float("nan")),
)
BYTES = (0, 1, 0x7F, 0x80, 0xFF)
TEXTS = (
    *(
        b"",
        b"0",
        b"-0",
        b"00",
        b"1",
        b"-1",
        b"+1",
        b".",
        b"-",
        b"0.5",
        b"1.",
        b".05",
        b"9.99999999999",
        b"99999999",
    ),
    *(
        b"123456789012345678",
        b"1234567890123456789",
        b"2147483648",
        b"1e5",
        b"A",
        b"N",
        b"240000",
        b"235960.5",
    ),
)
MAX_SIZE = 256  # a number of the source up to this may be the size of a payload
REPAIRED = 0.9  # share of changed payloads whose checksum and length are made right again
NEAR = 3  # numbers of a source that are no further apart are tried together
_ENDS = (b"", b",", b";", b"*", b":")  # around a letter that is a field of its own
_TEXT = bytes([*range(32, 127), *b"\r\n\t"])
Way = Callable[[bytearray], None]


class Payload:
    """Changes of one bytes input."""

    def __init__(
        self,
        sound: Sequence[bytes],
        fields: Sequence[Field],
        words: Sequence[bytes | int],
        chance: random.Random,
    ) -> None:
        self.sound = sound
        self.rules: tuple[Rule, ...] = learn(sound)
        self.chance = chance
        self.windows = _windows(fields)
        self.known = words
        self.words = _patterns(words)
        numbers = [w for w in words if isinstance(w, int)]
        self.sizes = [w for w in dict.fromkeys(numbers) if w <= MAX_SIZE]
        self.pairs = _pairs(numbers)
        plain: list[Way] = [self._edge, self._flip, self._window, self._step, self._byte]
        broken: list[Way] = [self._splice, self._cut, self._grow]
        if words:
            plain += [self._word, self._word]
            broken.append(self._resize)
        if self.pairs:
            plain.append(self._pair)
            broken.append(self._other)
        self.ways = plain * 4 + broken
        if bool(sound) and all(p and _printable(p) > 0.9 for p in sound):
            text: list[Way] = [self._digit, self._field, self._digit, self._letter, self._separator]
            self.ways = text * 3 + [self._word] * 3 * bool(words) + [self._edge, self._flip, *broken]

    def changed(self, value: bytes | None) -> bytes:
        """Another payload; one of noise where there is none, and one time in 64."""
        chance = self.chance
        if not value or chance.random() < 1 / 64:
            return chance.randbytes(chance.choice((0, 1, 2, 3, 4, 8, 12, 16, 20, 32, 64)))
        data = bytearray(value)
        for _ in range(chance.choice((1, 1, 1, 1, 2, 3))):
            chance.choice(self.ways)(data)
        if self.rules and chance.random() < REPAIRED:
            for rule in self.rules:
                rule.mend(data)
        return bytes(data)

    def _at(self, data: bytearray) -> int:
        return self.chance.randrange(len(data)) if data else 0

    def _edge(self, data: bytearray) -> None:
        at = self._at(data)
        data[at : at + 1] = bytes((self.chance.choice(BYTES),))

    def _byte(self, data: bytearray) -> None:
        at = self._at(data)
        data[at : at + 1] = self.chance.randbytes(1)

    def _step(self, data: bytearray) -> None:
        if data:
            at = self._at(data)
            data[at] = (data[at] + self.chance.choice((-1, 1))) & 0xFF

    def _flip(self, data: bytearray) -> None:
        if data:
            data[self._at(data)] ^= 1 << self.chance.randrange(8)

    def _window(self, data: bytearray) -> None:
        edge = self.chance.choice(self.windows)
        if len(edge) <= len(data):
            at = self.chance.randrange(len(data) - len(edge) + 1)
            data[at : at + len(edge)] = edge

    def _word(self, data: bytearray) -> None:
        word = self.chance.choice(self.words)
        at = self._at(data)
        data[at : at + len(word)] = word

    def _resize(self, data: bytearray) -> None:
        self._to_size(data, self.chance.choice(self.sizes) if self.sizes else len(data))

    def _to_size(self, data: bytearray, size: int) -> None:
        data[size:] = self.chance.choice((bytes(1), b"\x01", b"\xff", b"\x42")) * max(0, size - len(data))

    def _pair(self, data: bytearray) -> None:
        """Two bytes that belong together, side by side or not."""
        first, second = self.chance.choice(self.pairs)
        at = self._at(data)
        data[at : at + 1] = bytes((first,))
        at = at + 1 if self.chance.random() < 0.7 else self._at(data)
        data[at : at + 1] = bytes((second,))

    def _other(self, data: bytearray) -> None:
        """Another message of the same device: its number in front, and its size."""
        number, size = self.chance.choice(self.pairs)
        at = min(self.chance.choice((0, 0, 0, 1, 2)), len(data))
        data[at : at + 1] = bytes((number,))
        self._to_size(data, size)

    def _splice(self, data: bytearray) -> None:
        other = self.chance.choice(self.sound) if self.sound else b""
        at = self._at(data)
        data[at:] = other[at:] if self.chance.random() < 0.7 else other[self._at(bytearray(other)) :]

    def _cut(self, data: bytearray) -> None:
        at = self._at(data)
        del data[at : at + self.chance.choice((1, 1, 2, 4))]

    def _grow(self, data: bytearray) -> None:
        at = self._at(data)
        some = self.chance.choice(self.sizes or [2])
        ways = (bytes(1), b"\xff", data[at : at + 4], self.chance.randbytes(2), self.chance.randbytes(some))
        data[at:at] = self.chance.choice(ways)

    def _digit(self, data: bytearray) -> None:
        places = [i for i, c in enumerate(data) if 48 <= c <= 57]
        if places:
            data[self.chance.choice(places)] = self.chance.choice(b"0123456789")

    def _field(self, data: bytearray) -> None:
        ends = [-1, *(i for i, c in enumerate(data) if c in b",;*= \t"), len(data)]
        k = self.chance.randrange(len(ends) - 1)
        data[ends[k] + 1 : ends[k + 1]] = (
            self._number() if self.chance.random() < 0.4 else self.chance.choice(TEXTS)
        )

    def _number(self) -> bytes:
        """A number of the source, or one beside it, as text; the point anywhere, because fields are scaled."""
        numbers = [w for w in self.known if isinstance(w, int)] or [0]
        text = str(self.chance.choice(numbers) + self.chance.choice((-1, 0, 0, 1)))
        point = len(text) - self.chance.choice((0, 0, 1, 2, 3))
        return (text if point == len(text) or point < 1 else f"{text[:point]}.{text[point:]}").encode()

    def _letter(self, data: bytearray) -> None:
        places = [i for i, c in enumerate(data) if 65 <= c <= 90]
        alone = [i for i in places if data[i - 1 : i] in _ENDS and data[i + 1 : i + 2] in _ENDS]
        if self.pairs and len(alone) > 1 and self.chance.random() < 0.5:
            at = self.chance.randrange(len(alone) - 1)
            data[alone[at]], data[alone[at + 1]] = self.chance.choice(self.pairs)
        elif places:
            data[self.chance.choice(places)] = self.chance.choice(b"AVNSEWMTRKF")

    def _separator(self, data: bytearray) -> None:
        places = [i for i, c in enumerate(data) if c in b",;.-+"]
        at = self.chance.choice(places) if places else self._at(data)
        data[at : at + 1] = self.chance.choice((b"", b",", b",,", b".", b"-"))


def _pairs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Numbers that stand close together in a source, each as one byte: they are often asked for together."""
    near = dict.fromkeys((a, b) for i, a in enumerate(numbers) for b in numbers[i + 1 : i + 1 + NEAR])
    return [pair for a, b in near if 0 <= a <= 255 and 0 <= b <= 255 for pair in ((a, b), (b, a))]


def _printable(data: bytes) -> float:
    return 1 - len(data.translate(None, _TEXT)) / len(data)


def _patterns(words: Sequence[bytes | int]) -> list[bytes]:
    """Numbers of a source as bytes: one, or two and four in both orders."""
    out = {w for w in words if isinstance(w, bytes)}
    for n in words:
        if isinstance(n, int):
            width = 1 if n < 1 << 8 else 2 if n < 1 << 16 else 4
            out |= {n.to_bytes(width, "big"), n.to_bytes(width, "little")}
    return sorted(out)


def _windows(fields: Sequence[Field]) -> list[bytes]:
    """Byte patterns worth standing somewhere in a payload: edges of integers, of floats and of the fields' ranges."""
    numbers = {*INTS}
    for f in fields:
        if f.range is not None and f.exp10 <= 0:
            for end in f.range:
                if end is not None and abs(end) < 1e15:
                    mantissa = round(end * 10**-f.exp10)
                    numbers |= {mantissa - 1, mantissa, mantissa + 1}
    out = {bytes((b,)) * width for b in BYTES for width in (2, 3, 4, 8)}
    for n in numbers:
        for width in (2, 4, 8):
            if -(1 << 8 * width - 1) <= n < 1 << 8 * width:
                low = n & (1 << 8 * width) - 1
                out |= {low.to_bytes(width, "big"), low.to_bytes(width, "little")}
    for x in FLOATS:
        out |= {struct.pack(order + "d", x) for order in "<>"}
        if abs(x) < 3e38 or x != x or x in (float("inf"), float("-inf")):
            out |= {struct.pack(order + "f", x) for order in "<>"}
    return sorted(out)
