"""Old names of modules (`ustruct`), and the pieces of `gc` and `sys` that boards have and CPython has not."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
import types
from typing import TextIO

ALIASES = ("array", "binascii", "collections", "errno", "hashlib", "heapq", "io", "json", "os", "random", "re",
           "select", "socket", "struct", "sys", "time")  # fmt: skip
"""Modules that boards also know with a `u` in front; `uctypes` and `uasyncio` have no counterpart here."""


OWN = (
    "__builtins__",
    "__cached__",
    "__file__",
    "__loader__",
    "__name__",
    "__package__",
    "__path__",
    "__spec__",
)
"""What a module does not hand on to the one that takes its place."""


def superset(module: types.ModuleType, **more: object) -> types.ModuleType:
    """A module with everything of a CPython module, and more."""
    out = types.ModuleType(module.__name__)
    out.__dict__.update({name: value for name, value in vars(module).items() if name not in OWN})
    out.__dict__.update(more)
    return out


def print_exception(error: BaseException, file: TextIO | None = None) -> None:
    """`sys.print_exception`: the traceback, to standard output."""
    traceback.print_exception(error, file=file or sys.stdout)


def _mem_alloc() -> int:
    """Bytes in use: of this process."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def _mem_free() -> int:
    """Bytes free: of this machine."""
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGESIZE")


def gc_module() -> types.ModuleType:
    """`gc` with the two figures boards have."""
    return superset(gc, mem_alloc=_mem_alloc, mem_free=_mem_free)


def aliases(own: dict[str, types.ModuleType]) -> dict[str, types.ModuleType]:
    """`u` names of the stand-ins in `own` and of CPython's modules."""
    return {f"u{name}": own.get(name) or importlib.import_module(name) for name in ALIASES}
