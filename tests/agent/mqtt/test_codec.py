"""The codec seam: any cut, any damage, in bounded memory."""

from __future__ import annotations

import itertools

import mqtt5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_agent.errors import LinkError
from alloy_agent.mqtt.codec import PacketReader, as_duplicate, frame_length, puback

PACKETS = [
    mqtt5.PublishPacket("a/b", bytes(range(200)), qos=mqtt5.QoS.AT_LEAST_ONCE, packet_id=7).write(),
    mqtt5.PubAckPacket(7, reason_code=mqtt5.PubAckReasonCode.NO_MATCHING_SUBSCRIBERS).write(),
    mqtt5.PingRespPacket().write(),
    mqtt5.PublishPacket("c", b"", user_properties=[("k", "v")]).write(),
    mqtt5.SubAckPacket(3, [mqtt5.SubAckReasonCode.GRANTED_QOS_AT_LEAST_ONCE]).write(),
]
STREAM = b"".join(PACKETS)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_same_packets_come_out_when_the_stream_is_cut_anywhere(cuts: list[int]) -> None:
    reader = PacketReader(1 << 20)
    edges = [0, *sorted(cuts), len(STREAM)]

    packets = [
        packet for start, end in itertools.pairwise(edges) for packet in reader.feed(STREAM[start:end])
    ]

    assert [packet.write() for packet in packets] == PACKETS


def test_packet_comes_out_once_when_bytes_arrive_one_by_one() -> None:
    reader = PacketReader(1 << 20)

    packets = [packet for byte in STREAM for packet in reader.feed(bytes((byte,)))]

    assert len(packets) == len(PACKETS)


def test_packet_is_refused_from_its_header_when_it_is_too_large() -> None:
    reader = PacketReader(100)

    with pytest.raises(LinkError) as caught:
        reader.feed(b"\x30\xff\x7f")

    assert caught.value.code == "mqtt.packet_too_large"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    "data",
    [
        b"\xff\x00",
        b"\x00\x00",
        b"\x10\xff\xff\xff\xff\xff",
        b"\x30\x05\x00\x02\xc3\x28\x00",
        b"\x30\x04\x00\x09ab",
        b"\x40\x01\x00",
    ],
)
def test_malformed_is_reported_when_bytes_are_no_packet(data: bytes) -> None:
    with pytest.raises(LinkError) as caught:
        PacketReader(1 << 20).feed(data)

    assert caught.value.code == "mqtt.malformed"


@pytest.mark.parametrize(
    ("data", "length"), [(b"\x30", 0), (b"\x30\x80", 0), (b"\x30\x00", 2), (b"\x30\x80\x01", 131)]
)
def test_frame_length_is_zero_when_the_header_is_incomplete(data: bytes, length: int) -> None:
    assert frame_length(data) == length


def test_puback_equals_what_the_codec_writes() -> None:
    assert puback(513) == mqtt5.PubAckPacket(513).write()


def test_dup_flag_is_the_only_change_when_a_packet_is_sent_again() -> None:
    packet, used = mqtt5.read(memoryview(as_duplicate(PACKETS[0])))

    assert isinstance(packet, mqtt5.PublishPacket)
    assert (packet.duplicate, packet.packet_id, used) == (True, 7, len(PACKETS[0]))
