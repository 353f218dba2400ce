"""The frames of a batch: what was put in comes out, and the layout is the documented one."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_transforms.errors import RecordError, ViolationError
from alloy_transforms.record import Column
from alloy_transforms.sandbox import protocol
from alloy_transforms.sandbox.columns import column, input_column, join, take_rows, values_of

KINDS: dict[str, st.SearchStrategy[Any]] = {
    "bytes": st.binary(max_size=20),
    "int": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(allow_nan=False),
    "bool": st.booleans(),
    "text": st.text("aé€😀", max_size=8),
}


@st.composite
def batches(draw: st.DrawFn) -> tuple[list[tuple[str, str]], list[list[Any]]]:
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=5))
    n = draw(st.integers(1, 20))
    return (
        [(f"i{k}", kind) for k, kind in enumerate(kinds)],
        [draw(st.lists(st.none() | KINDS[kind], min_size=n, max_size=n)) for kind in kinds],
    )


@given(batches(), st.none() | st.just(b"\x81\xa1n\x05"))
def test_inputs_come_out_when_they_were_put_in(
    batch: tuple[list[tuple[str, str]], list[list[Any]]], state: bytes | None
) -> None:
    inputs, values = batch
    columns = [input_column(kind, v) for (_, kind), v in zip(inputs, values, strict=True)]

    frame = b"".join(protocol.encode_run(9, len(values[0]), inputs, columns, state))
    request = protocol.decode_run(frame, inputs)

    assert len(frame) % 8 == 0
    assert list(request.columns) == values
    assert (request.batch, request.n, request.state) == (9, len(values[0]), state)
    assert request.absent == any(None in v for v in values)


def test_layout_is_the_documented_one_when_a_batch_is_encoded() -> None:
    inputs = [("payload", "bytes"), ("port", "int")]
    columns = [input_column("bytes", [b"abc", None]), input_column("int", [5, -1])]

    frame = b"".join(protocol.encode_run(3, 2, inputs, columns))

    assert frame == b"".join(
        (
            struct.pack("<BBHIIIII", 3, 1, 2, 3, 2, 0, 0, 0),
            struct.pack("<IIII", 3, 1, 0, 0),
            struct.pack("<III4x", 0, 3, 3),
            b"abc" + bytes(5),
            b"\x01" + bytes(7),
            struct.pack("<qq", 5, -1),
        )
    )


def test_batch_is_refused_when_a_column_does_not_fit_its_input() -> None:
    with pytest.raises(RecordError, match="payload"):
        protocol.encode_run(1, 3, [("payload", "bytes")], [input_column("bytes", [b"a"])])
    with pytest.raises(RecordError, match="one column per input"):
        protocol.encode_run(1, 0, [], [])


@pytest.mark.parametrize(
    ("kind", "value"), [("int", 2**63), ("int", "a"), ("bytes", "a"), ("float", "a"), ("text", 1)]
)
def test_input_is_refused_when_it_is_not_of_its_type(kind: str, value: object) -> None:
    with pytest.raises(RecordError) as caught:
        input_column(kind, [value])
    assert caught.value.code == "data.schema"


@pytest.mark.parametrize(
    "blob",
    [b"", b"\xc1", b"\x05", b"\x81\xa1a\x90", b"\x81\xa1a\x80", b"\x81\x01\x01", b"\x81\xa2a-\x01", b"\x81\xa1a\xc0",
     b"\x81\xa1a\xcf" + b"\xff" * 8, b"\x80\x80", b"\x81\xa1a\xd4\x01\x00", bytes(5000)],
)  # fmt: skip
def test_state_is_refused_when_it_is_no_flat_map(blob: bytes) -> None:
    with pytest.raises(ViolationError):
        protocol.decode_state(blob)


def test_state_comes_back_when_it_was_encoded() -> None:
    state = {"n": -(2**63), "f": 0.1, "b": True, "t": "ä", "raw": b"\0"}

    assert protocol.decode_state(protocol.encode_state(state)) == state
    with pytest.raises(RecordError):
        protocol.encode_state({"t": "x" * 5000})


@pytest.mark.parametrize("text", ["é" * 200, "a\nb\x1b[31m", "\ud800", ""])
def test_message_stays_short_and_printable_when_it_is_clipped(text: str) -> None:
    clipped = protocol.clip(text)

    assert len(clipped) <= protocol.MAX_ERROR_TEXT
    assert clipped.decode().isprintable()


DTYPES = {
    "utf8": st.text("aé€😀", max_size=4),
    "bytes": st.binary(max_size=4),
    "bool": st.booleans(),
    "i2": st.integers(-9, 9),
}


@given(st.data())
def test_rows_are_the_same_when_a_column_is_cut_and_joined(data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(sorted(DTYPES)))
    values = data.draw(st.lists(st.none() | DTYPES[dtype], max_size=30))
    cut = data.draw(st.integers(0, len(values)))
    whole = column(dtype, values)

    left, right = (
        take_rows(dtype, whole, 0, cut, len(values)),
        take_rows(dtype, whole, cut, len(values), len(values)),
    )
    joined = join(dtype, [(left, cut), (right, len(values) - cut)])

    assert values_of(dtype, left, cut) == values[:cut]
    assert values_of(dtype, right, len(values) - cut) == values[cut:]
    assert values_of(dtype, joined, len(values)) == values
    assert isinstance(joined, Column)
