"""CBOR messages: round trips, determinism, and what the bounded reader refuses."""

from __future__ import annotations

import hashlib
import struct

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.transforms.wire_records import (
    CLIMATE,
    FIELD,
    batches,
    climate_batch,
    descriptors,
    field_chunk,
    field_manifest,
)

from alloy_transforms.errors import RecordError
from alloy_transforms.record import (
    Batch,
    Column,
    Descriptor,
    Dimension,
    Level,
    Manifest,
    Provenance,
    Variable,
)
from alloy_transforms.wire import cbor
from alloy_transforms.wire.cborio import write
from alloy_transforms.wire.limits import Limits


def joined(buffers: list[bytes | bytearray | memoryview]) -> bytes:
    return b"".join(buffers)


@settings(max_examples=40)
@given(descriptors())
def test_a_descriptor_comes_back_when_decoded(descriptor: Descriptor) -> None:
    assert cbor.decode_descriptor(joined(cbor.encode_descriptor(descriptor))) == descriptor


@settings(max_examples=40)
@given(batches())
def test_a_batch_comes_back_when_decoded(pair: tuple[Descriptor, Batch]) -> None:
    descriptor, batch = pair

    message = joined(cbor.encode_batch(batch, descriptor))

    assert cbor.decode(message, {batch.sid: descriptor}) == batch


@pytest.mark.parametrize("level", Level)
def test_a_chunk_comes_back_when_decoded(level: Level) -> None:
    chunk = field_chunk(level)

    assert cbor.decode_chunk(joined(cbor.encode_chunk(chunk, FIELD)), FIELD) == chunk


def test_full_documents_come_back_when_decoded() -> None:
    manifest = field_manifest()

    assert cbor.decode_descriptor(joined(cbor.encode_descriptor(FIELD))) == FIELD
    assert cbor.decode_manifest(joined(cbor.encode_manifest(manifest))) == manifest


def test_the_sid_is_the_digest_of_the_message() -> None:
    message = joined(cbor.encode_descriptor(CLIMATE))

    assert cbor.sid(CLIMATE) == hashlib.sha256(message).hexdigest()[:16]
    assert cbor.sid(cbor.decode_descriptor(message)) == cbor.sid(CLIMATE)


def test_the_sid_does_not_depend_on_the_order_of_attributes() -> None:
    def made(attrs: dict[str, int]) -> Descriptor:
        return Descriptor((), (), Provenance("a", "b"), dict(attrs))

    assert cbor.sid(made({"a": 1, "bb": 2})) == cbor.sid(made({"bb": 2, "a": 1}))


@given(
    st.recursive(
        st.one_of(
            st.integers(-(1 << 64), (1 << 64) - 1),
            st.floats(),
            st.text(),
            st.binary(),
            st.booleans(),
            st.none(),
        ),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    )
)
def test_documents_are_canonical_when_cbor2_is_the_judge(tree: object) -> None:
    # with text keys only, length-first (cbor2) and bytewise order (RFC 8949) are the same order
    assert joined(write(tree)) == cbor2.dumps(tree, canonical=True)


def test_the_payload_is_the_last_key_and_is_not_copied_when_long() -> None:
    n = 4096
    descriptor = Descriptor(CLIMATE.dims, (Variable("x", ("row",), "f8"),), CLIMATE.prov)
    values = bytes(8 * n)
    batch = Batch(
        cbor.sid(descriptor),
        "r",
        0,
        0,
        n,
        bytes(8 * n),
        bytes(8 * n),
        climate_batch().clock,
        (Column(values),),
    )

    buffers = cbor.encode_batch(batch, descriptor)

    assert buffers[-1] is values
    assert list(cbor2.loads(joined(buffers)))[-1] == "p"


def test_cbor2_alone_reads_a_batch() -> None:
    batch = climate_batch(3)

    message = cbor2.loads(joined(cbor.encode_batch(batch, CLIMATE)))

    temperature, humidity, valve, label = message["p"]
    assert (temperature.tag, struct.unpack("<3h", temperature.value)) == (77, (226, 227, 228))
    assert (humidity.tag, humidity.value) == (64, b"\x29\x29\x29")
    assert (valve.tag, label) == (64, ["n0", "n1", "n2"])
    assert (message["t"].tag, message["t"].value) == (79, batch.time)
    assert message["m"] == [None, b"\x05", None, None]
    assert message["q"][0] == 1
    assert message["q"][1].value == b"\x01\x09\x01"
    assert message["r"][1].tag == 69


def test_text_that_is_not_utf8_travels_as_bytes() -> None:
    descriptor = Descriptor(CLIMATE.dims, (Variable("label", ("row",), "utf8"),), CLIMATE.prov)
    column = Column(struct.pack("<3I", 0, 1, 2), b"a\xff")
    batch = Batch(cbor.sid(descriptor), "r", 0, 0, 2, bytes(16), bytes(16), climate_batch().clock, (column,))

    message = joined(cbor.encode_batch(batch, descriptor))

    assert cbor2.loads(message)["p"] == [["a", b"\xff"]]
    assert cbor.decode_batch(message, descriptor) == batch


