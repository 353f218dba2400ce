"""The tables that the Python face of a module reads: names and types of its schema as Rust constants.

The face itself is Rust (`rust/python.rs`, `rust/record.rs`, `rust/map.rs`) and the same for every transform.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from alloy_transforms.errors import WIRE_CODES

INPUT_LETTERS: Mapping[str, str] = {"bytes": "y", "int": "q", "float": "d", "bool": "?"}
OUTPUT_LETTERS: Mapping[str, str] = {
    "bool": "?",
    "i8": "b",
    "i16": "h",
    "i32": "i",
    "i64": "q",
    "u8": "B",
    "u16": "H",
    "u32": "I",
    "f64": "d",
    "enum": "B",
    "time_ns": "q",
    "text": "t",
    "bytes": "y",
}
"""Letters as in `struct`; y and t are spans."""

REASONS: Mapping[int, str] = {
    **{number: code for number, code in WIRE_CODES.items() if code.startswith("data.")},
    37: "script.output",
    200: "declined",
    201: "fuel",
}
"""Code of an input -> text of the ValueError."""

METH_VARARGS, METH_KEYWORDS = 1, 2


def glue(name: str, kind: str) -> str:
    """What is appended to the emitted file: the modules of the face and the one function Python looks for."""
    return f"""
#[allow(unsafe_code)]
#[path = "{kind}.rs"]
mod face;
#[allow(dead_code, unsafe_code)] // a face uses its part of them
mod python;
mod tables;

#[allow(unsafe_code, non_snake_case)]
#[no_mangle]
pub extern "C" fn PyInit_{name}() -> python::Raw {{
    python::init()
}}
"""


def tables(name: str, doc: Mapping[str, Any]) -> str:
    """`tables.rs` of one module.

    Args:
        name: of the transform, an identifier.
        doc: the IR document; its names are identifiers.
    """
    lines = [
        "//! What the schema of this module says, for its Python face.",
        "",
        "use core::ffi::{c_int, CStr};",
        "",
        f"pub const NAME: &CStr = {_text(name)};",
        f"pub const MODULE_DOC: &CStr = {_text(f'Transform `{name}`, native; SCHEMA says of what it was made.')};",
    ]
    lines += _record(doc) if doc["kind"] == "record" else _map(doc)
    lines += ["", "pub fn reason(code: u8) -> &'static CStr {", "    match code {"]
    lines += [f"        {number} => {_text(code)}," for number, code in REASONS.items()]
    lines += ['        _ => c"script.exception",', "    }", "}", ""]
    return "\n".join(lines)


def _record(doc: Mapping[str, Any]) -> list[str]:
    inputs = [INPUT_LETTERS[kind] for _, kind in doc["inputs"]]
    names = [name for name, _ in doc["inputs"]]
    outputs = [(f["name"], OUTPUT_LETTERS[f["type"]], f["optional"]) for f in doc["outputs"]]
    state = [(name, INPUT_LETTERS[kind], first_word(value)) for name, kind, value in doc["state"]]
    signature = ", ".join([*names, "/", *(["state=None"] if state else [])])
    said = "One input, as its rows: dicts of mantissas." + (" Returns (rows, state)." if state else "")
    return [
        *_function("transform", signature, said, METH_VARARGS | METH_KEYWORDS),
        f"pub const ARITY: &CStr = {_text(f'the arguments are ({signature})')};",
        f"pub const ROWS: usize = {doc['max_rows']};",
        f"pub const FIELDS: usize = {len(outputs)};",
        f"pub const VALUES: usize = {len(state)};",
        f"pub const INPUTS: [u8; {len(inputs)}] = *b{_quoted(''.join(inputs))};",
        "pub const OUTPUTS: &[(&CStr, u8, bool)] = &[",
        *(f"    ({_text(n)}, b'{letter}', {str(optional).lower()})," for n, letter, optional in outputs),
        "];",
        "pub const STATE: &[(&CStr, u8, u64)] = &[",
        *(f"    ({_text(n)}, b'{letter}', {word:#x})," for n, letter, word in state),
        "];",
    ]


def _map(doc: Mapping[str, Any]) -> list[str]:
    entry = next(f for f in doc["functions"] if f["name"] == doc["entry"])
    names = [param[0] for param in entry["params"]]
    signature = ", ".join([*names, "/"])
    return [
        *_function("f", signature, "One element.", METH_VARARGS),
        f"pub const ARITY: &CStr = {_text(f'the arguments are ({signature})')};",
        f"pub const PARAMETERS: usize = {len(names)};",
    ]


def _function(name: str, signature: str, said: str, flags: int) -> list[str]:
    doc = f"{name}($module, {signature})\n--\n\n{said}"  # the form that gives __text_signature__
    return [
        f"pub const FUNCTION: &CStr = {_text(name)};",
        f"pub const FUNCTION_DOC: &CStr = {_text(doc)};",
        f"pub const FLAGS: c_int = {flags};",
    ]


def first_word(value: object) -> int:
    """The first value of a STATE entry as its 64-bit slot."""
    if isinstance(value, Mapping):
        (bits,) = struct.unpack("<Q", struct.pack("<d", float.fromhex(value["f64"])))
        return int(bits)
    assert isinstance(value, int)
    return value & 0xFFFF_FFFF_FFFF_FFFF


def _text(text: str) -> str:
    return "c" + _quoted(text)


def _quoted(text: str) -> str:
    """A Rust literal; ASCII without zero bytes.

    Raises:
        ValueError: the text is neither.
    """
    if not text.isascii() or "\0" in text:
        raise ValueError(f"no text for a table: {text!r}")
    return '"' + "".join(_ESCAPES.get(c, c) for c in text) + '"'


_ESCAPES: Mapping[str, str] = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r"}
