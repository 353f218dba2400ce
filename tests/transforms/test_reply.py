"""The core's reply decoder: what an honest worker says is taken, every lie is `violation.protocol`."""

from __future__ import annotations

import struct
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transforms.in_process import InProcess

from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.columns import values_of
from alloy_transforms.sandbox.protocol import MAX_REPLY_BYTES, REPLY_HEADER
from alloy_transforms.sandbox.reply import Reply

EVERY = InProcess(
    'INPUT = {"n": "int"}\n'
    "MAX_ROWS = 2\n"
    'STATE = {"c": 0}\n'
    "OUTPUT = {\n"
    '    "b": {"type": "bool"}, "i": {"type": "i16", "optional": True}, "f": {"type": "f64"},\n'
    '    "e": {"type": "enum", "names": ("off", "on")}, "t": {"type": "text", "max": 8, "optional": True},\n'
    '    "r": {"type": "bytes", "max": 8},\n'
    "}\n"
    "def transform(n, s):\n"
    "    s['c'] = s['c'] + 1\n"
    "    print(n)\n"
    "    if n % 5 == 4:\n        raise ValueError('fünf')\n"
    "    for k in range(n % 3):\n"
    "        row = {'b': k == 0, 'f': n * 0.5, 'e': 'on', 'r': b'x' * k}\n"
    "        if n % 2:\n            row['i'] = n\n            row['t'] = 'é' * k\n"
    "        yield row\n"
)
SIMPLE = InProcess('OUTPUT = {"v": {"type": "u8"}}\ndef transform(payload):\n    return {"v": payload[0]}\n')
GOOD = EVERY.reply_bytes(list(range(8)))
PLAIN = SIMPLE.reply_bytes([b"a", b"b", b"c"])


def check(reply: Reply, host: InProcess) -> None:
    """What the rest of the core relies on."""
    contract = host.contract
    source = array("I", reply.src)
    assert len(source) == reply.rows
    assert list(source) == sorted(source)
    bad = {e.index for e in reply.errors}
    assert all(i < reply.answered and i not in bad for i in source)
    for field, column in zip(contract.outputs, reply.columns, strict=True):
        values = values_of(field.dtype, column, reply.rows)
        assert len(values) == reply.rows
        assert field.optional or None not in values
        if field.type in ("text", "bytes"):
            assert all(v is None or len(v.encode() if isinstance(v, str) else v) <= field.max for v in values)
        if field.type == "enum":
            assert all(v is None or v < len(field.names) for v in values)


def refused(body: bytes, host: InProcess = SIMPLE, asked: int = 3) -> None:
    with pytest.raises(ViolationError) as caught:
        host.decoder.decode(body, batch=7, asked=asked)
    assert caught.value.code == "violation.protocol"


def test_reply_is_taken_when_it_is_honest() -> None:
    reply = EVERY.decoder.decode(GOOD, batch=7, asked=8)

    check(reply, EVERY)
    assert list(reply.sources()) == [1, 2, 2, 5, 5, 7]
    assert [(e.index, e.code, e.message) for e in reply.errors] == [(4, "data.value", "ValueError: fünf")]
    assert reply.log == "".join(f"{n}\n" for n in range(8))


@settings(max_examples=600)
@given(st.data())
def test_reply_is_valid_or_refused_when_its_bytes_are_changed(data: st.DataObject) -> None:
    host, good, asked = data.draw(st.sampled_from([(EVERY, GOOD, 8), (SIMPLE, PLAIN, 3)]))
    body = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body) - 1))
        width = data.draw(st.sampled_from([1, 4]))
        number = data.draw(st.sampled_from([0, 1, 2, 7, 8, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF]))
        body[at : at + width] = (number & (256**width - 1)).to_bytes(width, "little")
    reply: Reply | None
    try:
        reply = host.decoder.decode(bytes(body), batch=7, asked=asked)
    except ViolationError as error:
        reply = None
        code = error.code
    if reply is None:
        assert code == "violation.protocol"
    else:
        check(reply, host)


@pytest.mark.parametrize(("good", "host", "asked"), [(GOOD, EVERY, 8), (PLAIN, SIMPLE, 3)])
def test_reply_is_refused_when_it_is_cut_anywhere_or_goes_on(
    good: bytes, host: InProcess, asked: int
) -> None:
    for size in range(len(good)):
        refused(good[:size], host, asked)
    refused(good + b"\0", host, asked)
    refused(good + bytes(8), host, asked)


@given(st.binary(max_size=200))
def test_noise_is_refused_when_it_comes_instead_of_a_reply(noise: bytes) -> None:
    refused(noise)


def test_reply_is_refused_when_it_answers_another_batch_or_more_than_asked() -> None:
    with pytest.raises(ViolationError):
        SIMPLE.decoder.decode(PLAIN, batch=8, asked=3)
    with pytest.raises(ViolationError):
        SIMPLE.decoder.decode(PLAIN, batch=7, asked=2)


def test_reply_is_refused_when_it_is_larger_than_the_bound() -> None:
    refused(PLAIN + bytes(MAX_REPLY_BYTES))


@pytest.mark.parametrize("position", [10, 11])
def test_reply_is_refused_when_it_reports_more_than_an_hour(position: int) -> None:
    refused(_header(position, 3_600_000_000_001))
    SIMPLE.decoder.decode(_header(position, 3_600_000_000_000), batch=7, asked=3)


def _header(position: int, value: int) -> bytes:
    fields = list(REPLY_HEADER.unpack_from(PLAIN))
    fields[position] = value
    return REPLY_HEADER.pack(*fields) + PLAIN[REPLY_HEADER.size :]


@pytest.mark.parametrize("position", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14])
def test_reply_is_refused_when_a_header_field_lies(position: int) -> None:
    for value in (0, 200):
        if (body := _header(position, value)) != PLAIN:
            refused(body)


@pytest.mark.parametrize("code", [33, 48, 64, 80, 200, 9])
def test_reply_is_refused_when_a_worker_reports_what_only_its_watcher_may(code: int) -> None:
    host = SIMPLE
    body = bytearray(host.reply_bytes([b"", b"a"]))
    at = REPLY_HEADER.size + 8
    assert body[at] == 2  # data.index
    body[at] = code
    refused(bytes(body), host, 2)


def test_reply_is_refused_when_text_is_cut_inside_a_character() -> None:
    host = InProcess(
        'OUTPUT = {"t": {"type": "text", "max": 9}}\ndef transform(payload):\n    return {"t": "é"}\n'
    )
    good = host.reply_bytes([b"a", b"b"])
    offsets = struct.pack("<III", 0, 2, 4)

    assert offsets in good
    refused(good.replace(offsets, struct.pack("<III", 0, 1, 4)), host, 2)
    refused(good.replace("éé".encode(), b"\xff\xff\xff\xff"), host, 2)
    refused(good.replace(offsets, struct.pack("<III", 0, 5, 4)), host, 2)
    refused(good.replace(offsets, struct.pack("<III", 1, 2, 4)), host, 2)


def test_reply_is_refused_when_an_input_has_too_many_rows() -> None:
    host = EVERY
    rows = EVERY.decoder.decode(GOOD, batch=7, asked=8)
    crowded = GOOD.replace(rows.src, array("I", [2, 2, 2, 5, 5, 7]).tobytes())

    assert crowded != GOOD
    refused(crowded, host, 8)
