"""The node cuts a byte stream into the frames that the gateway's framer cuts it into."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alloy_devices.framing import FramingSpec, make_framer
from alloy_devices.sims.pms5003 import encode

if TYPE_CHECKING:
    from alloy_devices.shims import Board

FRAME = encode(tuple(range(12)))  # type: ignore[arg-type]
STREAM = st.lists(
    st.sampled_from([FRAME, FRAME[:9], b"B", b"M", b"BM", b"BM\x00", b"BM\x00\x04\xe1\x00\x01\x74", b"BM\x00\x3c",
                     b"BM\x00\x3d", b"BM\xff\xff", b"BM\xff\xfc", b"x", b"\0" * 70]),
    max_size=12,
).map(b"".join)  # fmt: skip
CUTS = st.lists(st.integers(0, 400), max_size=8)
LAYOUTS = [(b"BM", 2, 4, 64), (b"BM", 2, -65_500, 64), (b"BBM", 0, 0, 40), (b"B", 1, 3, 12)]


@pytest.mark.parametrize(("start", "at", "adjust", "limit"), LAYOUTS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stream=STREAM, cuts=CUTS)
def test_frames_are_the_gateways_when_the_stream_is_cut_anywhere(
    board: Board, start: bytes, at: int, adjust: int, limit: int, stream: bytes, cuts: list[int]
) -> None:
    from frames import Frames

    spec = FramingSpec(
        kind="length", start=start, length_offset=at, length_bytes=2, length_adjust=adjust, max_bytes=limit
    )
    gateway, node = make_framer(spec), Frames(start, at, adjust, limit)
    bounds = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(bounds)]

    expected = [frame.payload for piece in pieces for frame in gateway.feed(piece, 0)]
    got: list[Any] = [frame for piece in pieces for frame in node.feed(memoryview(piece))]

    assert got == expected
    assert len(node.held) <= max(limit, at + 2, len(start))
    assert node.dropped + len(node.held) + sum(map(len, got)) == len(stream)
    assert node.dropped == gateway.stats.dropped_bytes


def test_a_frame_behind_noise_is_found_when_the_noise_holds_a_start(board: Board) -> None:
    from frames import Frames

    frames = Frames(b"BM", 2, 4, 64)

    assert frames.feed(b"noiseBM\xff" + FRAME[:7]) == []
    assert frames.feed(FRAME[7:] + b"B") == [FRAME]
    assert (frames.dropped, frames.held) == (8, b"B")
