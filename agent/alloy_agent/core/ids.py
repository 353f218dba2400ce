"""Identifiers: the boot id, run ids, and the birth/death number that outlives the process."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

MAX_BIRTH = (1 << 53) - 1
"""Every JSON reader can hold it exactly."""
MAX_BIRTH_BYTES = 64
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(ns: int, entropy: bytes) -> str:
    """A ULID: 48 bits of milliseconds and 80 bits of entropy, 26 characters, sortable by time.

    Source: the ULID specification (github.com/ulid/spec).
    """
    number = ((ns // 1_000_000) & ((1 << 48) - 1)) << 80 | int.from_bytes(entropy[:10], "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def stream_run(ns: int) -> str:
    """A new run of a stream: unique to this start of this pipeline."""
    return ulid(ns, os.urandom(10))


def file_run(name: str, size: int, mtime_ns: int, *made_by: str) -> str:
    """The run of a file: the same file decoded again gives the same run, so that repeats can be dropped.

    Args:
        made_by: what else the values depend on; with another transform it is another run.
    """
    seed = "\0".join((name, str(size), str(mtime_ns), *made_by)).encode()
    return ulid(mtime_ns, hashlib.sha256(seed).digest())


def _last_birth(path: Path) -> int:
    """The number in the file; 0 where it holds none that could be ours."""
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BIRTH_BYTES).strip()
    except OSError:
        return 0
    number = int(text) if text.isdigit() else 0
    return number if number < MAX_BIRTH else 0


def next_birth(path: Path) -> int:
    """The next birth/death number: one more than the last start, kept in a small file.

    A lost or damaged file starts over at 1; start never fails for its sake.
    """
    number = _last_birth(path) + 1
    beside = path.with_suffix(".tmp")
    try:
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{number}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError:
        return number
    return number
