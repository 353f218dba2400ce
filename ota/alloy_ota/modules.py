"""The folder of modules of one device: objects, records of what was built here, and the durable state."""

from __future__ import annotations

import os
from typing import Final

from .disk import OS, Disk
from .local import Built, LocalModules
from .record import StateRecord
from .store import Limits, ObjectStore

FOLDER: Final = "modules"
"""Below the state folder of the daemon."""


class Modules:
    """Everything below `<state folder>/modules`; nothing is made or read before it is needed.

    Attributes:
        objects: shared objects by digest.
        built: what `alloy-edge build` made on this host.
        record: what the device has decided.
    """

    def __init__(
        self, folder: str | os.PathLike[str], limits: Limits | None = None, *, disk: Disk = OS
    ) -> None:
        self.folder = os.fspath(folder)
        self.objects = ObjectStore(f"{self.folder}/objects", limits, disk=disk)
        self.built = LocalModules(f"{self.folder}/built", disk=disk)
        self.record = StateRecord(self.folder, disk=disk)

    def admit(self, data: bytes, built: Built) -> str:
        """Keep a module that was built here, then say so; older ones that nothing runs make room.

        Raises:
            LimitError, DiskError, FileKindError: as `ObjectStore.put` and `LocalModules.add`.
        """
        self._make_room(len(data), keep=built.module)
        digest = self.objects.put(data)
        if digest != built.module:
            raise RuntimeError("the record names another object")
        self.built.add(built)
        return digest

    def _make_room(self, size: int, keep: str) -> None:
        """Let the oldest built modules go until there is place for one more of `size` bytes."""
        limits, sizes, built = self.objects.limits, self.objects.sizes(), self.built.all()
        if keep in sizes:
            return
        used = {entry.module for entry in self.record.peek().active}
        spare = [b.module for b in built if b.module not in used]
        records = len(built)
        while spare and (
            max(len(sizes), records) >= limits.objects or sum(sizes.values()) + size > limits.total_bytes
        ):
            oldest = spare.pop()
            self.built.remove(oldest)
            self.objects.remove(oldest)
            sizes.pop(oldest, None)
            records -= 1

    def sweep(self) -> None:
        """Remove what processes that died were writing."""
        self.objects.sweep()
        self.built.sweep()
