"""A native module as the core holds it: bytes that were read once, looked at, and sealed against change.

The core looks at the file with the loader's lint and reads its schema; it never maps it. The child that will run
it looks at it again, at the same sealed bytes.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
from dataclasses import dataclass
from typing import Any, Final, Self

import msgspec

from alloy_agent.errors import ModuleRefusedError
from alloy_agent.native import module
from alloy_transforms.sandbox.answers import Checked
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.protocol import decode_state

ABI: Final = 1
MFD_NOEXEC_SEAL: Final = 8  # linux/memfd.h, since Linux 6.3: it can be mapped, never exec'ed
SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


class Schema(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a module says of itself; `docs/native-abi.md`."""

    abi: int
    name: str
    kind: str
    source: str
    digest: str
    ir: str
    emitter: int | str
    inputs: tuple[tuple[str, str], ...]
    outputs: tuple[tuple[str, str, bool], ...]
    state: tuple[
        tuple[str, str, int | bool | dict[str, str]], ...
    ]  # a float as in the IR: {"f64": "0x1.8p+0"}
    max_rows: int
    total: bool = False


@dataclass(frozen=True, slots=True)
class NativeModule:
    """One module; `read` makes it, `close` ends it. Workers that have it open do not need it any more.

    Attributes:
        sha256: of the file, hexadecimal.
        schema: what it says of itself.
        size: of the file [bytes].
    """

    sha256: str
    schema: Schema
    size: int
    _file: io.FileIO

    @classmethod
    def read(cls, data: bytes, sha256: str) -> Self:
        """Check the bytes of a module and seal a copy of them.

        Args:
            data: the file.
            sha256: what it must be, hexadecimal.

        Raises:
            ModuleRefusedError: `load.hash`, `load.elf`, `load.arch`, `load.abi`.
            OSError: no memory file could be made.
        """
        got = hashlib.sha256(data).hexdigest()
        if got != sha256:
            raise ModuleRefusedError(
                "load.hash", "the native module is another file", got=got, expected=sha256
            )
        try:
            facts = module.lint(data)
        except module.ModuleError as error:
            raise ModuleRefusedError(
                error.code, error.what, where=error.where, got=error.got, expected=error.expected
            ) from error
        return cls(sha256, _schema(facts["schema"], facts["kind"]), len(data), _sealed(data))

    def fileno(self) -> int:
        """The sealed memory file."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the memory file. Harmless when repeated."""
        self._file.close()

    def belongs(self, where: str, checked: Checked) -> None:
        """Nothing, or the error of a module that was not made of this file with these PARAMS.

        Raises:
            ModuleRefusedError: `load.hash`.
        """
        _equal(where, "load.hash", "IR", self.schema.ir, checked.ir or "none: the file is not portable")

    def fits(self, where: str, contract: Contract, first_state: bytes, source: bytes) -> None:
        """Nothing, or the error of a module whose schema is not the contract of the loaded file.

        Raises:
            ModuleRefusedError: `load.hash` or `load.abi`.
        """
        schema = self.schema
        state = decode_state(first_state) if contract.stateful else {}
        _equal(where, "load.hash", "source", schema.source, hashlib.sha256(source).hexdigest())
        _equal(where, "load.hash", "digest", schema.digest, contract.digest)
        _equal(where, "load.abi", "kind", schema.kind, "map" if contract.elementwise else "record")
        _equal(where, "load.abi", "inputs", schema.inputs, contract.inputs)
        outputs = tuple((f.name, f.type, f.optional) for f in contract.outputs if not contract.elementwise)
        _equal(where, "load.abi", "outputs", schema.outputs, outputs)
        named = tuple((name, type(value).__name__, _scalar(value)) for name, value in state.items())
        _equal(where, "load.abi", "state", schema.state, named)
        _equal(where, "load.abi", "max_rows", schema.max_rows, contract.max_rows)


def _equal(where: str, code: str, what: str, got: object, expected: object) -> None:
    if got != expected:
        raise ModuleRefusedError(
            code,
            f"the native module was made for another `{what}`",
            where=where,
            got=str(got)[:200],
            expected=str(expected)[:200],
            hint="build it again from the file and PARAMS that run",
        )


def _scalar(value: object) -> object:
    return {"f64": value.hex()} if type(value) is float else value


def _schema(data: bytes, kind: str) -> Schema:
    try:
        schema = msgspec.json.decode(data, type=Schema)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ModuleRefusedError(
            "load.abi", "the schema of the native module cannot be read", got=str(error)
        ) from error
    if (schema.abi, schema.kind) != (ABI, kind):
        raise ModuleRefusedError(
            "load.abi",
            "the native module has another interface",
            got=f"ABI {schema.abi}, {schema.kind}",
            expected=f"ABI {ABI}, {kind}",
        )
    return schema


def _sealed(data: bytes) -> io.FileIO:
    try:
        fd = os.memfd_create("alloy-module", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL)
    except OSError:  # before Linux 6.3
        fd = os.memfd_create("alloy-module", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    file = open(fd, "r+b", buffering=0)  # noqa: SIM115 - the owner closes it
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[file.write(rest) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
    except BaseException:
        file.close()
        raise
    return file


def facts(module: NativeModule) -> dict[str, Any]:
    """Plain values for status."""
    return {
        "sha256": module.sha256,
        "ir": module.schema.ir,
        "emitter": module.schema.emitter,
        "bytes": module.size,
    }
