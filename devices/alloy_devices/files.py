"""Watched folder: offers each finished file once, survives restarts, and never stops at a bad file.

A file is finished when its size and time stamp have not changed for `settle_s`, so a file that is still being
written is left alone, and one that was renamed in whole is taken after the same wait. Polling works on every
file system, network shares included; a folder of instrument files changes a few times a minute.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import translate
from typing import Final, Literal

import trio

from alloy_transforms.record import ClockState

from .errors import DeviceError
from .files_done import DoneTable, FileKey
from .source import EmitFile, FileInput, SourceStats

MAX_ENTRIES: Final = 10_000
"""Names looked at in one scan; a folder with more is served in part and says so."""
MAX_WAITING: Final = 4_096
"""Files whose size is being watched."""

After = Literal["keep", "delete", "move"]


@dataclass(frozen=True, slots=True)
class FolderOptions:
    """What to watch.

    Attributes:
        path: the folder; it need not exist yet.
        pattern: shell pattern of the names, no folder part.
        settle_s: unchanged for so long: finished.
        poll_s: between two scans.
        retry_s: before a file that ended with "retry" is offered again.
        after: what happens to a file that is done.
        move_to: folder below `path` for `move`.
        state: file that remembers what was done; None: only while running.
    """

    path: str
    pattern: str = "*"
    settle_s: float = 5.0
    poll_s: float = 2.0
    retry_s: float = 30.0
    after: After = "keep"
    move_to: str = "done"
    state: str | None = None


@dataclass(slots=True)
class _Watched:
    key: FileKey
    since: float  # monotonic [s] when this size and time were first seen


class FolderSource:
    """A source of finished files.

    Args:
        clock_state: state of the host's clock, read when a file is opened.
        now_ns: UTC ns.
    """

    can_acknowledge = True

    def __init__(
        self,
        name: str,
        options: FolderOptions,
        *,
        clock_state: Callable[[], ClockState] = lambda: ClockState.UNSET,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        if "/" in options.move_to or options.move_to in ("", ".", ".."):
            raise DeviceError(
                "files.option",
                "`move_to` is not the name of a folder below the watched one",
                where=options.path,
                got=options.move_to,
                expected="one name without a slash",
            )
        self.name = name
        self.stats = SourceStats()
        self._options = options
        self._matches = re.compile(translate(options.pattern)).match
        self._clock_state = clock_state
        self._now_ns = now_ns
        self._waiting: dict[str, _Watched] = {}
        self._offered: dict[FileKey, float] = {}  # until monotonic [s]; inf while it is being decoded
        self._done = DoneTable(options.state)

    async def run(self, emit: EmitFile) -> None:
        """Watch until cancelled; `emit` waits while the pipeline is full."""
        while True:
            folder = self._open_folder()
            if folder >= 0:
                try:
                    for key in self._scan(folder):
                        await self._offer(folder, key, emit)
                finally:
                    os.close(folder)
            await trio.sleep(self._options.poll_s)

    def _open_folder(self) -> int:
        try:
            fd = os.open(self._options.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            self.stats.connected = False
            self.stats.last_error = f"{error.strerror} [files.gone]"
            return -1
        self.stats.connected = True
        return fd

    def _scan(self, folder: int) -> list[FileKey]:
        """Files that are finished and were not offered, oldest first."""
        now = trio.current_time()
        seen: dict[str, _Watched] = {}
        ready: list[FileKey] = []
        present: set[FileKey] = set()
        try:
            with os.scandir(folder) as entries:
                for count, entry in enumerate(entries):
                    if count >= MAX_ENTRIES:
                        self.stats.last_error = (
                            f"only the first {MAX_ENTRIES} names are looked at [files.full]"
                        )
                        break
                    key = self._key(entry)
                    if key is None:
                        continue
                    present.add(key)
                    if key in self._done or self._offered.get(key, 0.0) > now:
                        continue
                    before = self._waiting.get(key.name)
                    since = before.since if before is not None and before.key == key else now
                    if now - since >= self._options.settle_s:
                        ready.append(key)
                    if len(seen) < MAX_WAITING:
                        seen[key.name] = _Watched(key, since)
        except OSError as error:
            self.stats.last_error = f"{error.strerror} [files.gone]"
            return []
        self._waiting = seen
        self._offered = {key: until for key, until in self._offered.items() if key in present}
        self._done.keep(present)
        return sorted(ready, key=lambda key: (key.mtime_ns, key.name))

    def _key(self, entry: os.DirEntry[str]) -> FileKey | None:
        """What identifies a regular file; None for anything else, links and hidden names included."""
        if entry.name.startswith(".") or not self._matches(entry.name) or not _is_text(entry.name):
            return None
        try:
            if not entry.is_file(follow_symlinks=False):
                return None
            found = entry.stat(follow_symlinks=False)
        except OSError:
            return None  # gone between two calls
        return FileKey(entry.name, found.st_size, found.st_mtime_ns, found.st_ino)

    async def _offer(self, folder: int, key: FileKey, emit: EmitFile) -> None:
        try:
            fd = os.open(key.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=folder)
        except OSError as error:
            self.stats.last_error = f"{key.name}: {error.strerror}"
            self._offered[key] = trio.current_time() + self._options.retry_s
            return
        found = os.fstat(fd)
        same = (found.st_size, found.st_mtime_ns, found.st_ino) == (key.size, key.mtime_ns, key.ino)
        if not stat.S_ISREG(found.st_mode) or not same:
            os.close(fd)  # changed since the scan: the next scan sees it as it is now
            return
        self._offered[key] = float("inf")
        self.stats.inputs += 1
        self.stats.bytes += key.size
        await emit(
            FileInput(
                fd=fd,
                name=key.name,
                size=key.size,
                mtime_ns=key.mtime_ns,
                received_ns=self._now_ns(),
                clock=self._clock_state(),
                settle=_Once(lambda outcome: self._settle(key, outcome)),
            )
        )

    def _settle(self, key: FileKey, outcome: str) -> None:
        if outcome == "retry":
            self._offered[key] = trio.current_time() + self._options.retry_s
            return
        if outcome not in ("done", "failed"):
            raise ValueError(f"a file ends as done, failed or retry, not {outcome!r}")
        self._offered.pop(key, None)
        self._waiting.pop(key.name, None)
        try:
            self._done.add(key, outcome)
        except DeviceError as error:
            # The file is not offered again while this process lives; after a restart it may be, once.
            self.stats.last_error = str(error)
        if outcome == "done" and self._options.after != "keep":
            self._clear(key)

    def _clear(self, key: FileKey) -> None:
        """Delete or move a done file, unless another file has taken its name."""
        folder = self._open_folder()
        if folder < 0:
            return
        try:
            found = os.stat(key.name, dir_fd=folder, follow_symlinks=False)
            if (found.st_size, found.st_mtime_ns, found.st_ino) != (key.size, key.mtime_ns, key.ino):
                return
            if self._options.after == "delete":
                os.unlink(key.name, dir_fd=folder)
                return
            if not _is_folder(self._options.move_to, folder):
                os.mkdir(self._options.move_to, 0o755, dir_fd=folder)
            target = f"{self._options.move_to}/{key.name}"
            os.rename(key.name, target, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError as error:
            self.stats.last_error = f"{key.name}: {error.strerror}"
        finally:
            os.close(folder)


class _Once:
    """Only the first answer for a file counts."""

    def __init__(self, call: Callable[[str], None]) -> None:
        self._call: Callable[[str], None] | None = call

    def __call__(self, outcome: str) -> None:
        call, self._call = self._call, None
        if call is not None:
            call(outcome)


def _is_folder(name: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False


def _is_text(name: str) -> bool:
    """Names that are not UTF-8 cannot be said in a descriptor."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
