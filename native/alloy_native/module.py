"""Native modules: what `alloy-edge build` makes of a portable transform, looked at and opened (`docs/native-abi.md`).

`lint` reads the file and maps nothing. `open` is called once in a forked child before its jail closes.
"""

from __future__ import annotations

import os
from typing import Literal, TypedDict

from alloy_native.errors import ModuleError

__all__ = ["FILE_BYTES_MAX", "Facts", "ModuleError", "lint", "open"]

FILE_BYTES_MAX = 1 << 20


class Facts(TypedDict):
    """What the lint found in a module."""

    kind: Literal["record", "map"]
    schema: bytes
    exports: list[str]
    undefined: list[str]
    text_bytes: int


def lint(data: bytes, machine: str = os.uname().machine) -> Facts:
    """Check a module against every rule of `docs/native-abi.md`; nothing is mapped, nothing runs.

    Raises:
        ModuleError: `load.elf`, `load.arch`, `load.abi`.
    """
    raise ModuleError("load.elf", "not yet", got=f"{len(data)} bytes", expected=machine)


def open(fd: int) -> None:  # noqa: A001 - as os.open
    """Map the module in this process; once, before the jail closes. Nothing of it runs.

    Raises:
        ModuleError: as `lint`.
    """
    raise ModuleError("load.elf", "not yet", got=str(fd))
