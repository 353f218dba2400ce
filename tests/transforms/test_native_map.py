"""Elements through a native module: the same bytes as in the sandbox, whatever the module leaves to CPython."""

from __future__ import annotations

import functools
import math
import os
import random
import struct
from collections.abc import Sequence

import pytest
from tests.fakes.c_modules import MAP, module
from tests.transforms.in_process import InProcess, RefusedError
from tests.transforms.test_native_runner import sections

from alloy_native.module import Module, ModuleError
from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.columns import input_column
from alloy_transforms.sandbox.native_map import MapPlan
from alloy_transforms.sandbox.native_runner import MANY
from alloy_transforms.sandbox.protocol import encode_run
from alloy_transforms.sandbox.reply import Reply

SCALED = '''"""Scaled."""
OUTPUT = {"y": {"type": "f64"}}


def f(x: float, gain: float) -> float:
    if x < 0.0:
        raise ValueError("negative")
    return x * gain
'''
SCALED_C = """
    uint64_t set = 0;
    for (uint64_t i = 0; i < m->n; i++) {
        double x = m->arguments[0].values[i * m->arguments[0].stride];
        double gain = m->arguments[1].values[i * m->arguments[1].stride];
        uint8_t code = x < 0 ? 3 : x == 100 ? 200 : x == 101 ? 201 : x == 103 ? 1 : 0;
        m->out[i] = x * gain;
        if (x == 104) m->out[i] += 1;                                 /* a lie: another value */
        if (code || m->out[i] != m->out[i]) m->out[i] = __builtin_nan("");
        m->codes[i] = code;
        set += code != 0;
    }
    return set;
"""
Values = Sequence[float | None]


@functools.cache
def opened(body: str = SCALED_C, entry: str = MAP) -> Module:
    fd = os.memfd_create("test")
    os.write(fd, module(body, entry=entry))
    try:
        return Module(fd)
    finally:
        os.close(fd)


@functools.cache
def pair() -> tuple[InProcess, InProcess]:
    """A worker of each tier."""
    return InProcess(SCALED), InProcess(SCALED, opened=opened())


def same(x: Values, gain: Values, *, both: bool = False) -> Reply:
    """Both tiers answer with the same bytes; the native reply."""
    python, native = pair()
    ours, declined, differs = sections(python.reply_bytes(x, gain, both=both))
    body = native.reply_bytes(x, gain, both=both)
    assert (declined, differs) == (0, 0)
    assert sections(body)[0] == ours
    return native.decoder.decode(body, batch=7, asked=len(x))


def numbers(n: int) -> list[float]:
    return [float(i % 99) for i in range(n)]


@pytest.mark.parametrize("n", [1, 2, 9, 128, 5000])
def test_bytes_are_those_of_the_sandbox_when_the_module_answers_everything(n: int) -> None:
    reply = same(numbers(n), [0.1] * n)

    assert (reply.rows, reply.declined, reply.differs) == (n, 0, 0)


def test_errors_are_those_of_the_sandbox_when_elements_are_bad() -> None:
    reply = same([*numbers(20), -1.0, *numbers(20)], [2.0] * 41)

    assert [(e.index, e.code, e.line, e.message) for e in reply.errors] == [
        (20, "data.value", 7, "ValueError: negative")
    ]


@pytest.mark.parametrize("value", [100.0, 101.0])
def test_elements_are_merged_in_order_when_the_module_declines(value: float) -> None:
    x = [*numbers(40), value, *numbers(40), value, value, 3.0]

    reply = same(x, [2.0] * len(x))

    assert (reply.rows, reply.declined) == (len(x), 3)


def test_whole_batch_is_answered_by_cpython_when_the_module_declines_much_of_it() -> None:
    reply = same([100.0, 1.0, -1.0, 101.0] * 10, [1.0] * 40)

    assert (reply.rows, len(reply.errors), reply.declined) == (30, 10, 20)


def test_missing_elements_are_not_shown_to_the_module_when_it_would_fail_over_them() -> None:
    n = 10 * MANY
    x: list[float | None] = [None, 1.0, -1.0, 100.0, *numbers(n)]
    gain: list[float | None] = [1.0, None, None, None, *[1.0] * n]

    reply = same(x, gain)

    assert (reply.rows, reply.errors, reply.declined) == (len(x), (), 0)
    assert reply.columns[0].validity is not None
    assert same([None] * 5, [1.0, None, 1.0, 1.0, 1.0]).rows == 5


