"""One module, from a checked program to its wheel: emit, look it up or compile it, and say what it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alloy_agent.build import cache, crate, wheel
from alloy_agent.build.crate import Files
from alloy_agent.build.program import Program
from alloy_agent.build.toolchain import Toolchain
from alloy_agent.build.wheel import Wheel
from alloy_agent.errors import BuildError
from alloy_agent.native import module

Progress = Callable[[str], None]
"""Told what begins."""


@dataclass(frozen=True, slots=True)
class Made:
    """One built module. `cached`: it was built before, of exactly the same."""

    program: Program
    wheel: Wheel
    tools: Toolchain
    cached: bool
    seconds: float

    def facts(self) -> dict[str, Any]:
        """For people and `--json`; keys are stable."""
        schema = self.program.facts
        return {
            "name": self.program.name,
            "kind": schema["kind"],
            "version": self.program.version,
            "target": self.tools.target,
            "wheel": {
                "name": self.wheel.name,
                "bytes": len(self.wheel.body),
                "sha256": self.wheel.sha256,
            },
            "module": {
                "path": self.wheel.path,
                "bytes": len(self.wheel.module),
                "sha256": self.wheel.module_sha256,
            },
            "source": schema["source"],
            "digest": schema["digest"],
            "ir": schema["ir"],
            "emitter": schema["emitter"],
            "abi": schema["abi"],
            "toolchain": self.tools.facts,
            "cached": self.cached,
            "seconds": round(self.seconds, 3),
        }


def make(program: Program, tools: Toolchain, kept: Path | None, progress: Progress) -> Made:
    """Build one module.

    Args:
        program: what is compiled.
        tools: what compiles it.
        kept: folder of wheels built before; None: always compile.
        progress: told what begins.

    Raises:
        ScriptError: `build.ir`, the emitter refuses the document.
        ToolchainError: `toolchain.fetch`.
        BuildError: `build.rustc`.
        NativeError: `load.*`, what came out is no module as docs/native-abi.md has it.
    """
    began = time.monotonic()
    progress("emitting")
    files = crate.files(program, tools.facts)
    key = crate.digest(files, *tools.fingerprint)
    found = cache.get(key, kept) if kept is not None else None
    made = found or compiled(files, program, tools, progress)
    if found is None and kept is not None:
        cache.put(key, made, kept)
    return Made(program, made, tools, found is not None, time.monotonic() - began)


def compiled(files: Files, program: Program, tools: Toolchain, progress: Progress) -> Wheel:
    """Compile, and look at what came out as the loader will; errors as `make`."""
    made = wheel.build(files, tools, program.name, progress)
    progress("checking the module")
    found = module.lint(made.module, tools.machine)
    if found["schema"] != program.schema or f"PyInit_{program.name}" not in found["exports"]:
        raise BuildError(
            "build.rustc", "the module says of itself what was not asked for", where=program.name
        )
    return made


def write(made: Made, out: Path) -> Path:
    """Put the wheel into a folder.

    Raises:
        BuildError: `build.output`.
    """
    path = out / made.wheel.name
    try:
        out.mkdir(parents=True, exist_ok=True)
        cache.write(path, made.wheel.body)
    except OSError as error:
        raise BuildError(
            "build.output", "the wheel cannot be written", where=str(path), got=error.strerror or str(error)
        ) from error
    return path
