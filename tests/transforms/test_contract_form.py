"""The file form: every declaration is checked, every fault is listed with its line."""

from __future__ import annotations

import pytest
from tests.transforms.in_process import InProcess, RefusedError

from alloy_transforms.errors import ScriptError, ViolationError
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.answers import pack, pack_contract, unpack_contract
from alloy_transforms.sandbox.contract import Contract, Field, Profile

ELSYS = '''"""Elsys ERS: climate readings."""
import binascii

INPUT = {"payload": "bytes", "port": "int"}
PARAMS = {"offset": 0}
OUTPUT = {
    "temperature": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85), "optional": True},
    "humidity": {"type": "u8", "unit": "%", "optional": True},
    "valve": {"type": "enum", "names": ("off", "on"), "optional": True},
    "label": {"type": "text", "max": 32, "optional": True},
    "time": {"type": "time_ns", "optional": True},
}
STATE = {"count": 0}
EXAMPLES = ({"in": {"payload": b"\\x01", "port": 5}, "out": ({"temperature": 226},)},)


def transform(payload: bytes, port: int, s: dict) -> dict:
    s["count"] = s["count"] + 1
    return {"temperature": payload[0] + PARAMS["offset"]}
'''
MINIMAL = 'OUTPUT = {{"v": {{{field}}}}}\n{more}\ndef transform(payload):\n    return {{"v": 1}}\n'


def refused(source: str, **kw: object) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        InProcess(source, **kw)  # type: ignore[arg-type]
    return caught.value


def test_whole_form_is_read_when_it_is_right() -> None:
    contract = InProcess(ELSYS).contract

    assert contract.inputs == (("payload", "bytes"), ("port", "int"))
    assert contract.outputs[0] == Field(
        "temperature", "i16", unit="Cel", exp10=-1, range=(-40, 85), optional=True
    )
    assert contract.outputs[2].names == ("off", "on")
    assert (contract.stateful, contract.max_rows, contract.examples) == (True, 1, 1)
    assert contract.profile is Profile.PORTABLE
    assert contract.needs == ("state",)
    assert contract.doc == "Elsys ERS: climate readings."


def test_input_is_payload_when_nothing_is_declared() -> None:
    t = InProcess('OUTPUT = {"v": {"type": "u8"}}\ndef transform(payload):\n    return {"v": payload[0]}\n')

    assert t.contract.inputs == (("payload", "bytes"),)
    assert t.rows([b"\x07"]) == [{"v": 7}]


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ('"type": "i12"', ""),
        ('"type": "i16", "exp10": 99', ""),
        ('"type": "f64", "exp10": -1', ""),
        ('"type": "i16", "unit": 5', ""),
        ('"type": "text", "unit": "m"', ""),
        ('"type": "i16", "unit": "m" * 65', ""),
        ('"type": "i16", "range": (5, 1)', ""),
        ('"type": "i16", "range": (0, float("nan"))', ""),
        ('"type": "i16", "range": (0, float("inf"))', ""),
        ('"type": "i16", "range": 5', ""),
        ('"type": "i16", "optional": 1', ""),
        ('"type": "i16", "names": ("a",)', ""),
        ('"type": "enum"', ""),
        ('"type": "enum", "names": ("a", "a")', ""),
        ('"type": "enum", "names": (1,)', ""),
        ('"type": "u8", "max": 4', ""),
        ('"type": "text", "max": 0', ""),
        ('"type": "text", "max": 99999', ""),
        ('"type": "u8", "optionl": True', ""),
        ('"type": "u8"', 'INPUT = {"payload": "blob"}'),
        ('"type": "u8"', 'INPUT = {"s": "bytes"}'),
        ('"type": "u8"', "INPUT = 5"),
        ('"type": "u8"', 'STATE = {"a": []}'),
        ('"type": "u8"', 'STATE = {"a": 1 << 64}'),
        ('"type": "u8"', 'PARAMS = {"a": None}'),
        ('"type": "u8"', "EXAMPLES = 5"),
        ('"type": "u8"', 'EXAMPLES = ({"in": {}},)'),
    ],
)
def test_declaration_is_refused_when_it_is_inconsistent(field: str, more: str) -> None:
    error = refused(MINIMAL.format(field=field, more=more))

    assert set(error.codes) == {"build.type"} or error.codes[0] == "build.type"
    assert all(p.line > 0 for p in error.problems if p.what.startswith(("OUTPUT", "STATE", "PARAMS[")))


