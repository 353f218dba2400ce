"""The Rust emitter: the document of a portable transform in, the source of its native module out (`docs/emitter.md`).

Pure; the same document gives the same text. What it makes needs rustc and nothing else.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ..errors import ScriptError
from . import facts, library
from .form import Form
from .layout import NOT_WELL_FORMED, Doc, Layout, layout, malformed
from .schema import VERSION
from .schema import schema as _schema

__all__ = ["VERSION", "crate", "many", "module", "schema"]

_RECURSION = 12_000  # frames, for `form.MAX_DEPTH` levels
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def schema(doc: Doc, *, name: str, digest: str) -> bytes:
    """The schema of a program, as a host reads it out of the file.

    Args:
        doc: of `lang.check.check`.
        name: of the transform.
        digest: of the contract: SHA-256 of the deterministic CBOR of [source, PARAMS], hexadecimal.

    Raises:
        ScriptError: `build.ir`.
    """
    with _room():
        return _schema(doc, _checked(doc), name, digest)


def module(doc: Doc, *, name: str = "program") -> str:
    """One program as one Rust module of that name, without `unsafe`; it uses the modules of `crate`.

    Raises:
        ScriptError: `build.ir`.
    """
    if not _NAME.fullmatch(name):
        malformed("a module needs a plain name", name)
    with _room():
        return library.program(_checked(doc), name)


def crate(doc: Doc, *, schema: bytes, extra: str = "") -> str:
    """The whole `lib.rs` of a native module.

    Args:
        doc: of `lang.check.check`.
        schema: of `schema`; the symbol ALLOY_SCHEMA.
        extra: Rust that is put behind, such as the initialisation of a Python module.

    Raises:
        ScriptError: `build.ir`.
    """
    with _room():
        return library.library([_checked(doc)], schema=schema, numbered=False, extra=extra)


def many(docs: Sequence[Doc]) -> str:
    """One `lib.rs` of many programs, with the entries `alloy_run_v1_<k>` or `alloy_map_v1_<k>`; for tests.

    Raises:
        ScriptError: `build.ir`.
    """
    with _room():
        return library.library([_checked(doc) for doc in docs], schema=None, numbered=True)


def _checked(doc: Doc) -> Layout:
    try:
        out = layout(doc)
        Form(out).check()
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise ScriptError("build.ir", f"{NOT_WELL_FORMED}: {type(error).__name__} {error}") from error
    facts.find(out)
    return out


@contextmanager
def _room() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)
