"""Which code an exception of user code becomes, and the line of the user's file it came from."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import TracebackType

from ..errors import WIRE_CODES

NUMBERS = {code: number for number, code in WIRE_CODES.items()}
"""Dotted name -> byte on the wire."""

_TABLE: tuple[tuple[type[BaseException], str], ...] = (
    (ZeroDivisionError, "data.div"),
    (IndexError, "data.index"),
    (KeyError, "data.schema"),
    (OverflowError, "data.overflow"),
    (struct.error, "data.value"),
    (ValueError, "data.value"),  # UnicodeError and json's error are ValueErrors
    (MemoryError, "script.memory"),
    (RecursionError, "script.recursion"),
)
LENGTH_WORDS = ("too short", "too long", "length", "requires a buffer", "past the end")
"""What `struct` and `kit` say of a size: `data.length`."""
RANGE_WORDS = "out of range"
"""What `fmath` says of an argument it has no answer for: `data.range`."""
_PORTABLE = "alloy_transforms/portable/"


@dataclass(frozen=True, slots=True)
class Failure:
    """An exception, told in the words of the protocol."""

    code: str
    line: int
    text: str

    @property
    def number(self) -> int:
        """Its byte on the wire."""
        return NUMBERS[self.code]


def classify(error: BaseException, file: str) -> Failure:
    """Map an exception that left user code."""
    code = next((code for kind, code in _TABLE if isinstance(error, kind)), "script.exception")
    line, in_kit = _place(error.__traceback__, file)
    try:
        words = str.__str__(str(error))  # exactly a str: a subclass could run code wherever it is used
    except BaseException as second:  # a __str__ of the user's own
        words = _name(second)
    if code == "data.value" and (in_kit or isinstance(error, struct.error)):
        if any(word in words for word in LENGTH_WORDS):
            code = "data.length"
        elif in_kit and RANGE_WORDS in words:
            code = "data.range"
    name = _name(error)
    return Failure(code, line, f"{name}: {words}" if words else name)


def _name(error: BaseException) -> str:
    """Name of its class, past what a metaclass of the user's own says."""
    name: str = type.__dict__["__name__"].__get__(type(error))
    return name


def _place(traceback: TracebackType | None, file: str) -> tuple[int, bool]:
    """(last line in the user's file, whether the error came out of `kit`)."""
    line = 0
    in_kit = False
    while traceback is not None:
        name = traceback.tb_frame.f_code.co_filename
        in_kit = _PORTABLE in name
        if name == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line, in_kit
