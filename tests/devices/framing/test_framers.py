from __future__ import annotations

import random

import pytest

from alloy_devices.errors import CODES, FrameError
from alloy_devices.framing import FramingSpec, make_framer

PMS = FramingSpec(kind="length", start=b"BM", length_offset=2, length_bytes=2, length_adjust=4, max_bytes=64)
LINES = FramingSpec(kind="delimiter", max_bytes=82)


def test_line_ends_are_removed_when_lines_end_in_crlf() -> None:
    frames = make_framer(LINES).feed(b"$A*00\r\n\r\n$B*01\r\n$C", 7)

    assert [(f.payload, f.received_ns) for f in frames] == [(b"$A*00", 7), (b"$B*01", 7)]


def test_a_line_that_is_too_long_is_dropped_and_counted_when_it_ends() -> None:
    framer = make_framer(LINES)

    frames = framer.feed(b"x" * 500, 0) + framer.feed(b"y\nok\n", 1)

    assert [f.payload for f in frames] == [b"ok"]
    assert (framer.stats.dropped_bytes, framer.stats.resynchronisations) == (501, 1)


def test_a_line_behind_a_flood_is_not_lost_when_it_has_a_start() -> None:
    framer = make_framer(FramingSpec(kind="delimiter", start=b"$", max_bytes=82))

    frames = framer.feed(b"x$y" * 500, 0) + framer.feed(b"$GPGGA*00\r\n\r\n$GPRMC*00\n", 1)

    assert [f.payload for f in frames[1:]] == [b"$GPRMC*00"]
    assert frames[0].payload.endswith(b"$GPGGA*00")
    assert len(frames[0].payload) <= 82
    assert framer.stats.resynchronisations == 1


def test_what_stands_before_the_start_is_dropped_when_a_line_begins_in_the_middle() -> None:
    framer = make_framer(FramingSpec(kind="delimiter", start=b"$"))

    frames = framer.feed(b"PGGA,1*00\nab$GPGGA*00\n", 3)

    assert [f.payload for f in frames] == [b"$GPGGA*00"]
    assert (framer.stats.dropped_bytes, framer.stats.resynchronisations) == (11, 1)


def test_both_frame_sizes_come_out_when_the_length_field_says_so() -> None:
    data, reply = b"BM\x00\x1c" + bytes(28), b"BM\x00\x04\xe1\x00\x01\x74"

    frames = make_framer(PMS).feed(data + reply + data, 0)

    assert [f.payload for f in frames] == [data, reply, data]


def test_the_next_frame_is_found_when_a_length_cannot_be() -> None:
    framer = make_framer(PMS)
    good = b"BM\x00\x1c" + bytes(28)

    frames = framer.feed(b"BM\xff\xff" + good, 0)

    assert [f.payload for f in frames] == [good]
    assert (framer.stats.dropped_bytes, framer.stats.resynchronisations) == (4, 1)


def test_frames_align_again_when_fixed_frames_follow_garbage() -> None:
    framer = make_framer(FramingSpec(kind="fixed", start=b"BM", size=4))

    frames = framer.feed(b"\x00BxB", 1) + framer.feed(b"M12", 2)

    assert [(f.payload, f.received_ns) for f in frames] == [(b"BM12", 1)]
    assert (framer.stats.dropped_bytes, framer.stats.resynchronisations) == (3, 1)


def test_a_burst_ends_by_its_deadline_when_nothing_follows() -> None:
    framer = make_framer(FramingSpec(kind="burst", gap_ms=2.0, start=b"\x01"))
    framer.feed(b"\x00\x01abc", 10)

    deadline = framer.deadline()
    assert deadline == 2_000_010
    assert framer.flush(deadline - 1) == []
    assert [f.payload for f in framer.flush(deadline)] == [b"\x01abc"]
    assert framer.deadline() is None
    assert framer.stats.dropped_bytes == 1


def test_an_endless_burst_is_dropped_whole_when_it_exceeds_the_limit() -> None:
    framer = make_framer(FramingSpec(kind="burst", gap_ms=1.0, max_bytes=8))

    frames = framer.feed(b"a" * 6, 0) + framer.feed(b"b" * 6, 10) + framer.feed(b"ok", 5_000_000)
    frames += framer.flush(9_000_000)

    assert [f.payload for f in frames] == [b"ok"]
    assert (framer.stats.dropped_bytes, framer.stats.resynchronisations) == (12, 1)


@pytest.mark.parametrize(
    "spec",
    [
        FramingSpec(kind="delimiter", max_bytes=4096),
        FramingSpec(kind="fixed", start=b"BM", size=32),
        PMS,
        FramingSpec(kind="length", length_bytes=1, max_bytes=64),
        FramingSpec(kind="burst", gap_ms=5.0),
    ],
    ids=["delimiter", "fixed", "length", "length without start", "burst"],
)
def test_memory_stays_bounded_when_garbage_floods(spec: FramingSpec) -> None:
    framer = make_framer(spec)
    chunk = random.Random(1).randbytes(4096).replace(b"\n", b"B").replace(b"BM", b"BB")

    for index in range(100):
        framer.feed(chunk, index)
        assert len(framer._buffer) <= spec.max_bytes  # type: ignore[attr-defined]
        assert len(framer._buffer._marks) <= 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("kind", {"kind": "lines"}),
        ("max_bytes", {"kind": "delimiter", "max_bytes": 0}),
        ("delimiter", {"kind": "delimiter", "delimiter": b""}),
        ("start", {"kind": "fixed", "start": b"x" * 17, "size": 20}),
        ("size", {"kind": "fixed", "start": b"BM", "size": 1}),
        ("length_bytes", {"kind": "length", "length_bytes": 5}),
        ("length_order", {"kind": "length", "length_order": "middle"}),
        ("length_offset", {"kind": "length", "length_offset": 4096}),
        ("gap_ms", {"kind": "burst"}),
    ],
)
def test_a_framing_is_refused_when_a_field_does_not_fit(name: str, fields: dict[str, object]) -> None:
    with pytest.raises(FrameError) as caught:
        FramingSpec(**fields)  # type: ignore[arg-type]

    assert caught.value.code == "framing.invalid"
    assert caught.value.where == name
    assert caught.value.code in CODES
