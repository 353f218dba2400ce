"""What `test`, `try` and `build` share: find a transform's file, run it in the real jail, show rows with units."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import trio

from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.errors import AgentError
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_transforms.sandbox.checker import MAX_SOURCE_BYTES
from alloy_transforms.sandbox.columns import values_of
from alloy_transforms.sandbox.contract import Contract, Field
from alloy_transforms.sandbox.reply import Reply

Result = TypeVar("Result")
WORKERS = Workers(wall_ms=2000, first_wall_ms=5000)  # a person waits here, not a pipeline


def library() -> list[str]:
    """Names of the shipped transforms."""
    files = resources.files("alloy_transforms.library").iterdir()
    names = (file.name.removesuffix(".py") for file in files if file.name.endswith(".py"))
    return sorted(name for name in names if not name.startswith("_"))


def find(use: str, params: Mapping[str, Any] | None = None) -> TransformRef:
    """The transform named: a path, or a name of the library.

    Raises:
        AgentError: `config.unknown_transform`, there is none, or it cannot be read.
    """
    given = dict(params or {})
    if "/" not in use and not use.endswith(".py"):
        if use in library():
            source = resources.files("alloy_transforms.library").joinpath(f"{use}.py").read_bytes()
            return TransformRef(name=use, origin="library", source=source, params=given)
        raise AgentError(
            "config.unknown_transform",
            f"no transform of the library is named `{use}`",
            hint="library: "
            + ", ".join(library())
            + "; a file of your own is named by its path, such as ./t.py",
        )
    path = Path(use)
    try:
        with path.open("rb") as file:
            source = file.read(MAX_SOURCE_BYTES + 1)
    except OSError as error:
        raise AgentError(
            "config.unknown_transform", "the file cannot be read", where=use, got=error.strerror or str(error)
        ) from error
    return TransformRef(name=path.stem[:64], origin=use, source=source, params=given)


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE in two; `ValueError` if it is not of that form."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"`{text}` is not of the form NAME=VALUE")
    return name, value


def scalar(text: str) -> int | float | bool | str:
    """A value as YAML would read it: integer, float, true or false, else text."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return {"true": True, "false": False}.get(text.lower(), text)


def in_jail(ref: TransformRef, use: Callable[[TransformStage], Awaitable[Result]]) -> Result:
    """Start the transform in a jailed worker, use it, end everything; errors come out as they are."""

    async def main(pool: WorkerPool) -> Result:
        stage = TransformStage(pool, "cli", ref)
        try:
            await stage.start()
            return await use(stage)
        finally:
            await stage.aclose()

    return in_pool(main)


def in_pool(use: Callable[[WorkerPool], Awaitable[Result]]) -> Result:
    """Use jailed workers, end everything; errors come out as they are."""

    async def main() -> Result:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, WORKERS, Sandbox())
            try:
                return await use(pool)
            finally:
                await pool.aclose()

    try:
        return trio.run(main)
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        raise error from None


def physical_rows(contract: Contract, reply: Reply) -> list[list[tuple[Field, Any]]]:
    """For each row its fields that are set: (field, stored value)."""
    columns = [
        values_of(f.dtype, col, reply.rows) for f, col in zip(contract.outputs, reply.columns, strict=True)
    ]
    pairs = list(zip(contract.outputs, columns, strict=True))
    return [[(f, v[i]) for f, v in pairs if v[i] is not None] for i in range(reply.rows)]


def physical(f: Field, stored: Any) -> Any:
    """The value as a person reads it: physical number, enum name, hexadecimal bytes."""
    if f.type == "enum":
        return f.names[stored]
    if f.type == "bytes":
        return bytes(stored).hex()
    return f.physical(stored) if f.exp10 else stored


def quality(f: Field, stored: Any) -> int:
    """1, or 4 outside the declared range (QARTOD)."""
    if f.range is None or f.type in ("text", "bytes", "enum", "bool"):
        return 1
    value = f.physical(stored)
    low, high = f.range
    return 4 if (low is not None and value < low) or (high is not None and value > high) else 1


def excerpt(ref: TransformRef, line: int) -> str:
    """One line of the transform's source."""
    lines = ref.source.decode("utf-8", "replace").splitlines()
    return lines[line - 1].strip() if 0 < line <= len(lines) else ""
