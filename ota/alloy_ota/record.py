"""The one durable record of `state.State`: two files that are written in turn, so the one before is still there.

Each is replaced whole (`disk.write_file`). On start the valid one with the higher serial number counts; what is
torn, damaged, foreign or of a later version is set aside and said, and never keeps anything from starting. Where the
disk gives neither of them, nothing is written before it does: what was decided is not forgotten over a bad moment.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from .disk import OS, Disk, make_folder, read_file, sweep, write_file
from .errors import DiskError, MissingError, OtaError
from .state import MAX_BYTES, State, decode, encode

FILES: Final = ("state.0", "state.1")
ASIDE: Final = ".bad"


class StateRecord:
    """The record in one folder; one process writes it.

    Attributes:
        state: what is in force; on disk, unless the last `update` raised.
        problems: what was set aside or could not be read, for status.

    Args:
        folder: made at the first write.
    """

    def __init__(self, folder: str | os.PathLike[str], *, disk: Disk = OS) -> None:
        self.folder = os.fspath(folder)
        self.state = State()
        self.problems: list[str] = []
        self._disk = disk
        self._next = 0
        self._unread = False  # the disk gave neither file, although there is one

    def load(self) -> State:
        """Read what an earlier run left; never raises for what is in the files."""
        sweep(self._disk, self.folder)
        best, self.problems, unread = -1, [], False
        for number, name in enumerate(FILES):
            try:
                found = self._read(name)
            except MissingError:
                continue
            except OtaError as error:
                self.problems.append(str(error))
                if error.code == "ota.disk":
                    unread = True
                else:
                    self._set_aside(name)
                continue
            if found.serial > best:
                best, self.state, self._next = found.serial, found, 1 - number
        self._unread = unread and best < 0
        return self.state

    def peek(self) -> State:
        """As `load`, for a process that does not own the record: nothing is moved, nothing remembered."""
        found = State()
        for name in FILES:
            with contextlib.suppress(OtaError):
                found = max(found, self._read(name), key=lambda s: s.serial)
        return found

    def update(self, change: Callable[[State], State]) -> State:
        """Change the state; on disk when this returns. Where it raises, nothing has changed.

        Raises:
            DiskError, FileKindError: the record could not be written, or not be read since the start.
        """
        if self._unread:
            self.load()
        if self._unread:
            raise DiskError(
                "ota.disk",
                "what was decided before cannot be read, and is not written over",
                where=self.folder,
                got=self.problems[-1],
                retryable=True,
            )
        state = replace(change(self.state), serial=self.state.serial + 1)
        make_folder(self._disk, self.folder)
        write_file(self._disk, self.folder, FILES[self._next], encode(state), 0o644)
        self._next = 1 - self._next
        self.state = state
        return state

    def _read(self, name: str) -> State:
        return decode(read_file(self._disk, f"{self.folder}/{name}", MAX_BYTES))

    def _set_aside(self, name: str) -> None:
        """Keep it for whoever wants to know; the older such file goes."""
        with contextlib.suppress(OSError):
            self._disk.replace(f"{self.folder}/{name}", f"{self.folder}/{name}{ASIDE}")
