"""Struct formats of the portable language: what each code gives, and how wide the whole is."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_ITEMS = 64
_SIZES = {"b": 1, "B": 1, "h": 2, "H": 2, "i": 4, "I": 4, "q": 8, "Q": 8, "f": 4, "d": 8, "x": 1}
_FORMAT = re.compile(r"[<>]([0-9]{0,4}[bBhHiIqQfdx])+")
_ITEM = re.compile(r"([0-9]*)([bBhHiIqQfdx])")


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a format."""

    code: str
    offset: int  # bytes

    @property
    def is_float(self) -> bool:
        """Whether the value is a float."""
        return self.code in "fd"

    @property
    def interval(self) -> tuple[int, int]:
        """What an integer code can give."""
        bits = 8 * _SIZES[self.code]
        return (0, (1 << bits) - 1) if self.code.isupper() else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def parse(text: object) -> tuple[list[Item], int] | None:
    """The values and the size in bytes; None where the format is not of the language."""
    if not isinstance(text, str) or not _FORMAT.fullmatch(text):
        return None
    items: list[Item] = []
    offset = 0
    for count, code in _ITEM.findall(text):
        for _ in range(int(count or 1)):
            if code != "x":
                items.append(Item(code, offset))
            offset += _SIZES[code]
            if len(items) > MAX_ITEMS or offset > 4096:
                return None
    return (items, offset) if items else None
