"""The Python face of a module: tables of Rust constants, nothing of a transform's text unescaped."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from alloy_agent.build import face
from alloy_transforms.sandbox.contract import INPUT_DTYPES, OUTPUT_TYPES

RECORD: dict[str, Any] = {
    "kind": "record",
    "inputs": [["payload", "bytes"], ["x", "float"], ["on", "bool"], ["n", "int"]],
    "outputs": [
        {"name": "v", "type": "u32", "optional": False},
        {"name": "raw", "type": "bytes", "optional": True},
    ],
    "state": [["count", "int", -1], ["mean", "float", {"f64": "0x1.8p+0"}], ["seen", "bool", True]],
    "max_rows": 4,
}
MAP: dict[str, Any] = {
    "kind": "map",
    "entry": "f",
    "functions": [
        {"name": "half", "params": [["y", "float", {}]]},
        {"name": "f", "params": [["x", "float", {}], ["zero", "float", {}]]},
    ],
}


def test_tables_say_what_the_schema_says_when_rows_are_made() -> None:
    text = face.tables("probe", RECORD)

    assert 'pub const NAME: &CStr = c"probe";' in text
    assert 'pub const INPUTS: [u8; 4] = *b"yd?q";' in text
    assert "(c\"v\", b'I', false)," in text
    assert "(c\"raw\", b'y', true)," in text
    assert "(c\"count\", b'q', 0xffffffffffffffff)," in text
    assert "(c\"mean\", b'd', 0x3ff8000000000000)," in text
    assert "(c\"seen\", b'?', 0x1)," in text
    assert 'c"transform($module, payload, x, on, n, /, state=None)\\n--\\n\\n' in text
    assert "pub const ROWS: usize = 4;" in text


def test_tables_name_the_parameters_of_the_entry_when_it_is_a_map() -> None:
    text = face.tables("probe", MAP)

    assert "pub const PARAMETERS: usize = 2;" in text
    assert "(x, zero, /)" in text


def test_every_type_of_a_contract_has_its_letter_when_tables_are_made() -> None:
    assert set(face.OUTPUT_LETTERS) == set(OUTPUT_TYPES)
    assert set(face.INPUT_LETTERS) == set(INPUT_DTYPES) - {"text"}
    for kind, dtype in OUTPUT_TYPES.items():
        if dtype[1:].isdecimal():
            assert struct.calcsize(face.OUTPUT_LETTERS[kind]) == int(dtype[1:])


@pytest.mark.parametrize("name", ["é", "a\0b"])
def test_text_is_refused_when_it_is_no_ascii(name: str) -> None:
    with pytest.raises(ValueError, match="no text for a table"):
        face.tables(name, RECORD)


def test_text_is_escaped_when_it_would_end_the_literal() -> None:
    assert r'c"a\"; fn b() {} //\\"' in face.tables('a"; fn b() {} //\\', RECORD)
