"""What a batch becomes: rows, errors with code and line, state, log; each rule of the contract once."""

from __future__ import annotations

import math
import struct
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.transforms.in_process import InProcess

from alloy_transforms.record import Column
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.columns import rows_of, values_of
from alloy_transforms.sandbox.protocol import MAX_LOG_BYTES, decode_state, encode_state


def simple(field: str, expression: str, head: str = "") -> InProcess:
    return InProcess(
        f'{head}\nOUTPUT = {{"v": {{{field}}}}}\n\ndef transform(payload):\n    return {{"v": {expression}}}\n'
    )


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        ("i8", -128, 127), ("i16", -(2**15), 2**15 - 1), ("i32", -(2**31), 2**31 - 1),
        ("i64", -(2**63), 2**63 - 1), ("u8", 0, 255), ("u16", 0, 2**16 - 1), ("u32", 0, 2**32 - 1),
        ("time_ns", -(2**63), 2**63 - 1),
    ],
)  # fmt: skip
def test_integer_is_data_range_when_its_type_cannot_hold_it(kind: str, low: int, high: int) -> None:
    t = simple(f'"type": "{kind}"', "int(payload)")
    values = [low, high, low - 1, high + 1, 0]

    reply = t.run([str(v).encode() for v in values])

    assert [(e.index, e.code) for e in reply.errors] == [(2, "data.range"), (3, "data.range")]
    assert list(reply.sources()) == [0, 1, 4]
    assert t.rows([b"%d" % low, b"%d" % high]) == [{"v": low}, {"v": high}]


@pytest.mark.parametrize(
    ("field", "expression", "code"),
    [
        ('"type": "i16"', "1.0", "data.schema"),
        ('"type": "i16"', "'1'", "data.schema"),
        ('"type": "i16"', "None", "data.schema"),
        ('"type": "f64"', "'1'", "data.schema"),
        ('"type": "f64"', "10 ** 400", "data.overflow"),
        ('"type": "bool"', "2", "data.range"),
        ('"type": "bool"', "'x'", "data.schema"),
        ('"type": "enum", "names": ("a", "b")', "2", "data.range"),
        ('"type": "enum", "names": ("a", "b")', "-1", "data.range"),
        ('"type": "enum", "names": ("a", "b")', "'c'", "data.range"),
        ('"type": "enum", "names": ("a", "b")', "1.0", "data.schema"),
        ('"type": "text", "max": 3', "'abcd'", "data.range"),
        ('"type": "text", "max": 3', "'éé'", "data.range"),
        ('"type": "text", "max": 9', "b'a\\xff'", "data.value"),
        ('"type": "text", "max": 3', "b'abcd'", "data.range"),
        ('"type": "text", "max": 9', "bytearray(b'ab')", "data.schema"),
        ('"type": "text", "max": 9', "'\\ud800'", "data.value"),
        ('"type": "bytes", "max": 3', "b'abcd'", "data.range"),
        ('"type": "bytes", "max": 3', "'abc'", "data.schema"),
        ('"type": "bytes", "max": 3', "bytearray(b'a')", "data.schema"),
        ('"type": "u8"', "payload[9]", "data.index"),
        ('"type": "u8"', "1 // (payload[0] - payload[0])", "data.div"),
        ('"type": "u8"', "{}['x']", "data.schema"),
        ('"type": "u8"', "int('x')", "data.value"),
        ('"type": "u8"', "len(payload.decode('ascii'))", "data.value"),
        ('"type": "f64"', "10.0 ** 400", "data.overflow"),
        ('"type": "u8"', "undefined", "script.exception"),
        ('"type": "u8"', "payload + 1", "script.exception"),
        ('"type": "u8"', "[0] * 10 ** 18", "script.memory"),
        ('"type": "u8"', "rec(0)", "script.recursion"),
        ('"type": "u8"', "quit_(1)", "script.exception"),
    ],
)  # fmt: skip
def test_one_input_fails_when_its_value_does_not_fit(field: str, expression: str, code: str) -> None:
    head = "def rec(n):\n    return rec(n + 1)\n\ndef quit_(n):\n    raise SystemExit(n)\n"
    good = {"text": "'ok'", "bytes": "b'ok'"}.get(field.split('"')[3], "1")
    t = simple(field, f"({expression}) if payload[:1] == b'\\xff' else {good}", head)

    reply = t.run([b"a", b"\xff", b"b"])

    assert [(e.index, e.code) for e in reply.errors] == [(1, code)]
    assert list(reply.sources()) == [0, 2]
    assert reply.errors[0].line in (2, 5, 9, 10)  # the callee's line, the return's, or the function's


