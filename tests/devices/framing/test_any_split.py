"""Whatever the reads, the frames, their order and the counters are the same."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alloy_devices.framing import Frame, FramerStats, FramingSpec, make_framer

SPECS = (
    FramingSpec(kind="delimiter", max_bytes=12),
    FramingSpec(kind="delimiter", delimiter=b"\r\n", strip=b"", max_bytes=12),
    FramingSpec(kind="delimiter", delimiter=b"\n", start=b"$", max_bytes=12),
    FramingSpec(kind="fixed", start=b"BM", size=6),
    FramingSpec(kind="fixed", size=5),
    FramingSpec(kind="length", start=b"BM", length_offset=2, length_bytes=1, length_adjust=3, max_bytes=12),
    FramingSpec(kind="length", start=b"BBMx", length_offset=1, length_bytes=1, length_adjust=3, max_bytes=70),
    FramingSpec(kind="length", length_offset=0, length_bytes=2, length_order="little", max_bytes=9),
)
ALPHABET = st.sampled_from(
    [b"\n", b"\r", b"$", b"B", b"M", b"BM", b"\x03", b"\x00", b"x", b"BM\x03abc", b"long" * 5]
)
STREAM = st.lists(ALPHABET, max_size=60).map(b"".join)


def run(spec: FramingSpec, pieces: list[bytes]) -> tuple[list[bytes], FramerStats]:
    framer = make_framer(spec)
    frames: list[Frame] = []
    for index, piece in enumerate(pieces):
        frames += framer.feed(piece, index)
    return [frame.payload for frame in frames], framer.stats


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SPECS), STREAM, st.lists(st.integers(0, 200), max_size=20))
def test_frames_are_the_same_when_the_stream_is_split_anywhere(
    spec: FramingSpec, stream: bytes, cuts: list[int]
) -> None:
    bounds = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(bounds)]

    whole, whole_stats = run(spec, [stream])
    split, _ = run(spec, pieces)
    single, single_stats = run(spec, [stream[i : i + 1] for i in range(len(stream))])

    assert split == whole
    assert single == whole
    assert single_stats == whole_stats


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(SPECS), STREAM)
def test_a_frame_carries_the_time_of_its_first_byte_when_bytes_come_one_by_one(
    spec: FramingSpec, stream: bytes
) -> None:
    framer = make_framer(spec)
    last = -1
    for index in range(len(stream)):
        for frame in framer.feed(stream[index : index + 1], index):
            assert stream[frame.received_ns :].startswith(frame.payload)
            assert frame.received_ns > last
            last = frame.received_ns


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=12))
def test_each_burst_comes_back_when_silence_stands_between_them(bursts: list[bytes]) -> None:
    framer = make_framer(FramingSpec(kind="burst", gap_ms=1.0, max_bytes=64))
    frames: list[Frame] = []
    t_ns = 0
    for burst in bursts:
        for value in burst:
            frames += framer.feed(bytes([value]), t_ns)
            t_ns += 100_000
        t_ns += 1_000_000
    frames += framer.flush(t_ns)

    assert [frame.payload for frame in frames] == bursts
    assert framer.stats.resynchronisations == 0
