"""A native module from a file: the shared object itself, or a wheel that holds exactly one. Bounded; nothing runs."""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Final

from alloy_agent.errors import AgentError, ModuleRefusedError
from alloy_agent.native import module
from alloy_ota.errors import MissingError
from alloy_ota.modules import Modules

MAX_FILE_BYTES: Final = 8 << 20
MAX_MEMBERS: Final = 64


def into_store(path: Path, folder: str, trust: str) -> str:
    """Put the module of a file into the daemon's store, if this host built it.

    Args:
        folder: of the daemon's modules.
        trust: `modules.trust` of the daemon.

    Returns:
        Its digest.

    Raises:
        AgentError: `promotion.file`, the file holds no module.
        ModuleRefusedError: `load.signature`, the daemon would not trust it.
        OtaError: the store cannot be read or written.
    """
    data = shared_object(path)
    digest = hashlib.sha256(data).hexdigest()
    modules = Modules(folder)
    if digest in modules.objects.sizes():
        return digest
    try:
        modules.built.get(digest)
    except MissingError as error:
        raise ModuleRefusedError(
            "load.signature",
            "this device does not trust the native module",
            where=str(path),
            got=f"{digest[:12]}, modules.trust: {trust}",
            expected="a module that `alloy-edge build` made on this host",
            hint="build it on this host: alloy-edge build FILE",
        ) from error
    return modules.objects.put(data)


def shared_object(path: Path) -> bytes:
    """The bytes of the module in a file.

    Raises:
        AgentError: `promotion.file`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _refused(path, error.strerror or str(error), "a file that can be read") from error
    if len(data) > MAX_FILE_BYTES:
        raise _refused(path, "a larger file", f"at most {MAX_FILE_BYTES} B")
    if data[:4] == b"\x7fELF":
        return data
    if data[:2] != b"PK":
        raise _refused(path, repr(data[:4]), "a shared object or a wheel")
    try:
        return _from_wheel(path, data)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise _refused(path, f"a damaged archive: {error}", "a wheel") from error


def _from_wheel(path: Path, data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as wheel:
        members = wheel.infolist()
        if len(members) > MAX_MEMBERS:
            raise _refused(path, f"{len(members)} members", f"at most {MAX_MEMBERS}")
        found = [m for m in members if m.filename.endswith(".so")]
        if len(found) != 1:
            raise _refused(path, f"{len(found)} shared objects", "exactly one")
        with wheel.open(found[0]) as member:  # what the directory says of the size is not believed
            out = member.read(module.FILE_BYTES_MAX + 1)
    if len(out) > module.FILE_BYTES_MAX:
        raise _refused(path, "a larger shared object", f"at most {module.FILE_BYTES_MAX} B")
    return out


def _refused(path: Path, got: str, expected: str) -> AgentError:
    return AgentError(
        "promotion.file",
        "the file holds no native module",
        where=str(path),
        got=got[:200],
        expected=expected,
        hint="`alloy-edge build` makes one",
    )
