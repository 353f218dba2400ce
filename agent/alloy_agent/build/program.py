"""What is compiled: a file, checked in the jail, as its intermediate representation with everything that names it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alloy_agent.errors import BuildError, TransformRefusedError

if TYPE_CHECKING:
    from alloy_agent.config.model import TransformRef
    from alloy_agent.workers.pool import WorkerPool


@dataclass(frozen=True, slots=True)
class Program:
    """One checked transform.

    Attributes:
        name: of the transform and of the module, an identifier.
        document: the IR (`docs/ir.md`).
        digest: of the contract: SHA-256 of source and PARAMS.
        schema: the module's schema (`docs/native-abi.md`).
    """

    name: str
    document: Mapping[str, Any]
    digest: str
    schema: bytes

    @property
    def version(self) -> str:
        """Of crate and wheel: interface, emitter, and the contract's digest, so that no two modules share one."""
        facts = self.facts
        return f"{facts['abi']}.{facts['emitter']}.0+c{self.digest[:12]}"

    @property
    def facts(self) -> dict[str, Any]:
        """The schema as values."""
        facts: dict[str, Any] = json.loads(self.schema)
        return facts

    def crate(self, extra: str) -> str:
        """`lib.rs`."""
        from alloy_transforms import emit

        return emit.crate(dict(self.document), schema=self.schema, extra=extra)


def program(ref: TransformRef, document: Mapping[str, Any]) -> Program:
    """Put a checked document together with what names it.

    Raises:
        BuildError: `build.name`, the file's name cannot be that of a module.
        ScriptError: `build.ir`, the document is not well formed.
        ViolationError: `violation.protocol`, its names or parameters are none.
    """
    import cbor2

    from alloy_transforms import emit
    from alloy_transforms.sandbox.build import params_of
    from alloy_transforms.sandbox.contract import is_name
    from alloy_transforms.sandbox.protocol import malformed

    if not is_name(ref.name):
        raise BuildError(
            "build.name",
            "the name of the file cannot be that of a module",
            where=ref.origin,
            got=ref.name,
            expected="a plain identifier: letters, digits and `_`",
            hint="rename the file; the transform has the name of its file",
        )
    params = params_of(dict(document))
    digest = hashlib.sha256(cbor2.dumps([ref.source, params], canonical=True)).hexdigest()
    schema = emit.schema(
        dict(document), name=ref.name, digest=digest
    )  # checks the form of the whole document
    if not all(map(is_name, _names(document))):
        raise malformed("an IR with a name that is none")
    return Program(ref.name, document, digest, schema)


def _names(document: Mapping[str, Any]) -> Iterator[object]:
    """What becomes a name or a text of the Python face."""
    for key in ("inputs", "state"):
        yield from (item[0] for item in document[key])
    yield from (field["name"] for field in document["outputs"])
    for function in document["functions"]:
        yield from (param[0] for param in function["params"])


async def documents(
    pool: WorkerPool, refs: Sequence[TransformRef]
) -> list[Mapping[str, Any] | TransformRefusedError]:
    """The IR of each file, or why it is refused; each is checked in a jailed worker of its own.

    Raises:
        ViolationError: `violation.protocol`, a worker's answer is no answer.
        WorkerError: no worker could be had.
    """
    from alloy_agent.workers.stage import ir

    out: list[Mapping[str, Any] | TransformRefusedError] = []
    for ref in refs:
        try:
            out.append(await ir(pool, ref, pool.limits, pool.modules))
        except TransformRefusedError as error:
            out.append(error)
    return out
