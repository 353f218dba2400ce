"""The IR of a file as a build host asks for it: what the worker hands out, and what is believed outside."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import cbor2
import pytest
from tests.transforms.in_process import InProcess

from alloy_transforms.errors import ViolationError
from alloy_transforms.lang import document as ir
from alloy_transforms.sandbox.answers import pack, unpack_failure
from alloy_transforms.sandbox.build import MAX_DOCUMENT_BYTES, params_of, unpack_built
from alloy_transforms.sandbox.protocol import BUILD, BUILT, FAILED, VERSION
from alloy_transforms.sandbox.worker import Worker

SOURCE = (
    'PARAMS = {"offset": 1, "gain": 2.0, "on": True}\n'
    'OUTPUT = {"v": {"type": "f64"}}\n'
    "def transform(payload: bytes) -> dict:\n"
    '    return {"v": (payload[0] + PARAMS["offset"]) * PARAMS["gain"]}\n'
)


def ask(source: str, params: dict[str, Any] | None = None) -> bytes:
    arguments = {"source": source.encode(), "file": "t.py", "modules": [], "params": params or {}}
    return b"".join(Worker().answer(pack(BUILD, arguments)))


def problems(source: str, params: dict[str, Any] | None = None) -> list[tuple[str, int, str, str]]:
    body = ask(source, params)
    assert body[0] == FAILED
    return [(p.code, p.line, p.what, p.hint) for p in unpack_failure(body)]


def test_document_is_that_of_the_checker_when_a_portable_file_is_sent() -> None:
    doc = unpack_built(ask(SOURCE), SOURCE.encode())

    assert (doc["ir"], doc["kind"]) == (ir.VERSION, "record")
    assert doc["source"] == hashlib.sha256(SOURCE.encode()).hexdigest()
    assert params_of(doc) == {"offset": 1, "gain": 2.0, "on": True}


def test_parameters_are_constants_of_the_document_when_they_are_given() -> None:
    given = {"offset": 5, "gain": 3}

    doc = unpack_built(ask(SOURCE, given), SOURCE.encode())

    assert params_of(doc) == {"offset": 5, "gain": 3.0, "on": True}
    assert type(params_of(doc)["gain"]) is float
    assert ir.digest(doc) != ir.digest(unpack_built(ask(SOURCE), SOURCE.encode()))


def test_contract_digest_is_the_same_when_made_of_the_document_or_by_the_loader() -> None:
    loaded = dict(InProcess(SOURCE, {"gain": 3}).contract.params)

    params = params_of(unpack_built(ask(SOURCE, {"gain": 3}), SOURCE.encode()))

    assert cbor2.dumps(params, canonical=True) == cbor2.dumps(loaded, canonical=True)


@pytest.mark.parametrize(
    ("given", "what", "hint"),
    [
        ({"ofset": 1}, "the transform has no parameter `ofset`", "did you mean `offset`?"),
        ({"zzz": 1}, "the transform has no parameter `zzz`", "parameters: offset, gain, on"),
        ({"offset": 1.5}, "parameter `offset` is int, given is float", ""),
        ({"on": 1}, "parameter `on` is bool, given is int", ""),
        ({"offset": 1 << 63}, "parameter `offset` is int, given is int", ""),
    ],
)
def test_parameters_are_refused_when_they_do_not_fit(given: dict[str, Any], what: str, hint: str) -> None:
    assert problems(SOURCE, given) == [("build.type", 1, what, hint)]


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        (SOURCE.replace("payload[0]", "len([1])"), "build.lang", 4),
        ("def transform(:\n", "build.syntax", 1),
        ("def helper(x: int) -> int:\n    return x\n", "build.lang", 0),
        ("X = 1\n", "build.lang", 0),
        ("X = (" + "1," * 10_000 + ")\n" + SOURCE, "build.limit", 1),
    ],
)
def test_file_is_refused_when_it_is_not_portable(source: str, code: str, line: int) -> None:
    first, *_ = problems(source)

    assert first[:2] == (code, line)


def good() -> dict[str, Any]:
    doc: dict[str, Any] = json.loads(ask(SOURCE)[2:])
    return doc


def frame(doc: object) -> bytes:
    text = json.dumps(doc, sort_keys=True, separators=(",", ":")).encode()
    return bytes((BUILT, VERSION)) + text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes((BUILT, VERSION)),
        bytes((BUILT, VERSION + 1)) + b"{}",
        bytes((BUILT, VERSION)) + b"{" * 100_000,
        bytes((BUILT, VERSION)) + b"[" * 100_000,
        bytes((BUILT, VERSION)) + b'{"ir":' + b"9" * 5000 + b"}",
        bytes((BUILT, VERSION)) + b"\xff\xfe",
        bytes((BUILT, VERSION)) + b"[]",
        bytes((BUILT, VERSION)) + b"{}",
        bytes((BUILT, VERSION)) + b'{"a": 1}',
        bytes((BUILT, VERSION)) + b"NaN",
        bytes((BUILT, VERSION)) + b" " * (MAX_DOCUMENT_BYTES + 1),
        frame({**good(), "ir": 2}),
        frame({**good(), "kind": "module"}),
        frame({**good(), "source": "0" * 64}),
        bytes((BUILT, VERSION)) + json.dumps(good()).encode(),
    ],
)
def test_answer_is_a_violation_when_it_is_no_document(body: bytes) -> None:
    with pytest.raises(ViolationError) as caught:
        unpack_built(body, SOURCE.encode())

    assert caught.value.code == "violation.protocol"


@pytest.mark.parametrize(
    "params",
    [None, 1, [1], [["a"]], [["a", {"f64": "x"}]], [["a", {"f64": "0x1p+2000"}]], [["a", {"x": "1"}]],
     [["a", {"f64": "0x1p0", "bytes": ""}]], [["a", [1]]], [[1, 1]], [["a", 1 << 64]], [["a", {"f64": "nan"}]]],
)  # fmt: skip
def test_answer_is_a_violation_when_its_parameters_are_none(params: Any) -> None:
    with pytest.raises(ViolationError):
        params_of({"params": params})


def test_answer_is_a_violation_when_there_are_no_parameters() -> None:
    with pytest.raises(ViolationError):
        params_of({})
