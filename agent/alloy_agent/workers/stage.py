"""From the source of a transform to a worker that holds it: check in one worker, load in the next.

The source is parsed and run in jailed workers only. What they answer is checked here; the modules that a worker
gets before its jail closes are taken from the closed list again, whatever the checker said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import cbor2
import trio

from alloy_agent.config.model import TransformRef
from alloy_agent.errors import ModuleRefusedError, TransformRefusedError, WorkerDiedError
from alloy_agent.workers.capabilities import Limits
from alloy_agent.workers.exits import LOAD_CODES
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.process import WorkerProcess
from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.answers import (
    MAX_ANSWER_BYTES,
    Checked,
    Problem,
    pack,
    unpack_checked,
    unpack_contract,
    unpack_failure,
)
from alloy_transforms.sandbox.contract import Contract
from alloy_transforms.sandbox.modules import BUILDER, LANGUAGE, LINTER, allowed, to_load
from alloy_transforms.sandbox.protocol import (
    BUILD,
    BUILT,
    CHECK,
    CHECKED,
    FAILED,
    LINT,
    LINTED,
    LOAD,
    LOADED,
    malformed,
)

if TYPE_CHECKING:
    from alloy_transforms.lang.document import Document
    from alloy_transforms.sandbox.lint import Linted

ENTRY = "alloy_transforms.sandbox.worker:serve"
"""The entry of the transform zygote."""
CHECK_TIMES = 5
"""The checker may take so many times `first_wall`: it is our code and bounded by the size of the file, it runs once a
version, and for the largest shipped file it needs 80 ms of a fast core, so a second of a small board."""
NATIVE_RUNNER = "alloy_transforms.sandbox.native_runner"
"""What a worker with a native module needs beyond the others, imported before its jail closes."""


class Spawner(Protocol):
    """Whatever forks jailed workers; the `WorkerPool`."""

    async def spawn(
        self, *, memory_bytes: int, modules: Sequence[str] = (), module: NativeModule | None = None
    ) -> WorkerProcess:
        """A new worker whose jail is closed and was looked at."""
        ...


def shown(ref: TransformRef) -> str:
    """The file's name in messages."""
    return f"library/{ref.name}.py" if ref.origin == "library" else ref.origin


async def check(spawner: Spawner, ref: TransformRef, limits: Limits, modules: Sequence[str]) -> Checked:
    """What the jailed checker reads in the source.

    Raises:
        TransformRefusedError: `build.*`, with every problem found.
        ViolationError: `violation.protocol`, the answer is no answer.
        WorkerError: no worker could be had.
    """
    worker = await spawner.spawn(memory_bytes=limits.memory_bytes, modules=(LANGUAGE,))
    async with worker:
        arguments = {
            "source": ref.source,
            "file": shown(ref),
            "modules": list(modules),
            "params": dict(ref.params),
        }
        frame = pack(CHECK, arguments)
        body = await _ask(worker, frame, CHECK_TIMES * limits.first_wall_s, ref)
    checked = unpack_checked(_expect(body, CHECKED, ref))
    for name in checked.imports:
        if not allowed(name, modules):
            raise malformed(f"the checker lets `{name}` through")
    return checked


async def lint(
    spawner: Spawner, ref: TransformRef, limits: Limits, modules: Sequence[str], profile: str, explained: bool
) -> Linted:
    """What the jailed checker finds in the source; for people, not for the pipeline.

    Raises:
        TransformRefusedError: the file cannot be parsed or exceeds a limit.
        ViolationError: `violation.protocol`, the answer is no answer.
        WorkerError: no worker could be had.
    """
    arguments = {
        "source": ref.source,
        "file": shown(ref),
        "modules": list(modules),
        "profile": profile,
        "explained": explained,
    }
    from alloy_transforms.sandbox.lint import unpack_linted  # the daemon never lints: its core stays small

    async with await spawner.spawn(memory_bytes=limits.memory_bytes, modules=(LINTER,)) as worker:
        body = await _ask(worker, pack(LINT, arguments), limits.first_wall_s, ref)
    return unpack_linted(_expect(body, LINTED, ref))


