"""The socket stand-in on real connections; how its streams read is compared with the VM in `test_same_script`."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest

from alloy_devices.shims import Board
from alloy_devices.shims.sockets import BoardSocket


@pytest.fixture
def pair() -> Iterator[tuple[BoardSocket, socket.socket]]:
    """A board's socket and its peer."""
    with socket.create_server(("127.0.0.1", 0)) as server, Board():
        import socket as board_socket

        info = board_socket.getaddrinfo(*server.getsockname()[:2], 0, board_socket.SOCK_STREAM)[0]
        near = board_socket.socket(info[0], info[1], info[2])
        near.settimeout(5)
        near.connect(info[-1])
        far, _ = server.accept()
        with near, far:
            yield near, far  # type: ignore[misc]


def test_a_read_is_whole_when_its_bytes_come_in_pieces(pair: tuple[BoardSocket, socket.socket]) -> None:
    near, far = pair
    far.sendall(b"abc")
    far.sendall(b"de")

    assert near.read(5) == b"abcde"
    far.sendall(b"end")
    far.shutdown(socket.SHUT_WR)
    assert near.read(10) == b"end"
    assert (near.read(1), near.read(), near.readline(), near.readinto(bytearray(2))) == (b"", b"", b"", 0)


def test_nothing_is_none_when_the_socket_does_not_block(pair: tuple[BoardSocket, socket.socket]) -> None:
    near, _ = pair
    near.settimeout(0)

    assert (near.read(1), near.read(), near.readline(), near.readinto(bytearray(2))) == (None,) * 4
    with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is looked at
        near.recv(1)
    assert caught.value.errno == errno.EAGAIN


def test_a_write_is_partial_when_the_peer_does_not_read(pair: tuple[BoardSocket, socket.socket]) -> None:
    near, _ = pair
    near.settimeout(0)
    data = b"x" * (1 << 20)
    written = 0
    while (done := near.write(data)) is not None:
        written += done

    assert written > 0


def test_a_time_out_has_its_number_when_nothing_comes(pair: tuple[BoardSocket, socket.socket]) -> None:
    near, _ = pair
    near.settimeout(0.001)

    for call in (lambda: near.recv(1), lambda: near.read(1), lambda: near.readinto(bytearray(1))):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - the number is looked at
            call()
        assert (caught.value.errno, caught.value.args[0]) == (errno.ETIMEDOUT, errno.ETIMEDOUT)


def test_the_stream_is_the_socket_when_a_file_is_made_of_it(pair: tuple[BoardSocket, socket.socket]) -> None:
    near, far = pair

    assert near.makefile("rwb", 0) is near
    assert near.write(b"GET", 2) == 2
    assert far.recv(9) == b"GE"