def test_bytes_are_text_when_the_field_is_text() -> None:
    worker = simple('"type": "text"', "payload[0:3]")
    reply = worker.run([b"abcd", "é!?".encode(), b"a\xc3"])
    assert [row["v"] for row in rows_of(worker.contract, reply)] == ["abc", "é!"]
    assert [(e.index, e.code) for e in reply.errors] == [(2, "data.value")]


def test_length_is_the_code_when_struct_or_kit_find_the_input_short() -> None:
    t = simple('"type": "u16"', "struct.unpack('<H', payload)[0]", "import struct")

    assert t.codes([b"a"]) == [(0, "data.length")]


def test_line_of_the_user_is_named_when_an_exception_leaves_a_callee() -> None:
    t = simple('"type": "u8"', "inner(payload)", "def inner(b):\n    return b[7]\n\n")

    (error,) = t.run([b"a"]).errors

    assert (error.code, error.line) == ("data.index", 2)
    assert "index out of range" in error.message


def test_missing_required_field_is_data_schema_and_optional_is_absent() -> None:
    t = InProcess(
        'OUTPUT = {"a": {"type": "u8"}, "b": {"type": "i16", "optional": True}, '
        '"c": {"type": "text", "max": 5, "optional": True}}\n'
        "def transform(payload):\n"
        "    out = {}\n"
        "    if payload[0] & 1:\n        out['a'] = 1\n"
        "    if payload[0] & 2:\n        out['b'] = -2\n"
        "    if payload[0] & 4:\n        out['c'] = 'x'\n"
        "    if payload[0] & 8:\n        out['d'] = 1\n"
        "    if payload[0] & 16:\n        out['b'] = None\n"
        "    return out\n"
    )

    reply = t.run([bytes([v]) for v in (1, 3, 7, 2, 9, 17)])

    assert [(e.index, e.code) for e in reply.errors] == [(3, "data.schema"), (4, "data.schema")]
    assert "`a` is missing" in reply.errors[0].message
    assert "no field 'd'" in reply.errors[1].message
    assert reply.columns[1].validity == b"\x06"
    assert reply.columns[1].values == struct.pack("<4h", 0, -2, -2, 0)
    assert reply.columns[2] == Column(array("I", [0, 0, 0, 1, 1]).tobytes(), b"x", b"\x04")


def test_earlier_rows_stay_when_the_same_dict_is_returned_again() -> None:
    t = InProcess(
        'OUTPUT = {"v": {"type": "u8"}}\nOUT = {}\ndef transform(payload):\n'
        "    OUT['v'] = payload[0]\n    return OUT\n"
    )

    assert t.rows([b"\x01", b"\x02", b"\x03"]) == [{"v": 1}, {"v": 2}, {"v": 3}]


YIELDS = (
    "MAX_ROWS = 3\n"
    'OUTPUT = {"v": {"type": "u8"}}\n'
    "def transform(payload):\n"
    "    for k in range(payload[0]):\n"
    "        if payload[1] == k + 1:\n"
    "            raise ValueError('late')\n"
    "        yield {'v': k}\n"
)


def test_several_rows_come_out_when_a_transform_yields() -> None:
    reply = InProcess(YIELDS).run([b"\x02\0", b"\0\0", b"\x03\0", b"\x04\0", b"\x03\x02", b"\x01\0"])

    assert list(reply.sources()) == [0, 0, 2, 2, 2, 5]
    assert reply.columns[0].values == bytes([0, 1, 0, 1, 2, 0])
    assert [(e.index, e.code) for e in reply.errors] == [(3, "script.output"), (4, "data.value")]


