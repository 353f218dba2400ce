"""An entry that tries to break out and says how far it got; `alloy-edge doctor` asks it."""

from __future__ import annotations

import os
from typing import Final

from alloy_transforms.sandbox.frames import write_frame

ATTEMPTS: Final = ("read a file", "list a folder", "start a process")


def serve(channel: int, _fds: tuple[int, ...]) -> None:
    """Write one frame: what of ATTEMPTS succeeded, comma-separated; empty when the jail holds."""
    reached = []
    for name, attempt in zip(ATTEMPTS, (_read, _list, _fork), strict=True):
        try:
            attempt()
            reached.append(name)
        except OSError:
            continue
    write_frame(channel, ",".join(reached).encode())


def _read() -> None:
    os.open("/proc/self/stat", os.O_RDONLY)


def _list() -> None:
    os.listdir("/")


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)
