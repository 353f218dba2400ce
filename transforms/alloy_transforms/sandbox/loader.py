"""Runs a user's module once and hands what it declares to a reader (`reader.py`, `map_reader.py`).

Runs in a sealed worker only: this is where foreign code first runs.
"""

from __future__ import annotations

import builtins
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

from .answers import Problem
from .checker import MAX_SOURCE_BYTES, Rejected, import_hint
from .contract import Param, Profile
from .errormap import classify
from .map_reader import MapReader
from .reader import Reader, Transform, line_of

MODULE = "alloy_user_transform"


def limited_import(modules: frozenset[str]) -> Callable[..., types.ModuleType]:
    """`__import__` for user code: what was loaded before the jail closed, and a clear answer for the rest."""

    def import_(
        name: str,
        globals: Mapping[str, object] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, object] | None = None,  # noqa: A002
        fromlist: tuple[str, ...] = (),
        level: int = 0,
    ) -> types.ModuleType:
        if level:
            raise ImportError("a transform is one file: relative imports are not allowed")
        if name not in modules:
            raise ModuleNotFoundError(
                f"module `{name}` is not available to a transform; {import_hint(name)}", name=name
            )
        return builtins.__import__(name, globals, locals, fromlist, 0)

    return import_


def load(
    source: bytes,
    file: str,
    *,
    name: str,
    profile: Profile,
    modules: frozenset[str],
    params: Mapping[str, Param],
    needs: tuple[str, ...],
    log: Callable[..., None],
) -> Transform:
    """Run the module and read its declarations.

    Args:
        source: the file.
        file: its name in messages and tracebacks.
        name: of the transform.
        profile: what the checker found.
        modules: what `import` finds.
        params: the pipeline's `params:`.
        needs: what the checker found.
        log: stands for `print`.

    Raises:
        Rejected: every fault of the declarations, or the one that stopped the module body.
    """
    if len(source) > MAX_SOURCE_BYTES:
        raise Rejected(Problem("build.limit", "the file is too large"))
    module = types.ModuleType(MODULE)
    module.__file__ = file
    module.__builtins__ = _builtins(modules, log)  # type: ignore[attr-defined]
    sys.modules[MODULE] = module  # dataclasses look their module up
    try:
        exec(compile(source, file, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - sealed worker
    except SyntaxError as error:
        raise Rejected(
            Problem(
                "build.syntax", str(error.msg), error.lineno or 0, max(error.offset or 0, 0), error.text or ""
            )
        ) from None
    except BaseException as error:
        raise Rejected(_body_problem(error, file, source)) from None
    # What the checker saw decides, not what the module did.
    reader = MapReader if "array" in needs else Reader
    return reader(module.__dict__, source, file).read(name, profile, params, needs)


def _builtins(modules: frozenset[str], log: Callable[..., None]) -> dict[str, Any]:
    own = dict(vars(builtins))
    for gone in ("breakpoint", "input", "help", "exit", "quit", "open"):
        own.pop(gone, None)
    own["__import__"] = limited_import(modules)
    own["print"] = log
    return own


def _body_problem(error: BaseException, file: str, source: bytes) -> Problem:
    failure = classify(error, file)
    code = "build.limit" if failure.code in ("script.memory", "script.recursion") else "build.lang"
    if not isinstance(error, ImportError):
        code = failure.code if failure.code.startswith("script.") else "script.exception"
    return Problem(
        code,
        f"the file fails while it is loaded: {failure.text}",
        failure.line,
        0,
        line_of(source, failure.line),
    )
