"""Immutable files named by what is in them: SHA-256, hexadecimal.

An object is what a worker loads (the shared object of a module), whole and checked before it has its name. It is
read through one descriptor and hashed there, so what was checked is what is used.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import Final

from .disk import (
    OS,
    Disk,
    make_folder,
    open_regular,
    read_all,
    remove_file,
    sweep,
    sync_folder,
    write_file,
    wrong,
)
from .errors import HashMismatchError, LimitError, MissingError

_TRIES: Final = 3  # another process may sweep away what this one writes


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a store."""

    object_bytes: int = 4 << 20
    total_bytes: int = 64 << 20
    objects: int = 1024


def is_digest(text: object) -> bool:
    """Whether `text` is a SHA-256 in lower-case hexadecimal."""
    return isinstance(text, str) and len(text) == 64 and not set(text) - set("0123456789abcdef")


class ObjectStore:
    """One folder of objects.

    Args:
        folder: made if missing.
        disk: `os`, or what a test puts in its place.
    """

    def __init__(
        self, folder: str | os.PathLike[str], limits: Limits | None = None, *, disk: Disk = OS
    ) -> None:
        self.folder = os.fspath(folder)
        self.limits = limits or Limits()
        self._disk = disk

    def put(self, data: bytes) -> str:
        """Keep an object; on disk when this returns.

        Returns:
            Its digest.

        Raises:
            LimitError: `ota.limit`, it is too large or the store is full.
            DiskError: `ota.disk`; nothing half-written is left.
        """
        digest = hashlib.sha256(data).hexdigest()
        if len(data) > self.limits.object_bytes:
            raise LimitError(
                "ota.limit",
                "the object is too large",
                got=f"{len(data)} B",
                expected=f"at most {self.limits.object_bytes} B",
            )
        make_folder(self._disk, self.folder)
        if self._has(digest):
            return digest
        self._room(len(data))
        for attempt in range(_TRIES):
            try:
                write_file(self._disk, self.folder, digest, data, 0o444)
            except MissingError:
                if attempt + 1 == _TRIES:
                    raise
            else:
                break
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes of an object, checked.

        Raises:
            MissingError: `ota.missing`.
            HashMismatchError: `ota.hash`, the file is damaged.
            FileKindError: `ota.file`.
            DiskError: `ota.disk`.
        """
        path = self._path(digest)
        fd, _ = open_regular(self._disk, path)
        try:
            data = read_all(self._disk, fd, self.limits.object_bytes)
        except OSError as error:
            raise wrong(error, path) from error
        finally:
            self._disk.close(fd)
        found = "more bytes than an object may have" if data is None else hashlib.sha256(data).hexdigest()
        if data is None or found != digest:
            raise HashMismatchError(
                "ota.hash",
                "the object is not what its name says",
                where=path,
                got=found,
                expected=digest,
                hint="remove the file and bring the module again",
            )
        return data

    def sizes(self) -> dict[str, int]:
        """Digest -> size [B] of what is there; nothing is read."""
        out: dict[str, int] = {}
        try:
            for name in sorted(self._disk.listdir(self.folder)):
                if is_digest(name):
                    out[name] = self._disk.lstat(f"{self.folder}/{name}").st_size
        except FileNotFoundError:
            return out
        except OSError as error:
            raise wrong(error, self.folder) from error
        return out

    def remove(self, digest: str) -> None:
        """Forget an object; harmless when it is not there. Errors as `put`."""
        self._path(digest)  # refuses what is no digest
        remove_file(self._disk, self.folder, digest)

    def sweep(self) -> int:
        """Remove what a process that died was writing; how many files."""
        return sweep(self._disk, self.folder)

    def _path(self, digest: str) -> str:
        if not is_digest(digest):
            raise MissingError("ota.missing", "this is no digest of an object", got=digest[:80])
        return f"{self.folder}/{digest}"

    def _has(self, digest: str) -> bool:
        """Whether it is there and whole; then its name is made durable, too: an earlier run may have died before."""
        try:
            self.get(digest)
            sync_folder(self._disk, self.folder)
        except (MissingError, HashMismatchError):
            return False
        except OSError as error:
            raise wrong(error, self.folder) from error
        return True

    def _room(self, size: int) -> None:
        sizes = self.sizes()
        if len(sizes) >= self.limits.objects or sum(sizes.values()) + size > self.limits.total_bytes:
            raise LimitError(
                "ota.limit",
                "the store is full",
                where=self.folder,
                got=f"{len(sizes)} objects, {sum(sizes.values())} B",
                expected=f"at most {self.limits.objects} objects, {self.limits.total_bytes} B",
                hint="remove modules that nothing uses",
            )
