"""One child process of a build: bounded time, the end of its output kept, nothing of it left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_OUTPUT_BYTES = 64 << 10  # of the end of standard output and error
ASK_S = 60.0  # a question such as `rustc -vV`; the first call of a proxy may take long


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended: exit status (negative: a signal; None: it took too long) and the end of its output."""

    status: int | None
    text: str

    def gist(self, lines: int) -> str:
        """The first error and what follows it; where there is none, the last lines that say something."""
        said = [line.rstrip() for line in self.text.splitlines() if line.strip()]
        errors = [i for i, line in enumerate(said) if line.startswith("error")]
        return "\n".join(said[errors[0] :][:lines] if errors else said[-lines:])


def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout_s: float) -> Ended:
    """Run a command to its end; after `timeout_s` it and its children are killed.

    Raises:
        OSError: it cannot be started.
    """
    with tempfile.TemporaryFile() as sink:
        child = subprocess.Popen(  # noqa: S603 - a list, no shell; the program was found by us
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        status: int | None = None
        try:
            status = child.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            if child.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        sink.seek(max(0, sink.seek(0, os.SEEK_END) - MAX_OUTPUT_BYTES))
        return Ended(status, sink.read().decode("utf-8", "replace"))


def ask(command: Sequence[str], env: Mapping[str, str]) -> str:
    """What a command prints; empty where it fails."""
    try:
        ended = run(command, cwd=Path("/"), env=env, timeout_s=ASK_S)
    except OSError:
        return ""
    return ended.text if ended.status == 0 else ""