async def ir(spawner: Spawner, ref: TransformRef, limits: Limits, modules: Sequence[str]) -> Document:
    """The intermediate representation of a portable file with its parameters; for a build host.

    It comes from a process that parsed foreign code: what reads it must check what it reads.

    Raises:
        TransformRefusedError: `build.*`, with every problem found.
        ViolationError: `violation.protocol`, the answer is no answer.
        WorkerError: no worker could be had.
    """
    arguments = {
        "source": ref.source,
        "file": shown(ref),
        "modules": list(modules),
        "params": dict(ref.params),
    }
    from alloy_transforms.sandbox.build import MAX_DOCUMENT_BYTES, unpack_built  # never in the daemon

    async with await spawner.spawn(memory_bytes=limits.memory_bytes, modules=(BUILDER,)) as worker:
        body = await _ask(worker, pack(BUILD, arguments), limits.first_wall_s, ref, 2 + MAX_DOCUMENT_BYTES)
    return unpack_built(_expect(body, BUILT, ref), ref.source)


async def load(
    spawner: Spawner,
    ref: TransformRef,
    checked: Checked,
    limits: Limits,
    module: NativeModule | None = None,
) -> tuple[WorkerProcess, Contract, bytes]:
    """A worker that holds the transform, its contract, and the first state.

    Args:
        module: native form of the same file with the same PARAMS: the worker holds both and answers with it.

    Raises:
        ModuleRefusedError: `load.*`, the module is not what runs here, or was made of another file.
        TransformRefusedError: `build.*` or `script.*`, with every problem found.
        ViolationError: `violation.protocol`, the answer is no answer.
        WorkerError: no worker could be had.
    """
    modules = to_load(checked.imports)
    if module is not None:
        module.belongs(shown(ref), checked)
        modules = (*modules, NATIVE_RUNNER)
    try:
        worker = await spawner.spawn(memory_bytes=limits.memory_bytes, modules=modules, module=module)
    except WorkerDiedError as error:
        if error.code in LOAD_CODES:
            raise ModuleRefusedError(
                error.code, "the native module cannot be opened", where=shown(ref), got=error.got
            ) from error
        raise
    arguments = {
        "source": ref.source,
        "file": shown(ref),
        "name": ref.name,
        "profile": str(checked.profile),
        "imports": list(checked.imports),
        "params": dict(ref.params),
        "needs": list(checked.needs),
    }
    try:
        body = await _ask(worker, pack(LOAD, arguments), limits.first_wall_s, ref)
        contract, state, native = unpack_contract(_expect(body, LOADED, ref))
        if contract.needs != checked.needs:
            raise malformed("the loader and the checker name different capabilities")
        if native != (module is not None):
            raise malformed("the worker answers in another tier than it was told to")
        digest = hashlib.sha256(cbor2.dumps([ref.source, dict(contract.params)], canonical=True)).hexdigest()
        contract = replace(contract, name=ref.name, digest=digest)
        if module is not None:
            module.fits(shown(ref), contract, state, ref.source)
    except BaseException as error:
        await worker.aclose()
        if isinstance(error, TransformRefusedError) and error.code in LOAD_CODES:
            raise ModuleRefusedError(error.code, error.what, where=shown(ref)) from error
        raise
    return worker, contract, state


async def _ask(
    worker: WorkerProcess, frame: bytes, wall_s: float, ref: TransformRef, most: int = MAX_ANSWER_BYTES
) -> bytes:
    """One control request; a worker that dies over a file says something of the file."""
    try:
        return await worker.ask(frame, max_bytes=most, limit_s=wall_s)
    except trio.TooSlowError:
        worker.kill("script.wall")
        raise TransformRefusedError(
            shown(ref), (Problem("script.wall", f"the file is not loaded after {wall_s:g} s"),)
        ) from None
    except WorkerDiedError as error:
        if error.code.startswith("script."):
            raise TransformRefusedError(
                shown(ref), (Problem(error.code, error.what, got=error.got),)
            ) from error
        if error.code.startswith("violation."):
            raise ViolationError(error.code, error.what, where=shown(ref), got=error.got) from error
        raise


def _expect(body: bytes, kind: int, ref: TransformRef) -> bytes:
    if body[:1] == bytes((FAILED,)):
        raise TransformRefusedError(shown(ref), unpack_failure(body))
    if body[:1] != bytes((kind,)):
        raise malformed("an answer to another question")
    return body


__all__ = ["ENTRY", "Limits", "Spawner", "check", "ir", "lint", "load", "shown"]