@pytest.mark.parametrize("result", ["None", "[{'v': 1}]", "5", "'text'"])
def test_result_is_a_script_error_when_it_is_no_row(result: str) -> None:
    t = InProcess(f'OUTPUT = {{"v": {{"type": "u8"}}}}\ndef transform(payload):\n    return {result}\n')

    assert t.codes([b"a"]) == [(0, "script.exception")]


STATEFUL = (
    'STATE = {"n": 0, "name": "x", "f": 0.0}\n'
    'OUTPUT = {"v": {"type": "u8"}}\n'
    "def transform(payload, s):\n"
    "    s['n'] = s['n'] + 1\n"
    "    if payload == b'boom':\n        raise ValueError('no')\n"
    "    if payload == b'big':\n        return {'v': 256}\n"
    "    if payload == b'key':\n        s['new'] = 1\n"
    "    if payload == b'type':\n        s['n'] = 'a'\n"
    "    if payload == b'wide':\n        s['n'] = 1 << 63\n"
    "    if payload == b'long':\n        s['name'] = 'y' * 5000\n"
    "    if payload == b'nan':\n        s['f'] = -float('nan')\n"
    "    return {'v': s['n']}\n"
)


def test_state_change_is_discarded_when_its_input_fails() -> None:
    t = InProcess(STATEFUL)

    reply = t.run([b"a", b"boom", b"big", b"key", b"type", b"wide", b"long", b"b"])

    assert [e.code for e in reply.errors] == [
        "data.value", "data.range", "data.schema", "data.schema", "data.range", "data.range"
    ]  # fmt: skip
    assert reply.columns[0].values == b"\x01\x02"
    assert reply.state is not None
    assert decode_state(reply.state) == {"n": 2, "name": "x", "f": 0.0}


def test_state_goes_on_from_where_it_was_when_it_is_given_back() -> None:
    t = InProcess(STATEFUL)

    reply = t.run([b"a"], state=encode_state({"n": 41, "name": "x", "f": 0.0}))
    again = t.run([b"a"])

    assert (reply.columns[0].values, again.columns[0].values) == (b"\x2a", b"\x2b")


def test_one_nan_leaves_a_transform_when_there_are_many() -> None:
    t = simple('"type": "f64"', "struct.unpack('<d', payload)[0]", "import struct")
    odd = [0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001, 0x7FF0000000000000]

    reply = t.run([struct.pack("<Q", v) for v in odd] + [struct.pack("<d", -0.0)])

    canonical = struct.pack("<d", math.nan)
    assert reply.columns[0].values == canonical * 3 + struct.pack("<dd", math.inf, -0.0)


def test_absent_input_is_none_in_gateway_and_an_error_in_portable() -> None:
    head = 'INPUT = {"payload": "bytes", "rssi": "int"}\nOUTPUT = {"v": {"type": "bool"}}\n'
    strict = "def transform(payload: bytes, rssi: int) -> dict:\n    return {'v': rssi != 3}\n"
    loose = "def transform(payload, rssi):\n    return {'v': rssi is None}\n"

    portable = InProcess(head + strict).run([b"a", b"b"], [None, 3])
    gateway = InProcess(head + loose).run([b"a", b"b"], [None, 3])

    assert [(e.index, e.code) for e in portable.errors] == [(0, "data.schema")]
    assert portable.columns[0].values == b"\0"
    assert gateway.columns[0].values == b"\1\0"


def test_all_input_types_arrive_when_a_batch_has_them() -> None:
    t = InProcess(
        'INPUT = {"b": "bytes", "i": "int", "f": "float", "o": "bool", "t": "text"}\n'
        'OUTPUT = {"v": {"type": "text"}}\n'
        "def transform(b, i, f, o, t):\n    return {'v': repr((b, i, f, o, t))}\n"
    )

    row = (b"\0x", -(2**63), -0.5, True, "häß")

    assert t.rows(*[[v] for v in row]) == [{"v": repr(row)}]


def test_log_is_cut_when_a_batch_prints_too_much() -> None:
    t = InProcess(
        'OUTPUT = {"v": {"type": "u8"}}\ndef transform(payload):\n    print("é" * 100, payload)\n'
        "    return {'v': 1}\n"
    )

    short, long = t.run([b"a"]).log, t.run([b"a"] * 200).log

    assert short == "é" * 100 + " b'a'\n"
    assert MAX_LOG_BYTES - 300 < len(long.encode()) <= MAX_LOG_BYTES
    assert long.endswith("… cut\n")
    assert t.contract.needs == ("log",)