def test_validity_stays_in_step_when_elements_are_missing_declined_and_bad_at_once() -> None:
    x: list[float | None] = [*numbers(60)]
    x[3] = x[17] = x[40] = None
    x[5], x[16], x[41] = 100.0, -1.0, -2.0

    reply = same(x, [3.0] * 60)

    assert (reply.rows, reply.declined, [e.index for e in reply.errors]) == (58, 1, [16, 41])


@pytest.mark.parametrize("seed", range(40))
def test_bytes_are_those_of_the_sandbox_when_elements_are_generated(seed: int) -> None:
    chance = random.Random(seed)
    odd = chance.choice((0.0, 0.02, 0.1, 0.6))

    def column(n: int, *edges: float | None) -> list[float | None]:
        return [chance.choice(edges) if chance.random() < odd else chance.random() for _ in range(n)]

    for n in (1, 2, 9, 200):
        x = column(n, -1.0, 100.0, 101.0, None, math.nan, math.inf, 5e-324, -0.0)
        gain = column(n, None, None, math.inf, 0.0, -0.0)
        reply = same(x, gain, both=chance.random() < 0.3)
        declined = [a in (100.0, 101.0) and b is not None for a, b in zip(x, gain, strict=True)]
        assert (reply.declined, reply.differs) == (sum(declined), 0)


@pytest.mark.parametrize("n", [3, 40])
def test_reply_names_the_element_when_the_tiers_disagree_about_an_error(n: int) -> None:
    _, native = pair()

    reply = native.run([1.0, 103.0, *numbers(n)], [1.0] * (n + 2))

    assert (reply.differs, reply.rows) == (2, n + 2)  # the answer is CPython's


def test_disagreement_about_a_value_is_seen_when_both_tiers_are_asked() -> None:
    python, native = pair()
    x, gain = [None, *numbers(20), 104.0, 100.0, 104.0], [1.0] * 24

    silent, loud = native.run(x, gain), native.run(x, gain, both=True)

    assert silent.differs == 0
    assert (loud.differs, loud.declined) == (22, 1)
    assert loud.columns == python.run(x, gain).columns != silent.columns


@pytest.mark.parametrize("body", ["m->codes[0] = 3; return 1;", "m->codes[0] = 99; return 1;", "return 1;"])
def test_reply_is_a_violation_when_the_module_lies(body: str) -> None:
    native = InProcess(SCALED, opened=opened(body))

    for x in ([1.0, 2.0], [None, 2.0]):
        with pytest.raises(ViolationError, match="broke its interface") as caught:
            native.run(x, [1.0, 1.0])
        assert caught.value.code == "violation.protocol"


def test_a_module_is_refused_when_it_is_of_the_other_kind_or_the_file_has_no_native_form() -> None:
    record = "b->answered = b->n; return 0;"
    for source, found in (
        (SCALED, opened(record, "PUBLIC uint64_t alloy_run_v1(struct alloy_batch *b)")),
        ("import json\n" + SCALED, opened()),
        (
            'INPUT = {"x": "float"}\n' + SCALED.replace("f(x: float, gain: float) -> float", "transform(x)"),
            opened(),
        ),
    ):
        with pytest.raises(RefusedError) as caught:
            InProcess(source, opened=found)
        assert caught.value.codes == ["load.abi"]


def test_a_frame_is_refused_when_it_is_not_of_the_contract() -> None:
    inputs = (("x", "float"), ("gain", "float"))
    columns = [input_column("float", values) for values in ([1.0, None, 3.0], [1.0, 2.0, 3.0])]
    plan = MapPlan(opened(), 2)
    body = b"".join(encode_run(1, 3, inputs, columns))

    batch = plan.batch(body)

    assert (batch.n, batch.batch, batch.both, batch.state) == (3, 1, False, None)
    assert batch.input(2) == (3.0, 3.0)
    with pytest.raises(ValueError, match="together"):
        batch.run(1, 3, b"")
    arena = bytearray(body)
    struct.pack_into("<I", arena, 24, 8)
    for bad in (
        b"".join(encode_run(1, 3, inputs, columns, b"\x80")),
        b"".join(encode_run(1, 3, inputs[:1], columns[:1])),
        body + bytes(8),
        body[:-8],
        bytes(arena),
    ):
        with pytest.raises(ModuleError) as caught:
            plan.batch(bad)
        assert caught.value.code == "violation.protocol"
