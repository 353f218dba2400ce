"""Has the module of a running transform built by another process of this host (`promotion.build: local`).

The daemon imports this: nothing of the build is loaded here. The source that runs is what is built, not the file that
it once came from.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import trio

from alloy_agent.errors import BuildError

if TYPE_CHECKING:
    from alloy_agent.config.model import TransformRef
    from alloy_agent.workers.transform import TransformStage

BUILD_S = 900.0  # a small gateway takes its time
END_S = 5.0  # from the interrupt to SIGKILL
MAX_DOCUMENT_BYTES = 1 << 20  # of `alloy-edge build --json`


def local_build(state_dir: Path) -> Callable[[TransformStage], Awaitable[bool]] | None:
    """What builds the module of a stage; None where this host has no cargo."""
    if shutil.which("cargo") is None:
        return None

    async def build(stage: TransformStage) -> bool:
        await build_on_host(stage.ref, state_dir)
        return True

    return build


async def build_on_host(ref: TransformRef, state_dir: Path) -> None:
    """Build a module and record it, at the lowest priority; the first to go where memory is short.

    Args:
        ref: what runs: source and parameters.
        state_dir: of the daemon.

    Raises:
        BuildError: `build.*`, `toolchain.*`, `load.*`: the code that the build ended with.
    """
    import tempfile  # loads `random`; a daemon that never builds goes without

    with tempfile.TemporaryDirectory(prefix="alloy-onhost-") as folder:
        path = Path(folder) / f"{ref.name}.py"
        out = Path(folder) / "document.json"
        path.write_bytes(ref.source)
        params = [part for name, value in ref.params.items() for part in ("--param", f"{name}={value}")]
        command = [*_modest(), sys.executable, "-m", "alloy_agent", "build", str(path), *params]
        command += ["--json", "--store", str(state_dir), "--out", folder]
        with out.open("wb") as sink:
            process = await trio.lowlevel.open_process(
                command,
                stdin=subprocess.DEVNULL,
                stdout=sink.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            try:
                with trio.move_on_after(BUILD_S) as scope:
                    await process.wait()
            finally:
                if process.returncode is None:
                    with trio.CancelScope(shield=True):
                        await _end(process)
        if scope.cancelled_caught:
            raise BuildError("build.rustc", f"it is not built after {BUILD_S:g} s", where=ref.name)
        _judge(ref.name, process.returncode, out)


async def _end(process: trio.Process) -> None:
    """An interrupt first: the build then ends its own children, cargo and rustc; they have sessions of their own."""
    process.send_signal(signal.SIGINT)
    with trio.move_on_after(END_S):
        await process.wait()
        return
    process.kill()
    await process.wait()


def _modest() -> list[str]:
    prefix = []
    for program, *options in (("nice", "-n", "19"), ("choom", "-n", "1000", "--")):
        if (found := shutil.which(program)) is not None:
            prefix += [found, *options]
    return prefix


def _judge(name: str, status: int | None, out: Path) -> None:
    """Raise what the document says went wrong."""
    with out.open("rb") as file:
        text = file.read(MAX_DOCUMENT_BYTES + 1)
    try:
        document: dict[str, Any] = json.loads(text)
        if document["ok"] and status == 0:
            return
        module = document["modules"][0] if document["modules"] else document
        error = module["error"] or {
            "code": module["findings"][-1]["code"],
            "what": module["findings"][-1]["message"],
        }
        code, what, hint = str(error["code"]), str(error["what"]), str(error.get("hint", ""))
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as wrong:
        what = "the build ended without an answer"
        raise BuildError("build.rustc", what, where=name, got=f"exit {status}") from wrong
    raise BuildError(code, what, where=name, hint=hint)