@pytest.mark.parametrize("more", ["MAX_ROWS = 0", "MAX_ROWS = 65"])
def test_limit_is_named_when_max_rows_is_out_of_bounds(more: str) -> None:
    assert "build.limit" in refused(MINIMAL.format(field='"type": "u8"', more=more)).codes


def test_all_faults_are_listed_when_there_are_several() -> None:
    error = refused(
        'OUTPUT = {\n    "a": {"type": "u9"},\n    "b": {"type": "enum"},\n    "c": {"typ": 1},\n}\n'
        "STATE = {}\nMAX_ROWS = 100\ndef transform(x):\n    return {}\n"
    )

    assert [p.line for p in error.problems] == [2, 3, 4, 7, 8]
    assert error.problems[0].source.strip() == '"a": {"type": "u9"},'
    assert "did you mean `u8`" in error.problems[0].hint


@pytest.mark.parametrize(
    "signature",
    ["x", "payload, s", "payload, *rest", "payload=b''", "*, payload", "payload, extra"],
)
def test_signature_is_refused_when_it_is_not_the_keys_of_input(signature: str) -> None:
    error = refused(f'OUTPUT = {{"v": {{"type": "u8"}}}}\ndef transform({signature}):\n    return {{}}\n')

    assert error.codes == ["build.type"]
    assert error.problems[0].line == 2
    assert error.problems[0].expected == "(payload)"


def test_row_limit_is_enforced_when_texts_are_too_large_together() -> None:
    fields = ", ".join(f'"t{i}": {{"type": "text", "max": 4096}}' for i in range(5))

    assert refused(f"OUTPUT = {{{fields}}}\ndef transform(payload):\n    return {{}}\n").codes == [
        "build.limit"
    ]


def test_params_are_overridden_when_the_pipeline_gives_them() -> None:
    t = InProcess(ELSYS, {"offset": 5})

    assert t.contract.params == {"offset": 5}
    assert t.rows([b"\x01"], [2]) == [{"temperature": 6}]


@pytest.mark.parametrize("params", [{"ofset": 1}, {"offset": 1.5}, {"offset": "1"}, {"offset": True}])
def test_params_are_refused_when_name_or_type_differ(params: dict[str, object]) -> None:
    assert refused(ELSYS, params=params).codes == ["build.type"]


def test_examples_come_out_when_asked_for() -> None:
    (example,) = InProcess(ELSYS).examples()

    assert example.inputs == {"payload": b"\x01", "port": 5}
    assert example.rows == ({"temperature": 226},)
    assert example.line == 14


def test_physical_value_is_one_division_when_exp10_is_negative() -> None:
    field = Field("t", "i16", exp10=-1)

    assert field.physical(3) == 0.3
    assert 3 * 0.1 != 0.3


def test_contract_survives_the_wire_when_packed_and_unpacked() -> None:
    contract = InProcess(ELSYS).contract
    state = protocol.encode_state({"count": 3})

    assert unpack_contract(pack_contract(protocol.LOADED, contract, state)) == (contract, state, False)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"inputs": (("a b", "bytes"),)},
        {"inputs": ()},
        {"inputs": ("payload",)},
        {"outputs": ()},
        {"max_rows": 65},
        {"max_rows": True},
        {"needs": ("files",)},
        {"needs": ["state"] * 100},
        {"profile": "root"},
        {"params": {"a": [1]}},
        {"params": {"__class__": 1}},
        {"line": -1},
        {"doc": 5},
        {"stateful": 1},
        {"extra": 1},
        {"state": "text"},
    ],
)
def test_core_refuses_a_contract_when_the_worker_lies(change: dict[str, object]) -> None:
    contract = InProcess(ELSYS).contract
    from dataclasses import asdict

    wire = {**asdict(contract), "profile": "portable", "state": protocol.encode_state({"count": 0}), **change}

    with pytest.raises(ViolationError) as caught:
        unpack_contract(pack(protocol.LOADED, wire))
    assert caught.value.code == "violation.protocol"


def test_contract_raises_when_made_with_two_times() -> None:
    times = (Field("a", "time_ns"), Field("b", "time_ns"))

    with pytest.raises(ScriptError, match="at most one"):
        Contract("n", "", Profile.PORTABLE, "", (("payload", "bytes"),), times, False)
