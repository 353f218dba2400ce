"""MessagePack messages say the same as CBOR, and hostile ones are refused."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transforms.wire_records import CLIMATE, FIELD, batches, climate_batch, field_chunk, field_manifest

from alloy_transforms.errors import RecordError
from alloy_transforms.record import Batch, Descriptor, Level
from alloy_transforms.wire import cbor, messagepack
from alloy_transforms.wire.limits import Limits

SCHEMAS = {cbor.sid(CLIMATE): CLIMATE, cbor.sid(FIELD): FIELD}
MESSAGES = {
    "descriptor": b"".join(messagepack.encode_descriptor(FIELD)),
    "batch": b"".join(messagepack.encode_batch(climate_batch(), CLIMATE)),
    "chunk": b"".join(messagepack.encode_chunk(field_chunk(), FIELD)),
    "manifest": b"".join(messagepack.encode_manifest(field_manifest())),
}


@settings(max_examples=40)
@given(batches())
def test_a_batch_comes_back_when_decoded(pair: tuple[Descriptor, Batch]) -> None:
    descriptor, batch = pair

    message = b"".join(messagepack.encode_batch(batch, descriptor))

    assert messagepack.decode(message, {batch.sid: descriptor}) == batch


@pytest.mark.parametrize("level", Level)
def test_everything_else_comes_back_when_decoded(level: Level) -> None:
    chunk = field_chunk(level)

    assert messagepack.decode_chunk(b"".join(messagepack.encode_chunk(chunk, FIELD)), FIELD) == chunk
    assert messagepack.decode_descriptor(MESSAGES["descriptor"]) == FIELD
    assert messagepack.decode_manifest(MESSAGES["manifest"]) == field_manifest()


@pytest.mark.parametrize("name", MESSAGES)
def test_the_tree_is_the_one_of_cbor(name: str) -> None:
    encoded = {
        "descriptor": cbor.encode_descriptor(FIELD),
        "batch": cbor.encode_batch(climate_batch(), CLIMATE),
        "chunk": cbor.encode_chunk(field_chunk(), FIELD),
        "manifest": cbor.encode_manifest(field_manifest()),
    }

    assert messagepack.read_tree(MESSAGES[name]) == cbor.read_tree(b"".join(encoded[name]))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_refused_when_cut_at_any_byte(name: str) -> None:
    for size in range(len(MESSAGES[name])):
        with pytest.raises(RecordError):
            messagepack.decode(MESSAGES[name][:size], SCHEMAS)


@settings(max_examples=100)
@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_a_damaged_message_decodes_or_raises_a_coded_error(name: str, data: st.DataObject) -> None:
    message = bytearray(MESSAGES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))

    try:
        messagepack.decode(bytes(message), SCHEMAS)
    except RecordError as error:
        assert error.code.startswith("record.")  # noqa: PT017 - either answer is right


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\xdd\xff\xff\xff\xff", "record.limit"),  # array of 2**32 - 1
        (b"\xdf\xff\xff\xff\xff", "record.limit"),
        (b"\x91" * 2000 + b"\x00", "record.limit"),
        (b"\xc1", "record.malformed"),
        (b"\x00\x00", "record.trailing"),
        (b"\x82\xa1a\x00\xa1a\x01", "record.malformed"),
        (b"\x81\x90\x00", "record.malformed"),
        (b"\xd4\x05\x00", "record.malformed"),  # extension that is no typed array
        (b"\xd4\x45\x00", "record.malformed"),  # half a u2
        (b"\xa1\xff", "record.malformed"),
        (b"", "record.truncated"),
    ],
)
def test_a_hostile_object_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(RecordError) as caught:
        messagepack.read_tree(data)

    assert caught.value.code == code


def test_limits_hold_when_bytes_or_items_are_too_many() -> None:
    for data, limits in ((b"\x93\x00\x00\x00", Limits(nodes=2)), (bytes(10), Limits(message_bytes=9))):
        with pytest.raises(RecordError, match=r"record\.limit"):
            messagepack.read_tree(data, limits)
    nested = msgpack.packb([[0] * 10 for _ in range(10)])
    with pytest.raises(RecordError, match=r"record\.limit"):
        messagepack.read_tree(nested, Limits(nodes=50))
