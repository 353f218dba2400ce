"""The checker as a whole: intervals, proofs, limits, profiles, the document and its digest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import resources

import pytest
from tests.transforms.lang.corpus import HEAD
from tests.transforms.lang.differential import report

from alloy_transforms.lang.check import Report
from alloy_transforms.lang.document import counts, digest, encode
from alloy_transforms.lang.explain import explain

PACKAGE = resources.files("alloy_transforms")
_DIGEST = (
    "import ast, sys; from alloy_transforms.lang.check import check; s = sys.stdin.buffer.read();"
    "print(check(ast.parse(s), s).digest)"
)


def source_of(path: str) -> str:
    return PACKAGE.joinpath(path).read_text("utf-8")


def body(text: str) -> Report:
    return report(HEAD + "".join(f"    {line}\n" for line in text.split("\n")) + "    return out\n")


@pytest.mark.parametrize("name", ["nmea", "pms5003", "elsys_ers"])
def test_library_transform_is_portable_and_proven_when_checked(name: str) -> None:
    checked = report(source_of(f"library/{name}.py"), numeric="int")

    assert checked.accepted, checked.refusals
    assert checked.numeric == "int"
    assert counts(list(checked.functions))["checked"] == 0


def test_kit_is_a_portable_module_when_checked() -> None:
    checked = report(source_of("portable/kit.py"))

    assert checked.accepted, checked.refusals
    assert checked.kind == "module"


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1"])
def test_digest_is_the_same_when_another_process_makes_it(seed: str) -> None:
    text = source_of("library/nmea.py")

    out = subprocess.run(
        [sys.executable, "-c", _DIGEST],
        input=text.encode(),
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )

    assert out.stdout.decode().strip() == report(text).digest


def test_document_is_plain_json_when_encoded() -> None:
    doc = report(source_of("library/pms5003.py")).document
    assert doc is not None

    assert json.loads(encode(doc)) == doc
    assert digest(json.loads(encode(doc))) == digest(doc)


def test_digest_differs_when_a_parameter_is_set() -> None:
    text = HEAD + '    out["v"] = PARAMS["offset"]\n    return out\n'

    assert report(text, params={"offset": 4}).digest != report(text).digest


def test_floats_are_refused_when_the_profile_is_int() -> None:
    text = HEAD + '    out["w"] = x * 2.0\n    return out\n'

    assert {f.rule for f in report(text, numeric="int").refusals} == {"L034"}
    assert report(text).numeric == "f64"


def test_overflow_check_is_left_out_when_the_interval_proves_it() -> None:
    proven = counts(list(body('out["v"] = (n & 65535) * 1000').functions))
    checked = counts(list(body('out["v"] = n * n * n * n').functions))

    assert (proven["checked"], proven["wide"]) == (0, 0)
    assert checked["checked"] > 0


@pytest.mark.slow
def test_analysis_ends_when_loops_are_nested_deeply() -> None:
    text = "a = 0\n"
    for depth in range(12):
        text += "    " * depth + f"for i{depth} in range(20):\n"
    text += "    " * 12 + "a = a + 1\n" + 'out["v"] = a'

    checked = body(text)

    assert [f.rule for f in checked.refusals] == ["L205"]
    assert checked.refusals[0].code == "build.limit"


def test_deep_expression_is_a_limit_when_it_cannot_be_followed() -> None:
    checked = body('out["v"] = ' + "+".join(["n"] * 500))

    assert [f.rule for f in checked.refusals] == ["L202"]


def test_calls_too_deep_are_a_limit_when_each_function_calls_the_next() -> None:
    text = '"""A."""\nOUTPUT = {"v": {"type": "i64"}}\nEXAMPLES = ()\n'
    text += "def f0(a: int) -> int:\n    return a\n"
    for k in range(1, 40):
        text += f"def f{k}(a: int) -> int:\n    return f{k - 1}(a)\n"
    text += "def transform(payload: bytes) -> dict:\n    return {'v': f39(len(payload))}\n"

    assert "L207" in [f.rule for f in report(text).refusals]


def test_warnings_do_not_refuse_when_names_are_unused() -> None:
    text = (
        'import math\nimport kit\nINPUT = {"payload": "bytes", "n": "int"}\n'
        'OUTPUT = {"v": {"type": "u8"}, "w": {"type": "u8", "optional": True}}\nPARAMS = {"a": 3}\nLIMIT = 7\n'
        "def transform(payload: bytes, n: int) -> dict:\n    b = 3\n"
        "    return {'v': payload[0]}\n    return {'v': 3}\n"
    )

    checked = report(text)

    assert checked.accepted
    rules = sorted(f.rule for f in checked.findings)
    assert rules == ["G301", "G302", "G303", "G304", "G305", "G305", "G305", "G305", "G306", "G307"]


def test_explanation_names_intervals_and_checks_when_asked() -> None:
    lines = explain(body('a = n & 255\nout["v"] = a * n * n * n'), "portable")

    assert "  a: int [0 to 255]" in lines
    assert any("`mul` is checked" in line for line in lines)
    assert lines[0].startswith("portable, record, profile ")


def test_explanation_names_the_first_reason_when_a_file_is_refused() -> None:
    (line,) = explain(body("t = [1]"), "portable")

    assert line.startswith("gateway: line 28: L017: a list")
