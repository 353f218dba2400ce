"""`boardkit` against struct, cbor2 and published vectors, and byte for byte against itself on the MicroPython VM."""

from __future__ import annotations

import decimal
import math
import random
import struct
from collections.abc import Callable
from importlib import resources
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.micropython.vm import VM, require_vm

from alloy_transforms.portable import boardkit

PACKERS = {"u8": "B", "i8": "b", "u16be": ">H", "u16le": "<H", "i16be": ">h", "i16le": "<h", "u32be": ">I",
           "u32le": "<I", "i32be": ">i", "i32le": "<i", "u64be": ">Q", "u64le": "<Q", "i64be": ">q",
           "i64le": "<q"}  # fmt: skip
WIDE = {
    "u24be": ("big", False),
    "u24le": ("little", False),
    "i24be": ("big", True),
    "i24le": ("little", True),
}
EDGES = sorted({sign * (1 << bits) + off for bits in range(66) for off in (-1, 0, 1) for sign in (1, -1)})
INTEGERS = st.sampled_from(EDGES) | st.integers(-(1 << 65), 1 << 65)

# Cheshire and Baker 1999, figure 3; the other lines as in the examples every implementation publishes.
COBS = {
    "4500002c4c79000040064f37": "024501042c4c79010540064f37",
    "": "01",
    "00": "0101",
    "0000": "010101",
    "11220033": "0311220233",
    "11223344": "0511223344",
    "11000000": "0211010101",
    bytes(range(1, 255)).hex(): "ff" + bytes(range(1, 255)).hex(),
    bytes(range(255)).hex(): "01ff" + bytes(range(1, 255)).hex(),
    bytes(range(1, 256)).hex(): "ff" + bytes(range(1, 255)).hex() + "02ff",
    (bytes(range(2, 256)) + b"\0").hex(): "ff" + bytes(range(2, 256)).hex() + "0101",
    (bytes(range(3, 256)) + b"\0\1").hex(): "fe" + bytes(range(3, 256)).hex() + "0201",
}
SLIP = {  # the characters of RFC 1055: END 192, ESC 219, ESC END is sent as 219 220, ESC ESC as 219 221
    "": "c0c0",
    "68656c6c6f": "c068656c6c6fc0",
    "c0": "c0dbdcc0",
    "db": "c0dbddc0",
    "dbdc": "c0dbdddcc0",
    "01c0db02": "c001dbdcdbdd02c0",
}
CBOR = st.recursive(
    st.none()
    | st.booleans()
    | st.sampled_from([e for e in EDGES if -(1 << 64) <= e < 1 << 64])
    | st.floats(allow_nan=False)
    | st.binary(max_size=30)
    | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.integers(-300, 300), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.sampled_from(sorted(PACKERS)), INTEGERS)
def test_packing_equals_struct_or_raises_when_an_integer_is_given(name: str, value: int) -> None:
    pack: Callable[[int], bytes] = getattr(boardkit, f"pack_{name}")
    try:
        expected = struct.pack(PACKERS[name], value)
    except struct.error:
        with pytest.raises(ValueError, match="out of range"):
            pack(value)
    else:
        assert pack(value) == expected


@given(st.sampled_from(sorted(WIDE)), INTEGERS | st.integers(-(1 << 24), 1 << 24))
def test_three_byte_packing_equals_to_bytes_or_raises_when_an_integer_is_given(name: str, value: int) -> None:
    pack: Callable[[int], bytes] = getattr(boardkit, f"pack_{name}")
    order, signed = WIDE[name]
    try:
        expected = value.to_bytes(3, order, signed=signed)  # type: ignore[arg-type]
    except OverflowError:
        with pytest.raises(ValueError, match="out of range"):
            pack(value)
    else:
        assert pack(value) == expected


@pytest.mark.parametrize(("data", "frame"), SLIP.items())
def test_slip_frames_are_those_of_the_rfc_when_encoded_and_decoded(data: str, frame: str) -> None:
    assert boardkit.slip_encode(bytes.fromhex(data)).hex() == frame
    assert boardkit.slip_decode(bytes.fromhex(frame)).hex() == data


@given(st.lists(st.sampled_from(b"\xc0\xdb\xdc\xdd\x00a"), max_size=40).map(bytes))
def test_slip_gives_back_what_was_framed_when_it_is_full_of_escapes(data: bytes) -> None:
    frame = boardkit.slip_encode(data)

    assert frame == b"\xc0" + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"
    assert boardkit.slip_decode(frame) == data
    assert boardkit.slip_decode(frame[1:-1]) == data


@pytest.mark.parametrize("frame", [b"\xdb", b"a\xdb\xc0", b"\xdba", b"a\xc0b", b"\xdb\xdb\xdc"])
def test_slip_refuses_a_frame_when_an_escape_or_end_is_misplaced(frame: bytes) -> None:
    with pytest.raises(ValueError, match="SLIP"):
        boardkit.slip_decode(frame)


@pytest.mark.parametrize(("data", "frame"), COBS.items())
def test_cobs_frames_are_the_published_ones_when_encoded_and_decoded(data: str, frame: str) -> None:
    assert boardkit.cobs_encode(bytes.fromhex(data)).hex() == frame
    assert boardkit.cobs_decode(bytes.fromhex(frame)).hex() == data


@given(st.lists(st.sampled_from([b"\0", b"a", b"b" * 253, b"c" * 254, b"d" * 255]), max_size=6).map(b"".join))
def test_cobs_gives_back_what_was_framed_when_blocks_are_full(data: bytes) -> None:
    frame = boardkit.cobs_encode(data)

    assert 0 not in frame
    assert len(frame) <= len(data) + 1 + len(data) // 254
    assert boardkit.cobs_decode(frame) == data


