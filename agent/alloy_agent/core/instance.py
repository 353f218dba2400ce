"""One daemon for one state folder: a second one would share its files, its birth number and its control socket."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alloy_agent.errors import AgentError


@contextmanager
def only_one(state: Path, run: Path) -> Iterator[None]:
    """Make both folders and hold the lock of the state folder; the kernel releases it with the process.

    Raises:
        AgentError: `daemon.folder`, a folder cannot be made or written; `daemon.running`, another one runs there.
    """
    try:
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        run.mkdir(parents=True, exist_ok=True)
        fd = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise AgentError(
            "daemon.folder",
            "a folder of the daemon cannot be used",
            where=str(error.filename or state),
            got=error.strerror or str(error),
            hint="`state_dir` and `run_dir` in agent.yaml name folders the daemon may write",
        ) from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise AgentError(
                "daemon.running",
                "another daemon uses this state folder",
                where=str(state),
                hint="`alloy-edge status` asks it; give a second one its own --state-dir and --run-dir",
            ) from error
        yield
    finally:
        os.close(fd)
