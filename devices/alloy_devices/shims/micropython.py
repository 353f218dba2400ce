"""`micropython`: `const`. What makes machine code on boards has other rules there, and is refused."""

from __future__ import annotations

import types
from typing import Any, NoReturn, TypeVar

from ..errors import ShimError

T = TypeVar("T")
MACHINE_CODE = ("native", "viper", "asm_thumb", "asm_xtensa", "asm_rv32")


def const(value: T) -> T:
    """The value; on boards the compiler puts it where the name stands."""
    return value


def _missing(name: str) -> NoReturn:
    if name in MACHINE_CODE:
        raise ShimError(
            "board.refused",
            f"`micropython.{name}` makes machine code whose integers wrap around, which CPython has not",
            hint="write it in plain Python; the native tier of the gateway is the fast one",
        )
    raise AttributeError(f"module 'micropython' has no attribute {name!r} in the stand-ins")


def module() -> types.ModuleType:
    """`micropython`."""
    out = types.ModuleType("micropython")
    own: dict[str, Any] = {"const": const, "__getattr__": _missing}
    out.__dict__.update(own)
    return out