@pytest.mark.parametrize("frame", [b"", b"\x00", b"\x02", b"\x03a", b"\x03a\x00", b"\x01\x00", b"\xffabc"])
def test_cobs_refuses_a_frame_when_it_is_short_or_holds_a_zero(frame: bytes) -> None:
    with pytest.raises(ValueError, match="COBS"):
        boardkit.cobs_decode(frame)


def shortest_floats_undone(value: Any) -> bytes:
    """Deterministic CBOR by cbor2, but floats always in 8 bytes as boards write them."""
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, list):
        return boardkit.cbor_head(4, len(value)) + b"".join(map(shortest_floats_undone, value))
    if isinstance(value, dict):
        pairs = sorted((shortest_floats_undone(k), shortest_floats_undone(v)) for k, v in value.items())
        return boardkit.cbor_head(5, len(value)) + b"".join(k + v for k, v in pairs)
    return cbor2.dumps(value, canonical=True)


@given(CBOR)
def test_cbor_is_read_back_by_another_library_when_a_value_is_encoded(value: Any) -> None:
    encoded = boardkit.cbor(value)

    assert cbor2.loads(encoded) == value
    assert encoded == shortest_floats_undone(value)


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.integers(-18, 18))
def test_a_decimal_is_exact_when_another_library_reads_it(mantissa: int, exp10: int) -> None:
    with decimal.localcontext(prec=50):
        read = cbor2.loads(boardkit.cbor(boardkit.Decimal(mantissa, exp10)))

        assert read == decimal.Decimal(mantissa).scaleb(exp10)


@pytest.mark.parametrize("length", [0, 23, 24, 255, 256, 65_535, 65_536])
def test_cbor_heads_are_the_shortest_when_lengths_grow(length: int) -> None:
    assert boardkit.cbor(b"a" * length) == cbor2.dumps(b"a" * length)
    assert boardkit.cbor("a" * length) == cbor2.dumps("a" * length)
    assert boardkit.cbor([1] * length) == cbor2.dumps([1] * length)


def test_every_nan_is_one_nan_when_it_is_encoded() -> None:
    odd = struct.unpack(">d", bytes.fromhex("fff8000000000123"))[0]

    assert boardkit.cbor(odd) == boardkit.cbor(math.nan) == bytes.fromhex("fb7ff8000000000000")


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, 1j, 1 << 64, -(1 << 64) - 1, [[[[[[[[[[]]]]]]]]]], {"a": ValueError}]
)
def test_cbor_refuses_a_value_when_it_has_no_form_here(value: object) -> None:
    with pytest.raises(ValueError, match=r"no CBOR form|out of range|too deep"):
        boardkit.cbor(value)


def test_cbor_ends_when_a_list_holds_itself() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="too deep"):
        boardkit.cbor(endless)


def expressions() -> list[str]:
    """Calls of boardkit as source text: every vector above, edges, and seeded values of every kind."""
    chance = random.Random(20)
    calls = [f"slip_encode(bytes.fromhex({data!r}))" for data in SLIP]
    calls += [f"slip_decode(bytes.fromhex({frame!r}))" for frame in SLIP.values()]
    calls += [f"cobs_encode(bytes.fromhex({data!r}))" for data in COBS]
    calls += [f"cobs_decode(bytes.fromhex({frame!r}))" for frame in COBS.values()]
    calls += [f"slip_decode({frame!r})" for frame in (b"\xdb", b"a\xc0b", b"\xdba")]
    calls += [f"cobs_decode({frame!r})" for frame in (b"", b"\x02", b"\x03a\x00")]
    for name in sorted({**PACKERS, **WIDE}):
        calls += [f"pack_{name}({value})" for value in chance.sample(EDGES, 40)]
    calls += [f"cbor({value})" for value in EDGES]
    calls += [
        f"cbor(Decimal({chance.getrandbits(64) - (1 << 63)}, {chance.randint(-18, 18)}))" for _ in range(30)
    ]
    for _ in range(100):
        bits = chance.getrandbits(64)
        calls.append(f"cbor(struct.unpack('>Q', struct.pack('>Q', {bits}))[0])")
        calls.append(f"cbor(struct.unpack('>d', struct.pack('>Q', {bits}))[0])")
    words = ["temp", "hum", "press", "bat", "pm2_5", "grün", "", "x" * 30]
    for _ in range(60):
        pairs = {word: chance.choice([1, None, True, b"\xff", [1, "a", (2, 3)], {"b": 1, "a": -1}]) for word in
                 chance.sample(words, chance.randint(0, 8))}  # fmt: skip
        calls.append(f"cbor({pairs!r})")
    calls += ["cbor({1, 2})", "cbor([[[[[[[[[[]]]]]]]]]])", "cbor(bytearray(b'ab'))", "cbor(float('nan'))"]
    return calls


def said(call: str) -> str:
    try:
        return eval(call, {**vars(boardkit), "struct": struct}).hex()  # type: ignore[no-any-return]
    except ValueError as error:
        return f"ValueError {error}"


SCRIPT = """
import binascii
import struct
from boardkit import *
for line in open("calls.txt"):
    try:
        print(binascii.hexlify(eval(line)).decode())
    except ValueError as error:
        print("ValueError", error)
"""


@pytest.mark.slow
def test_boardkit_says_the_same_byte_for_byte_when_it_runs_on_the_vm() -> None:
    require_vm()
    calls = expressions()
    source = resources.files("alloy_transforms.portable").joinpath("boardkit.py").read_bytes()

    lines = VM({"boardkit.py": source, "calls.txt": "\n".join(calls).encode()}, SCRIPT).run().lines()

    assert [pair for pair in zip(calls, lines, strict=True) if said(pair[0]) != pair[1]] == []
