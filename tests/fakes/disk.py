"""A disk in memory whose power can be cut before any call, and which may fill up.

What was not synced is at risk: of a file the data since its last fsync, of a folder the changes of names since its
last fsync. After a cut a file holds its synced bytes, half of the new ones, or all; each folder has made any number
of its waiting changes, the earlier ones first. `outcomes` gives every disk that may be found then.
"""

from __future__ import annotations

import errno
import itertools
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field


class PowerCutError(BaseException):
    """The power goes; no handler of the program sees it."""


@dataclass
class Inode:
    """One file: what programs see, and what is on the medium for sure."""

    data: bytes = b""
    synced: bytes | None = None  # None: the file itself was never synced
    mode: int = 0o600
    uid: int = field(default_factory=os.geteuid)

    @property
    def st_mode(self) -> int:
        return stat.S_IFREG | self.mode

    @property
    def st_size(self) -> int:
        return len(self.data)

    @property
    def st_uid(self) -> int:
        return self.uid


@dataclass
class Folder:
    """Names now, names on the medium, and the changes between them in order: (name, inode or None)."""

    names: dict[str, Inode] = field(default_factory=dict)
    synced: dict[str, Inode] = field(default_factory=dict)
    waiting: list[tuple[tuple[str, Inode | None], ...]] = field(default_factory=list)
    st_mode = stat.S_IFDIR | 0o755
    st_size = 0
    st_uid = 0

    def change(self, *changes: tuple[str, Inode | None]) -> None:
        for name, inode in changes:
            if inode is None:
                self.names.pop(name, None)
            else:
                self.names[name] = inode
        self.waiting.append(changes)


class MemoryDisk:
    """The calls of `alloy_ota.disk.Disk`.

    Args:
        cut_at: the power goes before the call of this number that changes something, from 0; None: never.
        room: bytes that can still be written.
        file_sync, folder_sync: False: that fsync does nothing, as a mistake would have it.
    """

    def __init__(
        self,
        *,
        cut_at: int | None = None,
        room: int | None = None,
        file_sync: bool = True,
        folder_sync: bool = True,
    ) -> None:
        self.folders: dict[str, Folder] = {"/": Folder()}
        self.cut_at = cut_at
        self.room = room
        self.steps = 0
        self._file_sync = file_sync
        self._folder_sync = folder_sync
        self._open: dict[int, tuple[Inode | Folder, int]] = {}
        self._fds = itertools.count(100)

    def _step(self) -> None:
        if self.cut_at is not None and self.steps >= self.cut_at:
            raise PowerCutError
        self.steps += 1

    def _parent(self, path: str) -> tuple[Folder, str]:
        above, _, name = path.rpartition("/")
        folder = self.folders.get(above or "/")
        if folder is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return folder, name

    def open(self, path: str, flags: int, mode: int = 0o777, /) -> int:
        if flags & os.O_DIRECTORY:
            if path not in self.folders:
                raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
            return self._descriptor(self.folders[path])
        folder, name = self._parent(path)
        if flags & os.O_CREAT:
            assert flags & os.O_EXCL
            assert name not in folder.names
            self._step()
            folder.change((name, Inode(mode=mode)))
        if name not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return self._descriptor(folder.names[name])

    def _descriptor(self, what: Inode | Folder) -> int:
        fd = next(self._fds)
        self._open[fd] = (what, 0)
        return fd

    def read(self, fd: int, count: int, /) -> bytes:
        inode, at = self._open[fd]
        assert isinstance(inode, Inode)
        self._open[fd] = (inode, at + count)
        return inode.data[at : at + count]

    def write(self, fd: int, data: memoryview, /) -> int:
        inode, _ = self._open[fd]
        assert isinstance(inode, Inode)
        self._step()
        piece = bytes(data)
        if self.room is not None:
            if not self.room:
                raise OSError(errno.ENOSPC, "No space left on device")
            piece = piece[: self.room]
            self.room -= len(piece)
        inode.data += piece
        return len(piece)

    def fchmod(self, fd: int, mode: int, /) -> None:
        inode, _ = self._open[fd]
        assert isinstance(inode, Inode)
        inode.mode = mode

    def fsync(self, fd: int, /) -> None:
        self._step()
        what, _ = self._open[fd]
        if isinstance(what, Inode):
            if self._file_sync:
                what.synced = what.data
        elif self._folder_sync:
            what.synced = dict(what.names)
            what.waiting.clear()

    def close(self, fd: int, /) -> None:
        del self._open[fd]

    def fstat(self, fd: int, /) -> Inode | Folder:
        return self._open[fd][0]

    def lstat(self, path: str, /) -> Inode:
        folder, name = self._parent(path)
        return folder.names[name]

    def replace(self, source: str, target: str, /) -> None:
        folder, old = self._parent(source)
        _, new = self._parent(target)
        if old not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", source)
        self._step()
        folder.change((new, folder.names[old]), (old, None))

    def unlink(self, path: str, /) -> None:
        folder, name = self._parent(path)
        if name not in folder.names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        self._step()
        folder.change((name, None))

    def mkdir(self, path: str, mode: int = 0o777, /) -> None:
        if path in self.folders:
            raise FileExistsError(errno.EEXIST, "File exists", path)
        above = path.rpartition("/")[0] or "/"
        if above not in self.folders:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        self.folders[path] = Folder()

    def listdir(self, path: str, /) -> list[str]:
        if path not in self.folders:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return list(self.folders[path].names)

    def outcomes(self) -> Iterator[MemoryDisk]:
        """Every disk that may be found after the power went now. Folders themselves stay."""
        paths = list(self.folders)
        inodes = {id(i): i for f in self.folders.values() for i in (*f.names.values(), *f.synced.values())}
        for folder in self.folders.values():
            inodes |= {id(i): i for changes in folder.waiting for _, i in changes if i is not None}
        contents = [_after(i) for i in inodes.values()]
        prefixes = [range(len(self.folders[p].waiting) + 1) for p in paths]
        for made in itertools.product(*prefixes):
            for kept in itertools.product(*contents):
                found = {
                    key: Inode(data, data, inode.mode, inode.uid)
                    for (key, inode), data in zip(inodes.items(), kept, strict=True)
                }
                disk = MemoryDisk()
                for path, count in zip(paths, made, strict=True):
                    folder = self.folders[path]
                    names = dict(folder.synced)
                    for changes in folder.waiting[:count]:
                        for name, inode in changes:
                            if inode is None:
                                names.pop(name, None)
                            else:
                                names[name] = inode
                    own = {name: found[id(inode)] for name, inode in names.items()}
                    disk.folders[path] = Folder(dict(own), dict(own))
                yield disk


def _after(inode: Inode) -> list[bytes]:
    """What a file may hold after a cut."""
    if inode.synced == inode.data:
        return [inode.data]
    return list(dict.fromkeys((inode.synced or b"", inode.data[: len(inode.data) // 2], inode.data)))
