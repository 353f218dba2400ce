"""How the core gets its configuration: one run of the compiler process, bounded, decoded strictly.

The core never parses YAML and never trusts the reply beyond what the structs of `model` admit.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import trio

from alloy_agent.errors import ConfigError

from .limits import COMPILE_STDERR_BYTES, COMPILE_WALL_S, MAX_DOCUMENT_BYTES
from .model import DOCUMENT_VERSION, Document

_EXIT_CODES = (0, 3)
_READ_BYTES = 64 << 10


async def compile_config(
    folder: Path, *, wall_s: float = COMPILE_WALL_S, max_bytes: int = MAX_DOCUMENT_BYTES
) -> Document:
    """Compile a configuration folder in a fresh process.

    Args:
        folder: holds `agent.yaml` and `pipelines/`.
        wall_s: the process is killed after this [s].
        max_bytes: longest document taken from it [B].

    Returns:
        The document; with `device_valid` False nothing may be started from it.

    Raises:
        ConfigError: `config.compiler`, the process ran too long, wrote too much, failed, or wrote what is no
            document. Findings in the files are no exception: they are in `problems`.
    """
    command = [
        sys.executable,
        "-I",
        "-X",
        "utf8",
        "-m",
        "alloy_agent.config.compile",
        "--config",
        str(folder),
    ]
    out, err = bytearray(), bytearray()
    where = str(folder)
    with trio.move_on_after(wall_s) as wall:
        async with trio.open_nursery() as nursery:
            process = await nursery.start(_run, command)
            nursery.start_soon(_drain, process.stderr, err, COMPILE_STDERR_BYTES)
            await _drain(process.stdout, out, max_bytes)
            if len(out) > max_bytes:
                nursery.cancel_scope.cancel()
    if wall.cancelled_caught:
        raise _failed(where, "the configuration compiler ran too long", expected=f"at most {wall_s:g} s")
    if len(out) > max_bytes:
        raise _failed(
            where, "the configuration compiler wrote too much", expected=f"at most {max_bytes} bytes"
        )
    if process.returncode not in _EXIT_CODES:
        last = bytes(err).decode("utf-8", "replace").strip().splitlines()[-1:] or ["nothing on its stderr"]
        raise _failed(where, f"the configuration compiler ended with {process.returncode}", got=last[0][:200])
    try:
        document = msgspec.msgpack.decode(out, type=Document)
    except msgspec.DecodeError as error:
        raise _failed(
            where, "the configuration compiler wrote what is no document", got=str(error)
        ) from error
    if document.version != DOCUMENT_VERSION:
        raise _failed(
            where,
            "the configuration compiler is of another version",
            got=f"document {document.version}",
            expected=str(DOCUMENT_VERSION),
        )
    return document


def _failed(where: str, what: str, *, got: str = "", expected: str = "") -> ConfigError:
    return ConfigError(
        "config.compiler", what, where=where, got=got, expected=expected, hint=f"run alloy-edge check {where}"
    )


async def _run(command: list[str], task_status: trio.TaskStatus[trio.Process]) -> None:
    """Own the process until it ended; cancellation kills it."""
    await trio.run_process(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        check=False,
        env={},
        deliver_cancel=_kill,
        task_status=task_status,
    )


async def _kill(process: trio.Process) -> None:
    process.kill()


async def _drain(stream: trio.abc.ReceiveStream | None, into: bytearray, maximum: int) -> None:
    """Read to the end, or one piece past `maximum`; what follows of stderr is thrown away."""
    if stream is None:
        raise RuntimeError("the process was started without pipes")
    async for piece in stream:
        into += piece[:_READ_BYTES]
        if len(into) > maximum:
            return
