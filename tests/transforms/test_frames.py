"""Frames survive short reads and writes, and end cleanly at any cut."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.frames import (
    FRAME_BYTES_MAX,
    FrameSplitter,
    frame_header,
    read_frame,
    write_frame,
)


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    left, right = socket.socketpair()
    with left, right:
        yield left.fileno(), right.fileno()


@pytest.mark.parametrize("body", [b"", b"x", b"abc" * 1000])
def test_frame_comes_back_when_written(pair: tuple[int, int], body: bytes) -> None:
    write_frame(pair[0], body)

    assert read_frame(pair[1], 1 << 20) == body


def test_large_frame_comes_back_when_the_socket_takes_it_in_pieces(pair: tuple[int, int]) -> None:
    body = os.urandom(3 << 20)
    half = len(body) // 2
    writer = threading.Thread(target=write_frame, args=(pair[0], body[:half], memoryview(body)[half:]))

    writer.start()
    received = read_frame(pair[1], len(body))
    writer.join()

    assert received == body


def test_frame_is_none_when_the_stream_ends_inside_it(pair: tuple[int, int]) -> None:
    os.write(pair[0], frame_header(10) + b"12345")
    with socket.socket(fileno=os.dup(pair[0])) as writer:
        writer.shutdown(socket.SHUT_WR)

    assert read_frame(pair[1], 100) is None


def test_frame_is_refused_before_its_body_is_read_when_longer_than_allowed(pair: tuple[int, int]) -> None:
    os.write(pair[0], frame_header(101))

    with pytest.raises(ViolationError) as caught:
        read_frame(pair[1], 100)

    assert caught.value.code == "violation.protocol"


def test_frame_above_the_format_limit_is_the_writers_mistake() -> None:
    with pytest.raises(ValueError, match="a frame has"):
        frame_header(FRAME_BYTES_MAX + 1)


@given(st.lists(st.binary(max_size=40), max_size=8), st.lists(st.integers(1, 17), min_size=1))
def test_splitter_gives_every_frame_back_when_fed_in_any_cut(bodies: list[bytes], cuts: list[int]) -> None:
    stream = b"".join(frame_header(len(b)) + b for b in bodies)
    splitter = FrameSplitter()
    found: list[bytes] = []

    position = 0
    turn = 0
    while position < len(stream):
        step = cuts[turn % len(cuts)]
        splitter.feed(stream[position : position + step])
        position += step
        turn += 1
        while (body := splitter.pop(40)) is not None:
            found.append(body)

    assert found == bodies
    assert splitter.held == 0


def test_splitter_refuses_a_length_above_the_limit() -> None:
    splitter = FrameSplitter()
    splitter.feed(b"\xff\xff\xff\xff")

    with pytest.raises(ViolationError):
        splitter.pop(1000)
