"""Which modules `alloy-edge build` made on this host: one small file each, written when the module is in the store.

`modules.trust: local` accepts these digests and no others. Only root or the daemon's own user may have written them.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, dataclass, fields
from typing import Final

from .disk import OS, Disk, make_folder, read_file, remove_file, sweep, write_file, wrong
from .errors import LimitError, MissingError, OtaError, RecordError
from .store import is_digest

MAX_BYTES: Final = 4096
MAX_RECORDS: Final = 1024
MAX_TEXT: Final = 128  # characters
_END: Final = ".json"
_WORD: Final = re.compile(r"[A-Za-z0-9_.+-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class Built:
    """One module that was built here.

    Attributes:
        module: SHA-256 of the shared object, its name in the store.
        name: of the transform.
        transform: digest of the contract (source and PARAMS).
        source: SHA-256 of the file.
        ir: SHA-256 of the IR document.
        arch: `x86_64` or `aarch64`.
        abi: version of the C interface.
        size: of the shared object [B].
        built_ns: UTC [ns].
        tool: what made it, such as the compiler's version.
    """

    module: str
    name: str
    transform: str
    source: str
    ir: str
    arch: str
    abi: int
    size: int
    built_ns: int
    tool: str = ""

    def __post_init__(self) -> None:
        digests = all(map(is_digest, (self.module, self.transform, self.source, self.ir)))
        numbers = all(type(v) is int and 0 <= v < 1 << 63 for v in (self.abi, self.size, self.built_ns))
        texts = all(isinstance(v, str) and len(v) <= MAX_TEXT for v in (self.name, self.arch, self.tool))
        if not (digests and numbers and texts and _WORD.match(self.arch)):
            raise RecordError("ota.record", "the record of a built module holds what it may not")


def encode(built: Built) -> bytes:
    """As JSON, one line."""
    return json.dumps(asdict(built), sort_keys=True).encode() + b"\n"


def decode(data: bytes) -> Built:
    """The record that `encode` wrote.

    Raises:
        RecordError: `ota.record`.
    """
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise RecordError("ota.record", "the record of a built module is no JSON") from error
    if not isinstance(tree, dict) or set(tree) != {f.name for f in fields(Built)}:
        raise RecordError("ota.record", "the record of a built module has other keys")
    return Built(**tree)


class LocalModules:
    """The records of one host.

    Args:
        folder: made at the first `add`.
    """

    def __init__(self, folder: str | os.PathLike[str], *, disk: Disk = OS) -> None:
        self.folder = os.fspath(folder)
        self._disk = disk

    def add(self, built: Built) -> None:
        """Record a module; on disk when this returns. Put the object into the store first.

        Raises:
            LimitError: `ota.limit`, too many.
            DiskError, FileKindError: it cannot be written.
        """
        make_folder(self._disk, self.folder)
        names = self._names()
        if built.module not in names and len(names) >= MAX_RECORDS:
            raise LimitError(
                "ota.limit", "too many built modules", where=self.folder, expected=f"at most {MAX_RECORDS}"
            )
        write_file(self._disk, self.folder, built.module + _END, encode(built), 0o644)

    def get(self, module: str) -> Built:
        """The record of a module.

        Raises:
            MissingError: `ota.missing`, it was not built here.
            RecordError, FileKindError: its record is damaged, or may have been written by somebody else.
            DiskError: it cannot be read.
        """
        if not is_digest(module):
            raise MissingError("ota.missing", "this is no digest of a module", got=module[:80])
        path = f"{self.folder}/{module}{_END}"
        built = decode(read_file(self._disk, path, MAX_BYTES, owned=True))
        if built.module != module:
            raise RecordError("ota.record", "the record is of another module", where=path, got=built.module)
        return built

    def all(self) -> list[Built]:
        """Every record that can be read, the newest first."""
        out: list[Built] = []
        for name in self._names():
            try:
                out.append(self.get(name))
            except OtaError:
                continue  # said where somebody asks for this one
        return sorted(out, key=lambda b: (b.built_ns, b.module), reverse=True)

    def remove(self, module: str) -> None:
        """Forget a module; harmless when it is not there."""
        remove_file(self._disk, self.folder, module + _END)

    def sweep(self) -> int:
        """Remove what a process that died was writing."""
        return sweep(self._disk, self.folder)

    def _names(self) -> list[str]:
        try:
            names = self._disk.listdir(self.folder)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise wrong(error, self.folder) from error
        return sorted(
            n.removesuffix(_END) for n in names if n.endswith(_END) and is_digest(n.removesuffix(_END))
        )
