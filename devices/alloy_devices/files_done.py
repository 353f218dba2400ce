"""Which files of a watched folder are done: a small table that survives restarts and power cuts.

One JSON line a file; rewritten beside and renamed, so a cut leaves the old table or the new one. A table that
cannot be read is set aside and started anew: files may then be offered again, none is lost, start never fails.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from .errors import DeviceError

MAX_DONE: Final = 100_000
"""Entries kept; the oldest go first. With `keep` only files that are still there count."""
MAX_STATE_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class FileKey:
    """What makes a file the same file: name, size, time stamp and inode."""

    name: str
    size: int
    mtime_ns: int
    ino: int


class DoneTable:
    """Files that were done or failed; in memory, and in `path` where one is given."""

    def __init__(self, path: str | None) -> None:
        self._path = path
        self._done: dict[FileKey, str] = self._read() if path is not None else {}

    def __contains__(self, key: FileKey) -> bool:
        return key in self._done

    def __len__(self) -> int:
        return len(self._done)

    def add(self, key: FileKey, outcome: str) -> None:
        """Remember a file; on disk before this returns.

        Raises:
            DeviceError: `files.state`, the table could not be written; it is remembered in memory.
        """
        self._done[key] = outcome
        while len(self._done) > MAX_DONE:
            self._done.pop(next(iter(self._done)))
        self._write()

    def keep(self, present: Set[FileKey]) -> None:
        """Forget files that are gone once they outnumber those that are there; written with the next `add`."""
        if len(self._done) > 2 * len(present) + 1_000:
            self._done = {key: outcome for key, outcome in self._done.items() if key in present}

    def _read(self) -> dict[FileKey, str]:
        assert self._path is not None
        out: dict[FileKey, str] = {}
        try:
            with open(self._path, "rb") as table:
                text = table.read(MAX_STATE_BYTES)
            for line in text.splitlines():
                name, size, mtime_ns, ino, outcome = json.loads(line)
                out[FileKey(str(name), int(size), int(mtime_ns), int(ino))] = str(outcome)
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError):
            with contextlib.suppress(OSError):
                os.replace(self._path, self._path + ".bad")
        return out

    def _write(self) -> None:
        if self._path is None:
            return
        beside = self._path + ".new"
        lines = "".join(
            json.dumps([key.name, key.size, key.mtime_ns, key.ino, outcome]) + "\n"
            for key, outcome in self._done.items()
        )
        try:
            with open(beside, "w", encoding="utf-8") as table:
                table.write(lines)
                table.flush()
                os.fsync(table.fileno())
            os.replace(beside, self._path)
            folder = os.open(os.path.dirname(self._path) or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise DeviceError(
                "files.state",
                "the table of finished files could not be written",
                where=os.path.basename(self._path),
                got=error.strerror or "",
                hint="make room, or point `state` to a folder that can be written",
                retryable=True,
            ) from error
