"""Wheels that were built before, by what they were built of: an unchanged file is not compiled twice.

A file is named by the digest of the crate and the toolchain, and by its own: one that was cut or changed is not
used. Losing the folder costs time, never a wrong answer.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from alloy_agent.build.wheel import Wheel

MAX_WHEELS = 128  # of at most about 1 MiB; the oldest go


def folder() -> Path:
    """Where this user's wheels are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "alloy-edge" / "build"


def get(key: str, where: Path) -> Wheel | None:
    """The wheel built of exactly that, if it is still whole."""
    try:
        for path in where.glob(f"{key}-*"):
            wanted, _, name = path.name.removeprefix(f"{key}-").partition("-")
            body = path.read_bytes()
            if hashlib.sha256(body).hexdigest() == wanted:
                path.touch()
                return Wheel.of(name, body)
            path.unlink()
    except (OSError, ValueError):
        pass
    return None


def put(key: str, wheel: Wheel, where: Path) -> None:
    """Keep a wheel; where that cannot be done, it is built again."""
    with contextlib.suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(where / f"{key}-{wheel.sha256}-{wheel.name}", wheel.body)
        kept = sorted(where.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in kept[MAX_WHEELS:]:
            path.unlink(missing_ok=True)


def write(path: Path, body: bytes) -> None:
    """Put a file in its place whole, or not at all.

    Raises:
        OSError: it cannot be written.
    """
    fd, made = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    try:
        with os.fdopen(fd, "wb") as file:
            file.write(body)
            os.fchmod(fd, 0o644)
        os.replace(made, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(made)
        raise
