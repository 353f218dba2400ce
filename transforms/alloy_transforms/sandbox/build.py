"""What `alloy-edge build` asks a jailed worker: the intermediate representation of one file.

`build` runs in the worker; `unpack_built` runs outside and trusts nothing: size, form, and what the document says
of its own source. The frame is its kind, `VERSION`, and the document in its one encoding (`docs/ir.md`).
"""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..lang import document as ir
from ..lang.check import check
from ..lang.findings import Sink
from ..lang.module import read
from .answers import MAX_PROBLEMS, Problem
from .checker import Rejected, locate, parse, problem_of
from .contract import is_scalar
from .lint import limits
from .protocol import BUILT, VERSION, Buffer, malformed

MAX_DOCUMENT_BYTES = 4 << 20  # the largest of the library takes 80 KiB


def build(source: bytes, file: str, modules: Sequence[str], params: Mapping[str, Any]) -> bytes:
    """The frame with the IR of one portable file.

    Args:
        source: the file.
        file: its name, for the parser.
        modules: what the device's policy allows beyond the closed list.
        params: values that replace those of PARAMS.

    Raises:
        Rejected: `build.*`, the file is not portable, exceeds a limit, or has no such parameter.
    """
    tree = parse(source, file)
    limits(source, file, modules)
    declared = read(tree, "", Sink()).params
    lines = source.decode("utf-8", "replace").splitlines()
    if faults := tuple(_unfit(declared, params, source, lines)):
        raise Rejected(*faults[:MAX_PROBLEMS])
    report = check(tree, source, params=params)
    if report.document is None:
        if not report.refusals:
            raise Rejected(Problem("build.lang", "there is no function `transform` or `f` to compile"))
        raise Rejected(*(problem_of(f, lines) for f in report.refusals[:MAX_PROBLEMS]))
    if report.kind == "module":
        raise Rejected(Problem("build.lang", "there is no function `transform` or `f` to compile"))
    body = ir.encode(report.document)
    if len(body) > MAX_DOCUMENT_BYTES:
        what = f"the intermediate representation takes {len(body)} bytes"
        raise Rejected(Problem("build.limit", what, expected=f"at most {MAX_DOCUMENT_BYTES}"))
    return bytes((BUILT, VERSION)) + body


def _unfit(
    declared: Mapping[str, Any], given: Mapping[str, Any], source: bytes, lines: Sequence[str]
) -> Iterator[Problem]:
    """What is wrong with the parameters given, in the loader's words."""
    for key, value in given.items():
        line = locate(source, "PARAMS", key)
        shown = lines[line - 1] if 0 < line <= len(lines) else ""
        if key not in declared:
            near = difflib.get_close_matches(key, declared, 1)
            hint = f"did you mean `{near[0]}`?" if near else "parameters: " + (", ".join(declared) or "none")
            yield Problem(
                "build.type", f"the transform has no parameter `{key}`", line, source=shown, hint=hint
            )
            continue
        want = type(declared[key])
        if not (type(value) is want or (want is float and type(value) is int)) or not is_scalar(value):
            what = f"parameter `{key}` is {want.__name__}, given is {type(value).__name__}"
            yield Problem("build.type", what, line, source=shown)


def unpack_built(body: Buffer, source: bytes) -> ir.Document:
    """The answer, checked for size and encoding; the emitter checks what is in it.

    Args:
        body: the frame.
        source: the file that was sent.

    Raises:
        ViolationError: `violation.protocol`.
    """
    if not 2 < len(body) <= 2 + MAX_DOCUMENT_BYTES or body[0] != BUILT or body[1] != VERSION:
        raise malformed("an IR of impossible size or version")
    text = bytes(body[2:])
    try:
        doc: ir.Document = json.loads(text)
        same = isinstance(doc, dict) and ir.encode(doc) == text
    except (ValueError, RecursionError) as error:
        raise malformed("an IR that is no JSON") from error
    if not same or doc.get("ir") != ir.VERSION:
        raise malformed("an IR in another encoding or version")
    if doc.get("kind") not in ("record", "map") or doc.get("source") != hashlib.sha256(source).hexdigest():
        raise malformed("an IR of another source")
    return doc


def params_of(doc: ir.Document) -> dict[str, Any]:
    """PARAMS with their values, as the contract has them.

    Raises:
        ViolationError: `violation.protocol`, they are none.
    """
    try:
        params = {key: _plain(value) for key, value in doc["params"]}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise malformed("an IR whose parameters are none") from error
    if not all(isinstance(k, str) and is_scalar(v) for k, v in params.items()):
        raise malformed("an IR whose parameters are none")
    return params


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    ((kind, text),) = value.items()
    return {"f64": float.fromhex, "bytes": bytes.fromhex}[kind](text)
