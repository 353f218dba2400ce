"""Element-wise files: what is one, what its contract says, and what is refused with which advice."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest
from tests.transforms.in_process import InProcess, RefusedError
from tests.transforms.lang.differential import report

from alloy_transforms.errors import ScriptError, ViolationError
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.answers import pack, unpack_contract
from alloy_transforms.sandbox.checker import Rejected, check
from alloy_transforms.sandbox.contract import Contract, Field, Profile

LINEAR = '''"""A line."""
OUTPUT = {"flux": {"type": "f64", "unit": "Jy", "range": (0, None), "quantity": "flux"}}
PARAMS = {"zero": 0.5}
EXAMPLES = ({"in": {"x": 1.0, "gain": 2.0}, "out": ({"flux": 2.5},)}, {"in": {"x": 1.0}, "out": ({},)})


def f(x: float, gain: float) -> float:
    return x * gain + PARAMS["zero"]
'''
UNTYPED = 'import json\nOUTPUT = {"y": {"type": "f64"}}\ndef f(x, y):\n    return x + y\n'


def refused(source: str) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        InProcess(source)
    return caught.value


def test_contract_has_the_parameters_and_one_optional_field_when_a_file_is_element_wise() -> None:
    worker = InProcess(LINEAR, {"zero": 1})

    contract = worker.contract
    assert contract.elementwise
    assert contract.inputs == (("x", "float"), ("gain", "float"))
    assert contract.outputs == (
        Field("flux", "f64", unit="Jy", range=(0, None), quantity="flux", optional=True),
    )
    assert (contract.profile, contract.needs) == (Profile.PORTABLE, ("array",))
    assert (contract.stateful, contract.max_rows, contract.line) == (False, 1, 7)
    assert contract.params == {"zero": 1.0}
    assert [(e.inputs, e.rows, e.line) for e in worker.examples()] == [
        ({"x": 1.0, "gain": 2.0}, ({"flux": 2.5},), 4),
        ({"x": 1.0}, ({},), 4),
    ]
    assert worker.checked.ir


def test_any_python_is_taken_when_a_file_is_for_the_gateway() -> None:
    contract = InProcess(UNTYPED).contract

    assert (contract.profile, contract.elementwise) == (Profile.GATEWAY, True)
    assert contract.needs == ("array", "modules:json")
    assert contract.inputs == (("x", "float"), ("y", "float"))


@pytest.mark.parametrize(
    "record",
    [
        "def transform(payload: bytes) -> dict:\n    return {'v': f(1.0)}\n",
        "def g(payload):\n    return {'v': f(1.0)}\ntransform = g\n",
        "if True:\n    def transform(payload):\n        return {'v': f(1.0)}\n",
    ],
)
def test_a_file_is_record_wise_when_it_has_both_functions(record: str) -> None:
    source = (
        'OUTPUT = {"v": {"type": "f64"}}\n\n\ndef f(x: float) -> float:\n    return x * 2.0\n\n\n' + record
    )

    worker = InProcess(source)

    assert not worker.contract.elementwise
    assert worker.contract.needs == ()
    assert worker.rows([b""]) == [{"v": 2.0}]


def test_a_file_stays_element_wise_when_a_variable_of_f_is_called_transform() -> None:
    source = LINEAR.replace("    return x", "    transform = x\n    return transform")

    assert InProcess(source).contract.elementwise


@pytest.mark.parametrize(
    ("needs", "good"),
    [
        ('("array",)', True),
        ('("array", "memory_mb:64")', True),
        ("()", False),
        ('("state",)', False),
        ('("array", "state")', False),
    ],
)
def test_needs_agree_with_what_is_used_when_a_file_is_element_wise(needs: str, good: bool) -> None:
    source = LINEAR.replace("PARAMS", f"NEEDS = {needs}\nPARAMS", 1)
    if good:
        assert "array" in InProcess(source).contract.needs
        return
    with pytest.raises(Rejected) as caught:
        check(source.encode(), "t.py")
    (problem,) = caught.value.problems
    assert (problem.code, problem.line, problem.expected) == ("build.lang", 3, "used array")


@pytest.mark.parametrize(
    ("old", "new", "line", "what", "hint"),
    [
        ("PARAMS =", 'INPUT = {"x": "float"}\nPARAMS =', 3, "INPUT has no place", "remove INPUT"),
        ("PARAMS =", 'STATE = {"n": 0}\nPARAMS =', 3, "STATE has no place", "remove STATE"),
        ("PARAMS =", "MAX_ROWS = 1\nPARAMS =", 3, "MAX_ROWS has no place", "remove MAX_ROWS"),
        ("OUTPUT =", "OUTCOME =", 0, "OUTPUT is missing", 'OUTPUT = {"flux": {"type": "f64"'),
        ('"f64"', '"i16"', 2, "one field of type f64, not flux: i16", 'OUTPUT = {"flux"'),
        ('"flux"}}', '"flux"}, "b": {"type": "f64"}}', 2, "one field of type f64, not flux: f64, b: f64", ""),
        ('"range"', '"optional": False, "range"', 2, "is always optional", 'remove "optional"'),
        ("gain: float", "gain: int", 7, "the parameter `gain` of `f` is a float", "def f(x: float"),
        ("gain: float", "gain: 'bytes'", 7, "the parameter `gain` of `f` is a float", "def f(x: float"),
        (") -> float", ") -> int", 7, "the result of `f` is a float", "def f(x: float"),
        ("gain: float", "gain: float = 1.0", 7, "plain parameters without defaults", "def f(x: float"),
        ("gain: float", "*gain: float", 7, "plain parameters without defaults", "def f(x: float"),
        ("gain: float", "*, gain: float", 7, "plain parameters without defaults", "def f(x: float"),
        ("    return", "    yield", 7, "returns one number", "def f(x: float"),
        ("def f(x", "async def f(x", 7, "returns one number", "def f(x: float"),
        ("gain: float", "s: float", 7, "not `s`: `s`", "def f(x: float"),
        ("x: float, gain: float", "", 7, "`f` takes 1 to 16 numbers", "def f(x: float"),
        ("x: float", ", ".join(f"a{i}: float" for i in range(16)), 7, "`f` takes 1 to 16 numbers", ""),
        (
            "    return",
            "    pass\n\n\nf = 3\n\n\ndef g():\n    return",
            0,
            "no function `f`",
            "def f(x: float",
        ),
    ],
)
def test_a_file_is_refused_with_advice_when_its_declarations_are_none_of_an_element_wise_one(
    old: str, new: str, line: int, what: str, hint: str
) -> None:
    (problem,) = refused(LINEAR.replace(old, new, 1)).problems

    assert problem.code == "build.type"
    assert what in problem.what
    assert problem.line == line
    assert problem.hint.startswith(hint)


def test_a_missing_function_is_explained_for_both_kinds_when_there_is_none() -> None:
    (problem,) = refused('OUTPUT = {"v": {"type": "u8"}}\n').problems

    assert problem.what == "there is no function `transform`"
    assert problem.hint == "def transform(payload): for records, def f(x: float) -> float: for elements"


def test_a_file_without_output_is_portable_by_language_and_refused_when_it_is_loaded() -> None:
    source = LINEAR.replace("OUTPUT", "OUTCOME").replace("OUTCOME = {", "# {")

    checked = check(source.encode(), "t.py")

    assert (checked.profile, bool(checked.ir)) == (Profile.PORTABLE, True)
    assert refused(source).codes == ["build.type"]


def test_the_ir_is_that_of_the_function_alone_whatever_output_says() -> None:
    def ir(source: str) -> dict[str, Any]:
        document = report(source).document
        assert document is not None
        return {**document, "source": ""}

    bare = LINEAR[: LINEAR.index("OUTPUT")] + "\n" + LINEAR[LINEAR.index("PARAMS") :]

    assert ir(bare) == ir(LINEAR)
    assert (ir(LINEAR)["inputs"], ir(LINEAR)["outputs"]) == ([], [])


@pytest.mark.parametrize(
    "change",
    [
        {"elementwise": 1},
        {"elementwise": False},
        {"needs": ()},
        {"inputs": (("x", "int"),)},
        {"stateful": True},
        {"max_rows": 2},
    ],
)
def test_core_refuses_an_element_wise_contract_when_the_worker_lies(change: dict[str, object]) -> None:
    contract = InProcess(LINEAR).contract
    wire = {**asdict(contract), "profile": "portable", "state": b"", "native": False}
    assert unpack_contract(pack(protocol.LOADED, wire))[0] == replace(contract, digest="")

    with pytest.raises(ViolationError, match="breaks its rules") as caught:
        unpack_contract(pack(protocol.LOADED, {**wire, **change}))

    assert caught.value.code == "violation.protocol"


def test_contract_raises_when_its_field_is_not_optional() -> None:
    with pytest.raises(ScriptError, match="one optional field of type f64"):
        Contract(
            "n", "", Profile.PORTABLE, "", (("x", "float"),), (Field("y", "f64"),), False,
            needs=("array",), elementwise=True,
        )  # fmt: skip