MESSAGES = {
    "descriptor": joined(cbor.encode_descriptor(FIELD)),
    "batch": joined(cbor.encode_batch(climate_batch(), CLIMATE)),
    "chunk": joined(cbor.encode_chunk(field_chunk(), FIELD)),
    "manifest": joined(cbor.encode_manifest(field_manifest())),
}
SCHEMAS = {cbor.sid(CLIMATE): CLIMATE, cbor.sid(FIELD): FIELD}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_refused_when_cut_at_any_byte(name: str) -> None:
    message = MESSAGES[name]

    for size in range(len(message)):
        with pytest.raises(RecordError) as caught:
            cbor.decode(message[:size], SCHEMAS)
        assert caught.value.code == "record.truncated", size


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_is_refused_when_bytes_follow(name: str) -> None:
    with pytest.raises(RecordError, match=r"record\.trailing"):
        cbor.decode(MESSAGES[name] + b"\x00", SCHEMAS)


@settings(max_examples=100)
@given(st.sampled_from(sorted(MESSAGES)), st.data())
def test_a_damaged_message_decodes_or_raises_a_coded_error(name: str, data: st.DataObject) -> None:
    message = bytearray(MESSAGES[name])
    for _ in range(data.draw(st.integers(1, 4))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))

    try:
        decoded = cbor.decode(bytes(message), SCHEMAS)
    except RecordError as error:
        assert error.code.startswith("record.")  # noqa: PT017 - either answer is right
    else:
        assert isinstance(decoded, Descriptor | Batch | Manifest | type(field_chunk()))


@given(st.binary(max_size=64))
def test_random_bytes_raise_a_coded_error(data: bytes) -> None:
    with pytest.raises(RecordError):
        cbor.decode(data, {})


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x9f\x01\xff", "record.malformed"),  # indefinite array
        (b"\x5f\x41a\xff", "record.malformed"),  # indefinite bytes
        (b"\xa2\x61a\x01\x61a\x02", "record.malformed"),  # duplicate key
        (b"\xa1\x80\x01", "record.malformed"),  # an array as key
        (b"\xc2\x41\x01", "record.malformed"),  # bignum
        (b"\xd8\x1c\x80", "record.malformed"),  # shareable reference
        (b"\xd8\x45\x41\x00", "record.malformed"),  # u2 array of one byte
        (b"\x61\xff", "record.malformed"),  # text that is not UTF-8
        (b"\xf7", "record.malformed"),  # undefined
        (b"\x1c", "record.malformed"),  # reserved length
        (b"\x9b" + b"\xff" * 8, "record.truncated"),  # 2**64 - 1 items
        (b"\x5b" + b"\xff" * 8, "record.truncated"),
        (b"\x81" * 40 + b"\x00", "record.limit"),  # nesting
        (b"", "record.truncated"),
    ],
)
def test_a_hostile_item_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(RecordError) as caught:
        cbor.read_tree(data)

    assert caught.value.code == code


def test_limits_hold_when_items_or_bytes_are_too_many() -> None:
    for data, limits in (
        (b"\x83\x00\x00\x00", Limits(nodes=2)),
        (b"\x44abcd", Limits(message_bytes=4)),
        (MESSAGES["batch"], Limits(rows=2)),
        (MESSAGES["batch"], Limits(text_bytes=3)),
    ):
        with pytest.raises(RecordError) as caught:
            cbor.decode(data, SCHEMAS, limits)
        assert caught.value.code in ("record.limit", "record.field")


def test_a_block_is_refused_when_its_descriptor_is_not_known() -> None:
    with pytest.raises(RecordError, match=r"record\.sid"):
        cbor.decode(MESSAGES["batch"], {})


def test_a_sequence_is_read_item_by_item() -> None:
    items = list(cbor.read_sequence(MESSAGES["descriptor"] + MESSAGES["manifest"]))

    assert [item["k"] for item in items if isinstance(item, dict)] == ["d", "m"]


def test_an_integer_beyond_64_bits_is_refused() -> None:
    with pytest.raises(RecordError, match=r"record\.value"):
        write({"a": 1 << 64})


@pytest.mark.parametrize("changed", [{"values": b"\x00"}, {"values": struct.pack("<4I", 0, 2, 1, 6)}])
def test_a_batch_is_refused_when_a_column_does_not_fit(changed: dict[str, bytes]) -> None:
    batch = climate_batch(3)
    columns = (*batch.columns[:3], Column(changed["values"], batch.columns[3].arena))
    broken = Batch(batch.sid, "r", 0, 0, 3, batch.time, batch.time, batch.clock, columns)

    with pytest.raises(RecordError, match=r"record\.shape"):
        cbor.encode_batch(broken, CLIMATE)


def test_a_range_of_integers_has_the_same_id_when_it_comes_back_from_the_wire() -> None:
    variable = Variable("pm2_5", ("row",), "u2", range=(0, 1000))
    descriptor = Descriptor(
        (Dimension("row", None, "sample"),), (variable,), Provenance("lines:air", "lines/1")
    )

    back = cbor.decode_descriptor(b"".join(cbor.encode_descriptor(descriptor)))

    assert back == descriptor
    assert cbor.sid(back) == cbor.sid(descriptor)
