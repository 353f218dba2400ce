"""Native modules: what `alloy-edge build` makes of a portable transform, looked at and opened (`docs/native-abi.md`).

`lint` reads a file and maps nothing. `open` is called once in a forked child before its jail closes; what it
opened is called after that, through a `ModulePlan`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Literal, TypedDict

from alloy_native import _native
from alloy_native._native import Module, ModuleBatch, ModulePlan
from alloy_native.errors import ModuleError

__all__ = [
    "FILE_BYTES_MAX",
    "Elements",
    "Facts",
    "Module",
    "ModuleBatch",
    "ModuleError",
    "ModulePlan",
    "instructions",
    "lint",
    "open",
    "opened",
]

FILE_BYTES_MAX = 1 << 20

_opened: Module | None = None


class Facts(TypedDict):
    """What the lint found in a module.

    Attributes:
        kind: which entry it has.
        schema: contents of `ALLOY_SCHEMA`, not parsed.
        exports: defined symbols, in the order of the file.
        undefined: symbols the interpreter must have.
        text_bytes: size of the executable segment.
    """

    kind: Literal["record", "map"]
    schema: bytes
    exports: list[str]
    undefined: list[str]
    text_bytes: int


def lint(data: bytes, machine: str = os.uname().machine) -> Facts:
    """Check a module against every rule of `docs/native-abi.md`; nothing is mapped, nothing runs.

    Args:
        data: the file.
        machine: `x86_64` or `aarch64`; another one than this host's is looked at all the same.

    Raises:
        ModuleError: `load.arch`, for another processor; `load.abi`, a symbol of the interface is missing;
            `load.elf`, everything else.
    """
    return _native.module_lint(data, machine)


def instructions(code: bytes, machine: str = os.uname().machine) -> list[int]:
    """Where each instruction of machine code begins [B].

    Raises:
        ModuleError: `load.elf`, an instruction that a module may not execute, or one that is not known.
    """
    return _native.module_instructions(code, machine)


def open(fd: int) -> Module:  # noqa: A001 - as os.open
    """Map a module in this process, for the rest of its life, and remember it; nothing of it runs.

    Raises:
        ModuleError: as `lint`; `load.abi` also where the interpreter lacks a symbol.
    """
    global _opened
    _opened = Module(fd)
    return _opened


class Elements:
    """The function of an element-wise module.

    Attributes:
        parameters: their names, in order.
        total: no element can fail.

    Raises:
        ValueError: the module is record-wise.
    """

    def __init__(self, module: Module) -> None:
        import json  # the daemon and its workers go without

        if module.kind != "map":
            raise ValueError("the module is not element-wise")
        schema = json.loads(module.schema)
        self._module = module
        self.parameters = tuple(str(name) for name, _ in schema["inputs"])
        self.total = bool(schema["total"])

    def __call__(self, arguments: Sequence[bytes | float], out: bytearray) -> bytes:
        """Fill `out` with f8 values; their codes, none where `total`.

        Args:
            arguments: one per parameter: as many f8 values as `out`, or one number for all.
            out: at least one f8 value; what was there is lost.

        Raises:
            ValueError: arguments that do not fit.
            ModuleError: `violation.protocol`, what the module says cannot be.
        """
        if len(arguments) != len(self.parameters):
            raise ValueError(f"got {len(arguments)} arguments for {', '.join(self.parameters)}")
        return self._module.map(arguments, out, self.total)


def opened() -> Module | None:
    """What `open` opened last in this process."""
    return _opened
