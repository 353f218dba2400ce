"""Files that survive a power cut: every byte this package reads or writes goes through here.

A file is written beside its place, synced, renamed, and the folder synced: after a cut there is the old file or the
new one, never half of one. What is read is a regular file of bounded size, never through a link.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import Final, Protocol

from .errors import DiskError, FileKindError, LimitError, MissingError

BESIDE: Final = ".new"  # end of the name of a file that is being written
_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold us up
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_PIECE: Final = 1 << 20
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH


class Status(Protocol):
    """What is asked of a file."""

    @property
    def st_mode(self) -> int: ...  # noqa: D102 - as in `os.stat_result`
    @property
    def st_size(self) -> int: ...  # noqa: D102
    @property
    def st_uid(self) -> int: ...  # noqa: D102


class Disk(Protocol):
    """The calls of `os` that are made here; the module `os` is one, tests have one that fails."""

    def open(self, path: str, flags: int, mode: int = ..., /) -> int: ...  # noqa: D102 - as in `os`
    def read(self, fd: int, count: int, /) -> bytes: ...  # noqa: D102
    def write(self, fd: int, data: memoryview, /) -> int: ...  # noqa: D102
    def fchmod(self, fd: int, mode: int, /) -> None: ...  # noqa: D102
    def fsync(self, fd: int, /) -> None: ...  # noqa: D102
    def close(self, fd: int, /) -> None: ...  # noqa: D102
    def fstat(self, fd: int, /) -> Status: ...  # noqa: D102
    def lstat(self, path: str, /) -> Status: ...  # noqa: D102
    def replace(self, source: str, target: str, /) -> None: ...  # noqa: D102
    def unlink(self, path: str, /) -> None: ...  # noqa: D102
    def mkdir(self, path: str, mode: int = ..., /) -> None: ...  # noqa: D102
    def listdir(self, path: str, /) -> list[str]: ...  # noqa: D102


OS: Final[Disk] = os
"""The real one."""


def wrong(error: OSError, path: str) -> DiskError | MissingError | FileKindError:
    """The coded error for what the operating system said of `path`."""
    if isinstance(error, FileNotFoundError):
        return MissingError("ota.missing", "there is no such file", where=path)
    if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
        return FileKindError(
            "ota.file", "this is a link or no regular file", where=path, got=error.strerror or str(error)
        )
    return DiskError(
        "ota.disk",
        "the file cannot be read or written",
        where=path,
        got=error.strerror or str(error),
        hint="make room, and let the user of the daemon write there",
        retryable=True,
    )


def open_regular(disk: Disk, path: str, *, owned: bool = False) -> tuple[int, int]:
    """A descriptor to read a regular file through, and its size [B]; close it.

    Args:
        owned: refuse a file that belongs to neither root nor this user, or that others may write.

    Raises:
        MissingError: `ota.missing`.
        FileKindError: `ota.file`.
        DiskError: `ota.disk`.
    """
    try:
        fd = disk.open(path, _READ)
    except OSError as error:
        raise wrong(error, path) from error
    try:
        facts = disk.fstat(fd)
        if not stat.S_ISREG(facts.st_mode):
            raise FileKindError("ota.file", "this is no regular file", where=path)
        if owned and (facts.st_uid not in (0, os.geteuid()) or facts.st_mode & _OTHERS_WRITE):
            raise FileKindError(
                "ota.file",
                "others may change this file",
                where=path,
                got=f"owner {facts.st_uid}, mode {stat.S_IMODE(facts.st_mode):o}",
                expected="a file of root or of the daemon's user that only its owner may write",
            )
        return fd, facts.st_size
    except BaseException:
        disk.close(fd)
        raise


def read_file(disk: Disk, path: str, limit: int, *, owned: bool = False) -> bytes:
    """All bytes of a regular file of at most `limit` bytes; errors as `open_regular`, and `ota.limit`."""
    fd, size = open_regular(disk, path, owned=owned)
    try:
        if size <= limit:
            data = read_all(disk, fd, limit)
            if data is not None:
                return data
    except OSError as error:
        raise wrong(error, path) from error
    finally:
        disk.close(fd)
    raise LimitError(
        "ota.limit", "the file is too large", where=path, got=f"{size} B", expected=f"at most {limit} B"
    )


def read_all(disk: Disk, fd: int, limit: int) -> bytes | None:
    """What a descriptor gives from where it stands; None if that is more than `limit` bytes. Raises OSError."""
    parts: list[bytes] = []
    left = limit + 1
    while left and (part := disk.read(fd, min(left, _PIECE))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts) if left else None


def write_file(disk: Disk, folder: str, name: str, data: bytes, mode: int = 0o600) -> None:
    """Write `folder/name`; on disk when this returns, and nothing half-written is left where it raises.

    Raises:
        DiskError, FileKindError, MissingError: the operating system refused.
    """
    path = f"{folder}/{name}"
    beside = f"{folder}/.{name}.{os.urandom(6).hex()}{BESIDE}"
    try:
        fd = disk.open(beside, _WRITE, 0o600)
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[disk.write(fd, rest) :]
                disk.fchmod(fd, mode)  # whatever the umask is: another user may have to read it
                disk.fsync(fd)
            finally:
                disk.close(fd)
            disk.replace(beside, path)
        except Exception:
            with contextlib.suppress(OSError):
                disk.unlink(beside)
            raise
        sync_folder(disk, folder)
    except OSError as error:
        raise wrong(error, path) from error


def sync_folder(disk: Disk, folder: str) -> None:
    """Make the names of a folder durable. Raises OSError."""
    fd = disk.open(folder, _FOLDER)
    try:
        disk.fsync(fd)
    finally:
        disk.close(fd)


def make_folder(disk: Disk, folder: str) -> None:
    """Make a folder (0755) and those above it; durable when this returns, harmless when it is there.

    Raises:
        DiskError, FileKindError: it cannot be made.
    """
    try:
        disk.mkdir(folder, 0o755)
    except FileExistsError:
        pass
    except FileNotFoundError as error:
        above = os.path.dirname(folder)
        if above in ("", folder):
            raise wrong(error, folder) from error
        make_folder(disk, above)
        make_folder(disk, folder)
        return
    except OSError as error:
        raise wrong(error, folder) from error
    try:
        sync_folder(disk, os.path.dirname(folder) or ".")
    except OSError as error:
        raise wrong(error, folder) from error


def remove_file(disk: Disk, folder: str, name: str) -> None:
    """Remove `folder/name`; durable when this returns, harmless when it is not there.

    Raises:
        DiskError, FileKindError: the operating system refused.
    """
    path = f"{folder}/{name}"
    try:
        disk.unlink(path)
        sync_folder(disk, folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise wrong(error, path) from error


def sweep(disk: Disk, folder: str) -> int:
    """Remove what a process that died was writing; how many files. One that is being written is written again."""
    removed = 0
    with contextlib.suppress(OSError):
        for name in disk.listdir(folder):
            if name.startswith(".") and name.endswith(BESIDE):
                with contextlib.suppress(OSError):
                    disk.unlink(f"{folder}/{name}")
                    removed += 1
    return removed
