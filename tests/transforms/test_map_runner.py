"""Batches of elements in a worker without a module: one row each, errors alone, missing in and missing out."""

from __future__ import annotations

import math
import random
import struct

import pytest
from tests.transforms.in_process import InProcess

from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.columns import values_of
from alloy_transforms.sandbox.reply import Reply

RATIO = '''"""A ratio."""
OUTPUT = {"r": {"type": "f64"}}


def f(x: float, y: float) -> float:
    return x / y
'''
GATEWAY = 'import json\nOUTPUT = {"r": {"type": "f64"}}\ndef f(x):\n    '
ODD = GATEWAY + (
    "return {0: 1, 1: True, 2: None, 3: 'one', 4: 10**400, 5: float('-nan'), 6: b'8 bytes!'}.get(int(x), x)\n"
)
RATIOS = InProcess(RATIO)


def values(reply: Reply) -> list[float | None]:
    return values_of("f8", reply.columns[0], reply.rows)


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 1025, 5000, protocol.MAX_BATCH_INPUTS])
def test_every_element_has_one_row_when_all_are_good(n: int) -> None:
    reply = RATIOS.run([float(i) for i in range(n)], [2.0] * n)

    assert (reply.answered, reply.rows, reply.errors) == (n, n, ())
    assert list(reply.sources()) == list(range(n))
    assert values(reply) == [i / 2 for i in range(n)]
    assert reply.columns[0].validity is None


def test_an_element_fails_alone_when_f_raises() -> None:
    reply = RATIOS.run([1.0, 2.0, 3.0, 4.0], [1.0, 0.0, 2.0, -0.0])

    assert [(e.index, e.code, e.line, e.message) for e in reply.errors] == [
        (1, "data.div", 6, "ZeroDivisionError: float division by zero"),
        (3, "data.div", 6, "ZeroDivisionError: float division by zero"),
    ]
    assert (list(reply.sources()), values(reply)) == ([0, 2], [1.0, 1.5])


def test_nothing_but_errors_comes_back_when_all_elements_fail() -> None:
    reply = RATIOS.run([1.0] * 9, [0.0] * 9)

    assert (reply.rows, len(reply.errors), values(reply)) == (0, 9, [])


def test_the_value_is_missing_and_f_not_called_when_an_argument_is_missing() -> None:
    reply = RATIOS.run([1.0, None, 3.0, None, 5.0], [0.0, 0.0, None, None, 2.0])

    assert [(e.index, e.code) for e in reply.errors] == [(0, "data.div")]
    assert (list(reply.sources()), values(reply)) == ([1, 2, 3, 4], [None, None, None, 2.5])
    assert reply.columns[0].values[:24] == bytes(24)
    assert values(RATIOS.run([None] * 3, [1.0, None, 0.0])) == [None] * 3


def test_a_missing_argument_is_no_call_when_the_file_is_for_the_gateway() -> None:
    worker = InProcess(GATEWAY + "print(x)\n    return x\n")

    reply = worker.run([1.0, None, 2.0])

    assert (values(reply), reply.log) == ([1.0, None, 2.0], "1.0\n2.0\n")


def test_results_are_taken_as_fields_of_records_take_them_when_they_are_no_floats() -> None:
    reply = InProcess(ODD).run([float(i) for i in range(8)])

    assert [(e.index, e.code, e.message) for e in reply.errors] == [
        (3, "data.schema", "`r` is f64, got str"),
        (4, "data.overflow", "`r` is beyond f64"),
        (6, "data.schema", "`r` is f64, got bytes"),
    ]
    found = values(reply)
    assert found[:3] == [1.0, 1.0, None]
    assert found[4] == 7.0
    assert reply.columns[0].values[24:32] == struct.pack("<Q", 0x7FF8000000000000)


@pytest.mark.parametrize("bits", [0x7FF8000000000001, 0xFFF8000000000000, 0x7FF0000000000001])
def test_one_nan_leaves_when_there_are_many(bits: int) -> None:
    (odd,) = struct.unpack("<d", struct.pack("<Q", bits))

    reply = RATIOS.run([1.0, odd, math.inf], [1.0, 1.0, math.inf])

    nan = struct.pack("<Q", 0x7FF8000000000000)
    assert reply.columns[0].values == struct.pack("<d", 1.0) + nan + nan


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise StopIteration('no more')", "script.exception"),
        ("raise SystemExit", "script.exception"),
        ("raise GeneratorExit", "script.exception"),
        ("raise RecursionError('deep')", "script.recursion"),
        ("return f(x)", "script.recursion"),
        ("raise MemoryError", "script.memory"),
        ("return [x]", "data.schema"),
        ("return type('N', (), {'__float__': lambda self: 1 // 0})()", "data.div"),
        ("return type('N', (), {'__float__': lambda self: exit()})()", "script.exception"),
    ],
)
def test_the_rest_goes_on_when_one_element_ends_as_nobody_should(body: str, code: str) -> None:
    worker = InProcess(GATEWAY + f"if x == 2.0:\n        {body}\n    return x\n")

    reply = worker.run([1.0, 2.0, 3.0, 2.0])

    assert [(e.index, e.code) for e in reply.errors] == [(1, code), (3, code)]
    assert all(e.line for e in reply.errors)
    assert values(reply) == [1.0, 3.0]


@pytest.mark.parametrize("seed", range(20))
def test_elements_are_those_of_f_when_they_are_generated(seed: int) -> None:
    chance = random.Random(seed)
    n = chance.randrange(1, 300)
    odd = chance.choice((0.0, 0.05, 0.5))

    def column() -> list[float | None]:
        return [
            chance.choice((None, 0.0, math.nan, math.inf)) if chance.random() < odd else chance.random()
            for _ in range(n)
        ]

    x, y = column(), column()
    reply = RATIOS.run(x, y)

    bad = [i for i in range(n) if x[i] is not None and y[i] == 0.0]
    assert [(e.index, e.code) for e in reply.errors] == [(i, "data.div") for i in bad]
    wanted = [
        None if a is None or b is None else a / b
        for i, (a, b) in enumerate(zip(x, y, strict=True))
        if i not in bad
    ]
    assert list(map(repr, values(reply))) == list(map(repr, wanted))


def test_reply_is_malformed_when_an_element_has_neither_a_value_nor_an_error() -> None:
    one = 'OUTPUT = {"r": {"type": "f64", "optional": True}}\nINPUT = {"x": "float", "y": "float"}\nMAX_ROWS = 1\n'
    lazy = InProcess(one + "def transform(x, y):\n    if x:\n        yield {'r': x}\n")
    body = lazy.reply_bytes([1.0, 0.0], [1.0, 1.0])
    assert lazy.decoder.decode(body, batch=7, asked=2).rows == 1

    with pytest.raises(ViolationError, match="neither one value nor an error"):
        RATIOS.decoder.decode(body, batch=7, asked=2)