def test_rest_is_left_for_later_when_the_output_would_be_too_large() -> None:
    t = InProcess(
        'OUTPUT = {"v": {"type": "bytes", "max": 16000}}\n'
        "def transform(payload):\n    return {'v': payload * 16000}\n"
    )

    reply = t.run([b"a"] * 1000)

    assert 1 <= reply.answered < 1000
    assert reply.rows == reply.answered
    assert len(reply.columns[0].arena) <= protocol.SOFT_REPLY_BYTES


def test_error_is_a_script_error_when_its_text_is_hostile() -> None:
    t = InProcess(
        "class E(Exception):\n    def __str__(self):\n        raise SystemExit\n"
        'OUTPUT = {"v": {"type": "u8"}}\ndef transform(payload):\n    raise E\n'
    )

    assert t.codes([b"a"]) == [(0, "script.exception")]


@given(st.lists(st.one_of(st.none(), st.floats()), min_size=1, max_size=40))
def test_fast_and_careful_way_agree_when_a_bad_value_is_in_the_batch(values: list[float | None]) -> None:
    t = _OPTIONAL_FLOAT
    frames = [b"" if v is None else struct.pack("<d", v) for v in values]

    fast = t.run(frames)
    careful = t.run([*frames, b"bad"])  # the last one makes the batch be looked at value by value

    assert careful.columns == fast.columns
    assert careful.src == fast.src


@given(st.binary(min_size=9, max_size=9))
def test_single_input_and_batch_agree_whatever_the_row_is(frame: bytes) -> None:
    frame = bytes([frame[0] % 12]) + frame[1:]

    one, two = _EVERY_FIXED.run([frame]), _EVERY_FIXED.run([frame, frame])

    assert [(e.code, e.line, e.message) for e in one.errors] == [
        (e.code, e.line, e.message) for e in two.errors[:1]
    ]
    assert 2 * one.rows == two.rows
    for f, single, double in zip(_EVERY_FIXED.contract.outputs, one.columns, two.columns, strict=True):
        got = values_of(f.dtype, single, one.rows)
        assert repr(got * 2) == repr(values_of(f.dtype, double, two.rows))
        assert single.values * 2 == double.values


_EVERY_FIXED = InProcess(
    "import struct\n"
    'OUTPUT = {"i": {"type": "i16"}, "u": {"type": "u32"}, "q": {"type": "i64", "optional": True}, '
    '"f": {"type": "f64"}, "b": {"type": "bool"}, "e": {"type": "enum", "names": ("x", "y")}, '
    '"t": {"type": "time_ns"}}\n'
    "def transform(payload):\n"
    "    k = payload[0]\n"
    "    f = struct.unpack('<d', payload[1:])[0]\n"
    "    n = int.from_bytes(payload[1:], 'little')\n"
    "    row = {'i': n & 32767, 'u': n & 0xFFFFFFFF, 'q': 5, 'f': f, 'b': k > 3, 'e': k & 1, 't': n >> 1}\n"
    "    if k == 1:\n        del row['q']\n"
    "    if k == 2:\n        row['e'] = 'y'\n"
    "    if k == 3:\n        row['e'] = 2\n"
    "    if k == 4:\n        row['b'] = 1\n"
    "    if k == 5:\n        row['b'] = 2\n"
    "    if k == 6:\n        row['i'] = n\n"
    "    if k == 7:\n        row['f'] = -float('nan')\n"
    "    if k == 8:\n        row['t'] = None\n"
    "    if k == 9:\n        row['e'] = -1\n"
    "    if k == 10:\n        print(n)\n"
    "    return row\n"
)

_OPTIONAL_FLOAT = InProcess(
    'import struct\nOUTPUT = {"v": {"type": "f64", "optional": True}}\n'
    "def transform(payload):\n"
    "    if payload == b'bad':\n        return {'v': 'x'}\n"
    "    return {'v': struct.unpack('<d', payload)[0]} if payload else {}\n"
)
