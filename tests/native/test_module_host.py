"""One call of a module: what an honest one gives, and every lie that is noticed when it comes back."""

from __future__ import annotations

import fcntl
import os
import resource
import struct
from array import array
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.fakes.c_modules import DOUBLE, MAP, module, schema

from alloy_native.module import Elements, Module, ModuleBatch, ModuleError, ModulePlan, opened
from alloy_native.module import open as open_module
from alloy_transforms.record import Column
from alloy_transforms.sandbox.columns import input_column, pack_bits
from alloy_transforms.sandbox.protocol import encode_run

SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
Output = tuple[str, bool, int]
LONG: Output = ("i64", False, 0)


def mapped(data: bytes) -> Module:
    fd = os.memfd_create("test", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        os.write(fd, data)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
        return Module(fd)
    finally:
        os.close(fd)


def batch_of(
    data: bytes,
    *columns: tuple[str, Sequence[object]],
    outputs: Sequence[Output] = (LONG,),
    state: Sequence[str] = (),
    max_rows: int = 1,
) -> ModuleBatch:
    """A batch of these inputs, (type, values) each, on its way through a module."""
    plan = ModulePlan(mapped(data), [kind for kind, _ in columns], outputs, state, max_rows)
    packed = [input_column(kind, values) for kind, values in columns]
    inputs = [(f"x{k}", kind) for k, (kind, _) in enumerate(columns)]
    return plan.batch(b"".join(encode_run(7, len(columns[0][1]), inputs, packed)))


def test_values_come_back_when_a_module_is_honest() -> None:
    batch = batch_of(module(DOUBLE), ("int", [1, -2, 1 << 40]))

    answered, codes, src, columns, state = batch.run(0, 3, b"")

    assert (answered, codes, state) == (3, bytes(3), b"")
    assert array("I", src).tolist() == [0, 1, 2]
    assert columns == [(struct.pack("<3q", 2, -4, 1 << 41), b"", b"")]


def test_part_of_a_batch_is_answered_when_it_is_asked_for() -> None:
    batch = batch_of(module(DOUBLE), ("int", [1, 2, 3, 4]))

    answered, codes, src, columns, _ = batch.run(1, 3, b"")

    assert (answered, codes) == (3, bytes(2))
    assert array("I", src).tolist() == [1, 2]
    assert columns == [(struct.pack("<2q", 4, 6), b"", b"")]


SPANS = """
    const uint32_t *at = b->inputs[0].values;
    struct alloy_span *text = b->outputs[0].values, *data = b->outputs[1].values;
    uint8_t *small = b->outputs[2].values;
    for (uint64_t i = b->first; i < b->n; i++) {
        uint64_t len = at[i + 1] - at[i], row = b->rows++;
        const uint8_t *p = b->inputs[0].arena + at[i];
        b->src[row] = (uint32_t) i;
        small[row] = len & 1;
        if (len > 2) { data[row].at = p + 1; data[row].len = len - 2; b->outputs[1].validity[row / 8] |= 1 << row % 8; }
        if (len) { text[row].at = (const uint8_t *) "constant"; text[row].len = len > 8 ? 8 : len; }
    }
    b->answered = b->n;
    return 0;
"""


def test_spans_are_copied_when_they_lie_in_inputs_or_constants() -> None:
    outputs = [("text", False, 8), ("bytes", True, 9), ("bool", False, 0)]
    batch = batch_of(module(SPANS), ("bytes", [b"", b"ab", b"hello", b"constant!"]), outputs=outputs)

    columns = batch.run(0, 4, b"")[3]

    assert columns[0] == (struct.pack("<5I", 0, 0, 2, 7, 15), b"coconstconstant", b"")
    assert columns[1] == (struct.pack("<5I", 0, 0, 0, 3, 10), b"ellonstant", b"\x0c")
    assert columns[2] == (b"\0\0\1\1", b"", b"")


@pytest.mark.parametrize("n", [1, 7, 8, 9, 1000])
def test_validity_is_dropped_when_every_value_is_there(n: int) -> None:
    body = """
    int16_t *v = b->outputs[0].values;
    for (uint64_t i = 0; i < b->n; i++) {
        b->src[b->rows] = (uint32_t) i; v[b->rows++] = (int16_t) i;
        b->outputs[0].validity[i / 8] |= ((const uint8_t *) b->inputs[0].values)[i] << i % 8;
    }
    b->outputs[0].validity[(b->n - 1) / 8] |= 0xff << ((b->n - 1) % 8 + 1);  /* beyond the last row: nobody's */
    b->answered = b->n;
    return 0;
"""
    flags = [True] * n
    whole = batch_of(module(body), ("bool", flags), outputs=[("i16", True, 0)])
    some = batch_of(module(body), ("bool", [*flags[:-1], False]), outputs=[("i16", True, 0)])

    assert whole.run(0, n, b"")[3][0][2] == b""
    assert some.run(0, n, b"")[3][0][2] == pack_bits(bytes([*flags[:-1], False]))


def test_absent_inputs_are_not_shown_when_a_batch_has_some() -> None:
    plan = ModulePlan(mapped(module(DOUBLE)), ["int"], [LONG], [], 1)
    values = struct.pack("<3q", 1, 0, 3)
    batch = plan.batch(b"".join(encode_run(7, 3, [("x", "int")], [Column(values, validity=b"\x05")])))

    _, codes, src, columns, _ = batch.run(0, 3, b"")

    assert codes == bytes((0, 6, 0))
    assert array("I", src).tolist() == [0, 2]
    assert columns[0][0] == struct.pack("<2q", 2, 6)
    assert [batch.input(i) for i in range(3)] == [(1,), (None,), (3,)]


def test_inputs_are_read_back_when_python_needs_them() -> None:
    batch = batch_of(
        module(DOUBLE),
        ("int", [-1, 5]),
        ("float", [0.5, -0.0]),
        ("bool", [True, False]),
        ("bytes", [b"", b"xy"]),
    )

    assert batch.input(0) == (-1, 0.5, True, b"")
    assert str(batch.input(1)) == "(5, -0.0, False, b'xy')"
    with pytest.raises(ValueError, match="no such input"):
        batch.input(2)


COUNTER = """
    const int64_t *x = b->inputs[0].values;
    int64_t *v = b->outputs[0].values, *total = (int64_t *) b->state;
    uint64_t i = b->first;
    for (; i < b->n; i++) {
        if (b->codes[i]) continue;
        if (x[i] < 0) { b->codes[i] = 200; b->answered = i + 1; return 1; }
        *total += x[i];
        b->src[b->rows] = (uint32_t) i;
        v[b->rows++] = *total;
    }
    b->answered = i;
    return 0;
"""


def test_module_stops_behind_an_input_with_a_code_when_it_has_state() -> None:
    batch = batch_of(module(COUNTER), ("int", [1, 2, -1, 4]), state=["int"])

    answered, codes, src, columns, state = batch.run(0, 4, struct.pack("<q", 10))
    later = batch.run(3, 4, struct.pack("<q", 100))

    assert (answered, codes, state) == (3, bytes((0, 0, 200)), struct.pack("<q", 13))
    assert array("I", src).tolist() == [0, 1]
    assert columns[0][0] == struct.pack("<2q", 11, 13)
    assert (later[0], later[3][0][0], later[4]) == (4, struct.pack("<q", 104), struct.pack("<q", 104))


ROWS = "b->answered = b->n; b->rows = b->n; for (uint64_t i = 0; i < b->n; i++) b->src[i] = i;"
WITH_CODE = (
    ROWS + "b->codes[0] = 200; b->rows = b->n - 1; for (uint64_t i = 1; i < b->n; i++) b->src[i - 1] = i;"
)
LIES = {
    "more rows than room": (ROWS + "b->rows = b->rows_max + 1; return 0;", "room"),
    "very many rows": (ROWS + "b->rows = 1ull << 63; return 0;", "room"),
    "nothing answered": (ROWS + "b->answered = 0; return 0;", "answered"),
    "more answered than asked": (ROWS + "b->answered = b->n + 1; return 0;", "answered"),
    "an early end": (ROWS + "b->rows = 1; b->answered = 1; return 0;", "for no reason"),
    "a row of no input": (ROWS + "b->src[1] = 99; return 0;", "row 1 comes from input 99"),
    "rows out of order": (ROWS + "b->src[0] = 1; b->src[1] = 0; return 0;", "row 1"),
    "too many rows of an input": (ROWS + "b->src[1] = 0; return 0;", "row 1"),
    "a row and a code": (ROWS + "b->codes[1] = 1; return 1;", "row 1"),
    "a code that does not exist": (WITH_CODE + "b->codes[0] = 99; return 1;", "code 99"),
    "a code that is the worker's": (WITH_CODE + "b->codes[0] = 32; return 1;", "code 32"),
    "a wrong count of codes": (WITH_CODE + "return 2;", "counts 2"),
    "a code nobody counted": (WITH_CODE + "return 0;", "counts 0"),
}


@pytest.mark.parametrize("what", LIES)
def test_lie_is_noticed_when_a_module_says(what: str) -> None:
    body, words = LIES[what]
    batch = batch_of(module(body), ("int", [1, 2, 3]))

    with pytest.raises(ModuleError, match=words) as caught:
        batch.run(0, 3, b"")

    assert caught.value.code == "violation.protocol"


def test_lie_is_noticed_when_an_input_that_was_left_out_gets_another_code() -> None:
    body = ROWS + "b->rows = 0; b->codes[0] = 0; return 0;"
    plan = ModulePlan(mapped(module(body)), ["int"], [LONG], [], 1)
    batch = plan.batch(b"".join(encode_run(7, 2, [("x", "int")], [Column(bytes(16), validity=b"\x02")])))

    with pytest.raises(ModuleError, match="code 0 of input 0"):
        batch.run(0, 2, b"")


STATEFUL_LIES = {
    "it goes on behind a code": (WITH_CODE + "return 1;", "went on behind input 0"),
    "it stops for no reason": ("b->answered = b->first + 1; return 0;", "for no reason"),
    "a bool of 2": (ROWS + "b->state[0] = 2; return 0;", "bool"),
}


@pytest.mark.parametrize("what", STATEFUL_LIES)
def test_lie_is_noticed_when_a_module_with_state_says(what: str) -> None:
    body, words = STATEFUL_LIES[what]
    batch = batch_of(module(body), ("int", [1, 2, 3]), state=["bool"])

    with pytest.raises(ModuleError, match=words):
        batch.run(0, 3, bytes(8))


SPAN = ROWS + "struct alloy_span *v = b->outputs[0].values; v[1].at = {at}; v[1].len = {len}; return 0;"
SPAN_LIES = {
    "a span of no address": ("0", "1", "outside"),
    "a span of the heap": ("(const uint8_t *) b->src", "4", "outside"),
    "a span of its own stack": ("(const uint8_t *) &b", "4", "outside"),
    "a span of its own variables": ("(const uint8_t *) &definition", "4", "outside"),
    "a span one past an input": ("b->inputs[0].arena", "b->inputs[0].arena_len + 1", "outside"),
    "a span that wraps": ("b->inputs[0].arena", "(uint64_t) -1", "at most"),
    "a short span that wraps": ("(const uint8_t *) -2", "4", "outside"),
    "a span longer than `max`": ("b->inputs[0].arena", "17", "at most 16"),
    "a text that is not UTF-8": ("(const uint8_t *) \"\\xff\\xfe\"", "2", "UTF-8"),
    "a text cut inside a character": ("(const uint8_t *) \"\\xc3\\xa9\"", "1", "UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize("what", SPAN_LIES)
def test_lie_is_noticed_when_a_module_points_to(what: str) -> None:
    at, length, words = SPAN_LIES[what]
    body = SPAN.replace("{at}", at).replace("{len}", length)
    batch = batch_of(module(body), ("bytes", [b"one", b"two"]), outputs=[("text", False, 16)])

    with pytest.raises(ModuleError, match=words) as caught:
        batch.run(0, 2, b"")

    assert caught.value.code == "violation.protocol"


@pytest.mark.parametrize(("kind", "limit", "good"), [("bool", 0, 1), ("enum", 3, 2), ("enum", 256, 255)])
def test_lie_is_noticed_when_a_small_value_is_too_large(kind: str, limit: int, good: int) -> None:
    body = (
        ROWS + "((uint8_t *) b->outputs[0].values)[1] = ((const int64_t *) b->inputs[0].values)[1]; return 0;"
    )
    data = module(body)
    outputs = [(kind, False, limit)]

    assert batch_of(data, ("int", [0, good]), outputs=outputs).run(0, 2, b"")[3][0][0] == bytes((0, good))
    if good < 255:
        with pytest.raises(ModuleError, match="row 1 holds"):
            batch_of(data, ("int", [0, good + 1]), outputs=outputs).run(0, 2, b"")


def test_elements_are_mapped_when_the_module_is_element_wise() -> None:
    body = """
    uint64_t set = 0;
    for (uint64_t i = 0; i < m->n; i++) {
        double x = m->arguments[0].values[i * m->arguments[0].stride];
        double y = m->arguments[1].values[i * m->arguments[1].stride];
        m->out[i] = x * y;
        if (x < 0) { m->codes[i] = 3; m->out[i] = __builtin_nan(""); set++; }
    }
    return set;
"""
    found = mapped(module(body, entry=MAP))

    values = bytearray(24)
    given = struct.pack("<3d", 1.5, -1, 4)

    codes = found.map([given, 2.0], values, False)

    assert found.kind == "map"
    assert codes == bytes((0, 3, 0))
    assert values == struct.pack("<3d", 3.0, float("nan"), 8.0)
    shifted = bytearray(25)
    del shifted[:1]  # no longer on a boundary of 8 bytes
    assert found.map([given, 2.0], shifted, False) == codes
    assert shifted == values
    for arguments, out in (
        ([given[:16], 2.0], values),
        ([given, 2.0], bytearray(23)),
        ([given, 2.0], bytearray()),
    ):
        with pytest.raises(ValueError, match="elements of 8 bytes"):
            found.map(arguments, out, False)
    with pytest.raises(ValueError, match="no native module has such fields"):
        ModulePlan(found, ["int"], [LONG], [], 1)


def test_only_elements_that_are_present_are_shown_to_a_module() -> None:
    body = """
    uint64_t set = 0;
    for (uint64_t i = 0; i < m->n; i++) {
        double x = m->arguments[0].values[i * m->arguments[0].stride];
        m->out[i] = x + (double) m->n * m->arguments[1].values[i * m->arguments[1].stride];
        if (x == 9) { m->codes[i] = 200; m->out[i] = __builtin_nan(""); set++; }
    }
    return set;
"""
    found = mapped(module(body, entry=MAP))
    given = struct.pack("<9d", *range(1, 10))
    out = bytearray(b"\xff" * 72)

    codes = found.map([given, 100.0], out, False, bytes((0b01000101, 1)))

    assert codes == bytes((*[0] * 8, 200))
    assert struct.unpack("<9d", out)[:8] == (401, 0, 403, 0, 0, 0, 407, 0)
    assert found.map([given, 100.0], out, False, bytes(2)) == bytes(9)
    assert out == bytes(72)
    assert found.map([given, 0.0], out, False, b"\xff\xff")[-1] == 200
    for bits in (b"\xff", bytes(3)):
        with pytest.raises(ValueError, match="a bit for each element"):
            found.map([given, 100.0], out, False, bits)


def test_arguments_are_counted_when_the_schema_names_the_parameters() -> None:
    body = "for (uint64_t i = 0; i < m->n; i++) m->out[i] = m->arguments[0].values[i] + 1; return 0;"
    facts = schema(kind="map", inputs=[["x", "float"]], total=True)
    function = Elements(mapped(module(body, facts, entry=MAP)))
    out = bytearray(16)

    assert function([struct.pack("<2d", 1.0, 2.5)], out) == b""
    assert (function.parameters, function.total) == (("x",), True)
    assert out == struct.pack("<2d", 2.0, 3.5)
    with pytest.raises(ValueError, match="got 2 arguments for x"):
        function([1.0, 2.0], out)
    with pytest.raises(ValueError, match="not element-wise"):
        Elements(mapped(module(DOUBLE)))


@pytest.mark.parametrize(
    "body",
    [
        "m->codes[0] = 3; return 1;",
        'm->codes[0] = 99; m->out[0] = __builtin_nan(""); return 1;',
        "return 1;",
    ],
)
def test_lie_is_noticed_when_an_element_has_both_a_code_and_a_value(body: str) -> None:
    with pytest.raises(ModuleError) as caught:
        mapped(module(body, entry=MAP)).map([struct.pack("<d", 1)], bytearray(8), False)

    assert caught.value.code == "violation.protocol"


def test_module_is_copied_and_sealed_when_its_file_is_not(tmp_path: Path) -> None:
    file = tmp_path / "m.so"
    file.write_bytes(module(DOUBLE))
    fd = os.open(file, os.O_RDWR)

    found = open_module(fd)
    os.ftruncate(fd, 0)  # what is mapped is not this file

    os.close(fd)
    assert opened() is found
    plan = ModulePlan(found, ["int"], [LONG], [], 1)
    batch = plan.batch(b"".join(encode_run(7, 1, [("x", "int")], [Column(struct.pack("<q", 4))])))
    assert batch.run(0, 1, b"")[3][0][0] == struct.pack("<q", 8)


def test_module_is_refused_when_its_descriptor_is_no_file() -> None:
    read, write = os.pipe()
    for fd in (read, -1):
        with pytest.raises(ModuleError) as caught:
            Module(fd)
        assert caught.value.code == "load.elf"
    os.close(read)
    os.close(write)


def test_module_is_refused_when_there_is_no_memory_for_it() -> None:
    data = module(DOUBLE)
    child = os.fork()
    if child == 0:
        with open("/proc/self/statm", encoding="ascii") as statm:
            pages = int(statm.read().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(),) * 2)
        try:
            mapped(data)
        except ModuleError as error:
            os._exit(0 if error.code == "load.elf" and "cannot be mapped" in error.what else 1)
        os._exit(2)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_two_modules_are_two_when_their_descriptors_have_one_number() -> None:
    """The C library knows files by their path, and the path is the descriptor's number."""
    twice, thrice = mapped(module(DOUBLE)), mapped(module(DOUBLE.replace("2 * x", "3 * x")))

    found = []
    for one in (twice, thrice):
        plan = ModulePlan(one, ["int"], [LONG], [], 1)
        batch = plan.batch(b"".join(encode_run(7, 1, [("x", "int")], [Column(struct.pack("<q", 1))])))
        found += struct.unpack("<q", batch.run(0, 1, b"")[3][0][0])
    assert found == [2, 3]


@pytest.mark.parametrize(
    ("at", "value"), [(0, 2), (1, 9), (2, 9), (8, 0), (16, 0xFF), (24, 0xFF), (28, 0xFF), (32, 0xFF), (36, 9)]
)
def test_frame_is_refused_when_it_breaks_its_layout(at: int, value: int) -> None:
    plan = ModulePlan(mapped(module(DOUBLE)), ["bytes"], [LONG], [], 1)
    body = bytearray(b"".join(encode_run(7, 2, [("x", "bytes")], [input_column("bytes", [b"abc", b"de"])])))
    plan.batch(bytes(body))
    body[at] = value

    with pytest.raises(ModuleError) as caught:
        plan.batch(bytes(body))

    assert caught.value.code == "violation.protocol"
