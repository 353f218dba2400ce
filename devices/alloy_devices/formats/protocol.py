"""The frames between the core and a decoder worker: one request, then a reply in a fixed order.

A frame body is one kind byte and the rest: `q` request (msgpack map), `d` descriptor, `c` chunk, `m` manifest
(deterministic CBOR of the record model), `e` the error that ends the file (msgpack map). The reply is
`d c* m`, or `e` in the place of any of them. Sans I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Final

import msgpack

from alloy_transforms.record import ClockState

from ..errors import FormatError
from .engine import Run
from .model import Limits

VERSION: Final = 1
REQUEST_BYTES_MAX: Final = 64 * 1024
REPLY_BYTES_MAX: Final = 8 * 1024 * 1024
"""A descriptor of 2,000 objects with 1 MiB of attributes fits; a chunk has about 128 KiB and its marks."""

_RUN_FIELDS: Final = frozenset(field.name for field in fields(Run))
_LIMIT_FIELDS: Final = frozenset(field.name for field in fields(Limits))
_ERROR_FIELDS: Final = ("what", "where", "got", "expected", "hint")
_TEXT_MAX: Final = 2_000


def request(run: Run, limits: Limits) -> bytes:
    """The body of a request."""
    said = asdict(run) | {"clock": str(run.clock), "v": VERSION, "limits": asdict(limits)}
    return b"q" + bytes(msgpack.packb(said))


def read_request(body: bytes) -> tuple[Run, Limits]:
    """A request as the core wrote it.

    Raises:
        FormatError: `format.protocol`.
    """
    said = _map(body, b"q")
    limits = said.get("limits")
    if said.get("v") != VERSION or not isinstance(limits, dict) or set(limits) != _LIMIT_FIELDS:
        raise malformed("request", f"version {said.get('v')!r}")
    known: dict[str, Any] = {name: said[name] for name in _RUN_FIELDS if name in said}
    if set(known) != _RUN_FIELDS:
        raise malformed("request", f"fields {sorted(known)}")
    known["clock"] = ClockState(str(known["clock"]))
    return Run(**known), Limits(**limits)


def failure(code: str, text: Mapping[str, str]) -> bytes:
    """The body of an error; texts are cut, they may quote the file."""
    said = {name: str(text.get(name, ""))[:_TEXT_MAX] for name in _ERROR_FIELDS}
    return b"e" + bytes(msgpack.packb({"code": code, **said}))


def read_failure(body: bytes, name: str) -> FormatError:
    """The error a worker ended with, as an exception of the core.

    Args:
        name: of the file; stands before the place that the worker names.

    Raises:
        FormatError: `format.protocol`.
    """
    said = _map(body, b"e")
    code = said.get("code")
    if not isinstance(code, str) or not code.startswith("format.") or len(code) > 64:
        raise malformed("error", repr(code)[:80])
    text = {key: str(said.get(key, ""))[:_TEXT_MAX] for key in _ERROR_FIELDS}
    text["where"] = f"{name}: {text['where']}" if text["where"] else name
    return FormatError(code, text.pop("what"), **text)  # type: ignore[arg-type]  # all are texts


def malformed(where: str, got: str) -> FormatError:
    """The other side does not speak this protocol."""
    return FormatError("format.protocol", "a malformed frame of the decoder protocol", where=where, got=got)


def _map(body: bytes, kind: bytes) -> dict[str, object]:
    try:
        said = msgpack.unpackb(body[1:], max_map_len=64, max_array_len=64, max_str_len=8192, max_bin_len=0)
    except (ValueError, msgpack.UnpackException) as error:
        raise malformed("frame", str(error)[:80]) from error
    if body[:1] != kind or not isinstance(said, dict):
        raise malformed("frame", f"kind {body[:1]!r}")
    return said
