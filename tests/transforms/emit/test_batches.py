"""What a batch promises: order, room, codes that were there before, state, ranges, rows of generators, iterations."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest
from tests.transforms.emit.agree import agree
from tests.transforms.emit.compiled import DECLINED, NAN, OUT_OF_FUEL, Program, compile_programs
from tests.transforms.lang.differential import report

pytestmark = pytest.mark.slow  # programs are compiled

HEAD = '"""A case."""\nimport kit\nEXAMPLES = ()\n'
DIV, VALUE, RANGE, OUTPUT = 1, 3, 5, 37
SOURCES = {
    "plain": """
INPUT = {"b": "bytes", "n": "int"}
OUTPUT = {"v": {"type": "u16"}, "w": {"type": "i8", "optional": True}}

def transform(b: bytes, n: int) -> dict:
    out = {"v": b[0] * 256 // n}
    if n > 5:
        out["w"] = n
    return out
""",
    "state": """
INPUT = {"n": "int", "x": "float"}
OUTPUT = {"sum": {"type": "i64"}, "mean": {"type": "f64"}, "seen": {"type": "bool"}}
STATE = {"count": 0, "sum": 0, "mean": 0.5, "seen": False}

def transform(n: int, x: float, s: dict) -> dict:
    before = s["seen"]
    s["count"] += 1
    s["sum"] = s["sum"] + n
    s["mean"] = s["mean"] + x
    s["seen"] = n == 7
    if n == 13:
        raise ValueError("no")
    return {"sum": s["sum"], "mean": s["mean"], "seen": before}
""",
    "rows": """
INPUT = {"n": "int"}
OUTPUT = {"k": {"type": "u8"}, "odd": {"type": "bool", "optional": True}}
MAX_ROWS = 5

def transform(n: int) -> dict:
    for k in range(n & 7):
        if k % 2 == 1:
            yield {"k": n + k, "odd": True}
        else:
            yield {"k": n + k}
        if n + k == 100:
            raise ValueError("after a row")
""",
    "order": """
INPUT = {"b": "bytes", "n": "int"}
OUTPUT = {"a": {"type": "bytes", "max": 4, "optional": True}, "k": {"type": "u8"}}
MAX_ROWS = 3

def transform(b: bytes, n: int) -> dict:
    yield {"a": b, "k": 1}
    yield {"k": n}
    yield {"k": 100 // n}
""",
    "text": """
INPUT = {"b": "bytes", "n": "int"}
OUTPUT = {"a": {"type": "text", "max": 4, "optional": True}, "k": {"type": "u8"}}
MAX_ROWS = 3

def transform(b: bytes, n: int) -> dict:
    yield {"a": b[0:9], "k": 1}
    yield {"k": n}
    yield {"k": 100 // n}
""",
    "calls": '\nINPUT = {"n": "int"}\nOUTPUT = {"k": {"type": "i64"}}\n\ndef f0(n: int) -> int:\n    return n + 1\n'
    + "".join(
        f"\ndef f{k}(n: int) -> int:\n    return {' ^ '.join([f'f{k - 1}(n)'] * 9)}\n" for k in range(1, 12)
    )
    + '\ndef transform(n: int) -> dict:\n    if n > 0:\n        return {"k": f3(n)}\n    return {"k": f11(n)}\n',
    "while": """
INPUT = {"n": "int"}
OUTPUT = {"k": {"type": "i64"}}

def transform(n: int) -> dict:
    k = 0
    while k < n:
        k = k + 1
    return {"k": k}
""",
    "for": """
INPUT = {"n": "int"}
OUTPUT = {"k": {"type": "i64"}}

def transform(n: int) -> dict:
    t = 0
    for k in range(min(max(n, -9), 1 << 24)):
        t = t ^ k
    return {"k": t}
""",
    "early": """
INPUT = {"n": "int", "m": "int"}
OUTPUT = {"k": {"type": "i64"}}

def transform(n: int, m: int) -> dict:
    t = 0
    for k in range(min(max(n, -9), 1 << 24)):
        if k == m:
            break
        t = t ^ k
    return {"k": t}
""",
    "nested": """
INPUT = {"n": "int", "m": "int"}
OUTPUT = {"k": {"type": "i64"}}

def inner(m: int) -> int:
    t = 0
    for k in range(min(max(m, -9), 1 << 24)):
        t = t + (k & 3)
    return t

def transform(n: int, m: int) -> dict:
    k = 0
    t = 0
    while k < n:
        k = k + 1
        t = t ^ inner(m)
    return {"k": t}
""",
    "small": """
INPUT = {"n": "int"}
OUTPUT = {"k": {"type": "i64"}}

def transform(n: int) -> dict:
    t = 0
    for i in range(1000):
        for j in range(n & 255):
            t = t ^ (i + j)
    return {"k": t}
""",
}


def doc_of(name: str) -> dict[str, Any]:
    checked = report(HEAD + SOURCES[name])
    assert checked.document is not None, [(f.line, f.rule, f.what) for f in checked.refusals]
    return checked.document


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Program]:
    docs = {name: doc_of(name) for name in SOURCES}
    return dict(
        zip(docs, compile_programs(list(docs.values()), tmp_path_factory.mktemp("batches")), strict=True)
    )


def call(program: Program, made: Any) -> int:
    return int(program.entry(ctypes.byref(made.batch)))


def test_the_call_ends_before_an_input_when_there_is_no_room_for_its_rows(
    programs: dict[str, Program],
) -> None:
    rows = programs["rows"]
    made = rows.buffers([[2], [3], [1], [4]], 10, {})

    set_ = call(rows, made)

    assert (made.batch.answered, made.batch.rows, set_) == (3, 6, 0)
    assert list(made.src[:6]) == [0, 0, 1, 1, 1, 2]


def test_rows_go_behind_those_there_are_when_the_call_begins_later(programs: dict[str, Program]) -> None:
    rows = programs["rows"]
    made = rows.buffers([[2], [3], [1], [4]], 40, {})
    made.batch.first, made.batch.rows = 2, 1

    call(rows, made)

    assert (made.batch.answered, made.batch.rows) == (4, 6)
    assert list(made.src[:6]) == [0, 2, 3, 3, 3, 3]


def test_an_input_is_left_out_when_it_has_a_code_before(programs: dict[str, Program]) -> None:
    plain = programs["plain"]
    made = plain.buffers([[b"\x01", 2], [b"\x01", 0], [b"\x02", 9]], 3, {})
    made.codes[0] = 7

    set_ = call(plain, made)

    assert (made.batch.answered, made.batch.rows, set_) == (3, 1, 1)
    assert list(made.codes) == [7, DIV, 0]
    assert plain.answers(made) == [7, DIV, [{"v": 56, "w": 9}]]


def test_nothing_is_written_when_a_batch_is_empty(programs: dict[str, Program]) -> None:
    plain = programs["plain"]
    made = plain.buffers([], 0, {})

    assert call(plain, made) == 0
    assert (made.batch.answered, made.batch.rows) == (0, 0)


def test_only_rows_that_count_are_written_when_columns_end(programs: dict[str, Program]) -> None:
    plain = programs["plain"]
    made = plain.buffers([[b"\x01", 2]], 1, {})
    _, values, _ = made.columns[0]

    call(plain, made)

    assert bytes(values)[2:10] == bytes(8)


def test_an_input_is_declined_when_it_is_too_long(programs: dict[str, Program]) -> None:
    answers = programs["plain"].run([[bytes(65_536), 1], [bytes(65_537), 1]]).answers

    assert answers == [[{"v": 0}], DECLINED]


@pytest.mark.parametrize("offsets", [(0, 5, 3, 4), (0, 1, 2, 4_000_000_000), (9, 1, 2, 3)])
def test_an_input_is_declined_when_its_offsets_lead_outside(
    offsets: tuple[int, ...], programs: dict[str, Program]
) -> None:
    plain = programs["plain"]
    made = plain.buffers([[b"\x01", 2], [b"\x02", 2], [b"\x03", 2]], 3, {})
    ctypes.memmove(made.batch.inputs[0].values, struct.pack("<4I", *offsets), 16)

    call(plain, made)

    assert DECLINED in list(made.codes)


def test_differential_state_is_that_of_cpython_when_inputs_fail_between(programs: dict[str, Program]) -> None:
    inputs = [
        [n, x]
        for n in (1, 7, 13, -5, (1 << 63) - 1, 3, -(1 << 63), 7, 0)
        for x in (0.25, float("nan"), -1e308)
    ]

    out = agree(HEAD + SOURCES["state"], programs["state"], inputs)

    assert out.errors == 3
    assert out.declined > 0


def test_the_call_ends_behind_an_input_when_it_fails_and_there_is_state(programs: dict[str, Program]) -> None:
    state = programs["state"]
    made = state.buffers([[1, 0.5], [13, 0.5], [2, 0.5]], 3, state.first_state)

    first = call(state, made), made.batch.answered, state.state_of(made)
    made.batch.first = made.batch.answered
    second = call(state, made), made.batch.answered, state.state_of(made)

    assert first == (1, 2, {"count": 1, "sum": 1, "mean": 1.0, "seen": False})
    assert second == (0, 3, {"count": 2, "sum": 3, "mean": 1.5, "seen": False})
    assert list(made.codes) == [0, VALUE, 0]


def test_a_nan_of_the_state_is_the_one_when_it_leaves(programs: dict[str, Program]) -> None:
    state = programs["state"]
    odd = struct.unpack("<d", struct.pack("<Q", 0xFFF8000000000123))[0]
    made = state.buffers([[1, odd]], 1, state.first_state)

    call(state, made)

    assert ctypes.string_at(made.batch.state + 16, 8) == NAN


def test_differential_rows_are_those_of_cpython_when_they_are_yielded(programs: dict[str, Program]) -> None:
    out = agree(HEAD + SOURCES["rows"], programs["rows"], [[n] for n in range(-10, 260)])

    assert out.rows > 300
    assert out.errors > 50


def test_an_error_of_the_data_comes_first_when_a_range_is_broken_too(programs: dict[str, Program]) -> None:
    inputs = [[b"", 0], [b"12345", 0], [b"12345", 1], [b"1234", 300], [b"1234", 50]]

    answers = programs["order"].run(inputs).answers

    assert answers[:4] == [DIV, DIV, RANGE, RANGE]
    assert answers[4] == [{"a": b"1234", "k": 1}, {"k": 50}, {"k": 2}]
    agree(HEAD + SOURCES["order"], programs["order"], inputs)


def test_text_is_checked_in_field_order_when_an_input_has_ended(programs: dict[str, Program]) -> None:
    inputs = [[b"\xc3\xa9", 9], [b"\xff", 9], [b"12345", 9], [b"\xff2345", 9], [b"\xc3", 300], [b"\xed\xa0\x80", 9],
              [b"\xff", 0], [b"", 9]]  # fmt: skip

    answers = programs["text"].run(inputs).answers

    assert answers[0] == [{"a": "é", "k": 1}, {"k": 9}, {"k": 11}]
    assert answers[1:7] == [VALUE, RANGE, VALUE, VALUE, VALUE, DIV]
    assert answers[7] == [{"a": "", "k": 1}, {"k": 9}, {"k": 11}]
    agree(HEAD + SOURCES["text"], programs["text"], inputs)


@pytest.mark.parametrize("name", ["while", "for"])
def test_an_input_is_out_of_fuel_when_its_loop_runs_a_million_times_and_once_more(
    name: str, programs: dict[str, Program]
) -> None:
    answers = programs[name].run([[5], [1_000_000], [1_000_001], [(1 << 63) - 1], [3], [-5]]).answers

    assert answers[2:4] == [OUT_OF_FUEL, OUT_OF_FUEL]
    assert all(isinstance(answers[k], list) for k in (0, 1, 4, 5))


def test_iterations_that_were_not_made_are_not_counted_when_a_loop_breaks(
    programs: dict[str, Program],
) -> None:
    answers = programs["early"].run([[(1 << 63) - 1, 10], [(1 << 63) - 1, 1_000_005], [1000, 2000]]).answers

    assert isinstance(answers[0], list)
    assert answers[1] == OUT_OF_FUEL
    assert isinstance(answers[2], list)


def test_iterations_of_a_callee_count_when_a_loop_calls_it(programs: dict[str, Program]) -> None:
    answers = programs["nested"].run([[999, 999], [1001, 1000], [10, 1 << 40], [1 << 40, 0]]).answers

    assert isinstance(answers[0], list)
    assert answers[1:] == [OUT_OF_FUEL] * 3


def test_an_input_is_out_of_fuel_when_calls_alone_would_take_for_ever(programs: dict[str, Program]) -> None:
    answers = programs["calls"].run([[1], [-1]]).answers

    assert isinstance(answers[0], list)
    assert answers[1] == OUT_OF_FUEL


def test_no_iteration_is_counted_when_all_are_known_to_be_few(programs: dict[str, Program]) -> None:
    answers = programs["small"].run([[255], [0]]).answers

    assert all(isinstance(a, list) for a in answers)
