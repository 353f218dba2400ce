"""The node's MQTT client against a peer that says what the test tells it, on real sockets."""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import mqtt5
import pytest
from tests.fakes.brokers import free_port

from alloy_devices.shims import Board, FakeClock
from alloy_devices.shims.sockets import BoardSocket

CONNACK = {4: bytes.fromhex("20020000"), 5: bytes.fromhex("2003000000")}
PINGRESP = bytes.fromhex("d000")


class Peer:
    """A broker by script; `serve` runs while the client waits."""

    def __init__(self, answer: bytes) -> None:
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.port = self.server.getsockname()[1]
        self.answer = answer
        self.stream: socket.socket | None = None
        self.received = b""
        self.answered = False

    def serve(self) -> None:
        with contextlib.suppress(BlockingIOError):
            if self.stream is None:
                self.stream, _ = self.server.accept()
                self.stream.setblocking(False)
            self.received += self.stream.recv(65536)
        if self.received and not self.answered:
            self.answered = True
            self.send(self.answer)

    def send(self, data: bytes) -> None:
        assert self.stream is not None
        self.stream.sendall(data)

    def take(self) -> bytes:
        """What came since the last time; waits for something."""
        assert self.stream is not None
        self.stream.settimeout(60)
        data, self.received = self.received or self.stream.recv(65536), b""
        return data

    def close(self) -> None:
        self.server.close()
        if self.stream is not None:
            self.stream.close()


@pytest.fixture
def board(board: Board) -> Board:
    """The node's board; a sleep of its clock lets a little real time pass."""
    board.clock = FakeClock(on_sleep=lambda now: time.sleep(0.0005))
    return board


Dial = Callable[..., tuple[Any, Peer]]


@pytest.fixture
def dial(board: Board) -> Iterator[Dial]:
    """Gives a connected client and its peer; both are closed in the end."""
    opened: list[Any] = []

    def dial(answer: bytes, **options: Any) -> tuple[Any, Peer]:
        from mqtt_min import Client

        peer = Peer(answer)
        client = Client("127.0.0.1", peer.port, "node", **options)
        opened.extend((client, peer))
        client.connect("t/status", b"gone", peer.serve)
        return client, peer

    yield dial
    for each in opened:
        each.close()


def until(client: Any, condition: Callable[[], bool]) -> None:
    """Let the client look until something is so, or it raises."""
    for _ in range(5000):
        client.check()
        if condition():
            return
        time.sleep(0.001)
    raise AssertionError("it did not happen")


def never() -> bool:
    return False


def test_the_connect_packet_is_that_of_the_standard_when_the_version_is_311(board: Board, dial: Dial) -> None:
    _, peer = dial(CONNACK[4], user="u", password="pw")

    expected = "100000044d51545404ee001e00046e6f64650008742f7374617475730004676f6e6500017500027077"
    raw = bytes.fromhex(expected)
    assert peer.take() == raw[:1] + bytes([len(raw) - 2]) + raw[2:]


def test_another_codec_reads_what_is_sent_when_the_version_is_5(board: Board, dial: Dial) -> None:
    client, peer = dial(CONNACK[5], version=5)
    connect, size = mqtt5.read(data := peer.take())
    assert size == len(data)
    assert isinstance(connect, mqtt5.ConnectPacket)
    assert (connect.client_id, connect.clean_start, connect.keep_alive) == ("node", True, 30)
    assert connect.will is not None
    assert (connect.will.topic, connect.will.payload, connect.will.retain) == ("t/status", b"gone", True)

    number = client.publish("t/data", b"x" * 200, retain=True)
    publish, _ = mqtt5.read(peer.take())

    assert isinstance(publish, mqtt5.PublishPacket)
    assert (publish.topic, publish.payload, publish.packet_id) == ("t/data", b"x" * 200, number)
    assert (publish.retain, publish.qos) == (True, mqtt5.QoS.AT_LEAST_ONCE)


def test_every_packet_leaves_in_one_write_when_it_is_sent(
    board: Board, dial: Dial, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[bytes] = []
    send = BoardSocket.send
    monkeypatch.setattr(
        BoardSocket, "send", lambda self, data, *more: writes.append(bytes(data)) or send(self, data)
    )
    client, _ = dial(CONNACK[4])

    client.publish("t/data", b"message")
    client.publish("t/data", b"message", qos=0)

    assert [data[0] for data in writes] == [0x10, 0x32, 0x30]
    assert writes[1] == bytes.fromhex("32110006") + b"t/data" + bytes.fromhex("0001") + b"message"
    assert writes[2] == bytes.fromhex("300f0006") + b"t/data" + b"message"


def test_a_message_is_acknowledged_when_its_puback_comes_in_pieces(board: Board, dial: Dial) -> None:
    from mqtt_min import MQTTError

    client, peer = dial(CONNACK[4])
    for number in (1, 2):
        assert client.publish("t", b"m") == client.unacknowledged == number
        with pytest.raises(MQTTError, match="one message at a time"):
            client.publish("t", b"m")
        peer.send(bytes((0x40, 2, 0)))
        until(client, lambda: client.filled == 3)
        assert client.unacknowledged == number
        peer.send(bytes((number,)))
        until(client, lambda: client.unacknowledged == 0)
    client.number = 65535
    assert client.publish("t", b"m") == 1


def test_the_link_is_kept_alive_when_nothing_is_sent(board: Board, dial: Dial) -> None:
    client, peer = dial(CONNACK[4])
    peer.take()
    client.check()
    board.clock.sleep_us(15_001_000)
    client.check()
    client.check()

    assert peer.take() == bytes.fromhex("c000")
    peer.send(PINGRESP)
    until(client, lambda: not client.asked)
    board.clock.sleep_us(15_001_000)
    client.check()
    board.clock.sleep_us(client.timeout_ms * 1000 + 1000)
    with pytest.raises(OSError, match="no PINGRESP") as caught:
        client.check()
    assert caught.value.errno == errno.ETIMEDOUT


def test_the_brokers_limits_are_kept_when_it_names_some(board: Board, dial: Dial) -> None:
    limits = bytes.fromhex("13000a2700000080210014260001610001621f0001612a00")
    limits += b"\x1f\x00\xc8" + b"a" * 200  # a reason: properties longer than one byte can say
    size = len(limits) + 4
    answer = b"\x20" + bytes(
        (size & 0x7F | 0x80, size >> 7, 0, 0, len(limits) & 0x7F | 0x80, len(limits) >> 7)
    )
    client, _ = dial(answer + limits, version=5)

    assert (client.keepalive_s, client.largest) == (10, 128)
    with pytest.raises(ValueError, match="too large"):
        client.publish("t", b"x" * 128)
    assert client.unacknowledged == 0


def test_a_message_is_refused_when_it_is_larger_than_a_board_sends(board: Board, dial: Dial) -> None:
    client, _ = dial(CONNACK[4])

    with pytest.raises(ValueError, match="too large"):
        client.publish("t", b"x" * 4096)
    with pytest.raises(ValueError, match="longer than 65535"):
        client.publish("t" * 65536, b"")


REFUSALS = [
    (4, "20020005", "refused the connection: 5"),
    (4, "2003000000", "no CONNACK"),
    (4, "d000", "no CONNACK"),
    (4, "200100", "no CONNACK"),
    (4, "20ff7f", "packet too large"),
    (4, "20ffffffff01", "malformed length"),
    (5, "2003008700", "refused the connection: 135"),
    (5, "20020000", "malformed properties"),
    (5, "200400000113", "malformed properties"),
    (5, "20050000022400", "takes no QoS 1"),
    (5, "2006000003110000", "malformed properties"),
    (5, "20050000021f00", "malformed properties"),
    (5, "20070000041f000561", "malformed properties"),
    (5, "20040000ffff", "malformed properties"),
]


@pytest.mark.parametrize(("version", "answer", "why"), REFUSALS)
def test_the_connection_fails_when_the_answer_is_no_yes(
    board: Board, dial: Dial, version: int, answer: str, why: str
) -> None:
    from mqtt_min import MQTTError

    with pytest.raises(MQTTError, match=why):
        dial(bytes.fromhex(answer), version=version)


LIES = [
    (4, "40020002", "PUBACK for another message"),
    (4, "4001aa", "unexpected packet: 64"),
    (4, "d00100", "unexpected packet: 208"),
    (4, "30050001746162", "unexpected packet: 48"),
    (4, "e000", "unexpected packet: 224"),
    (4, "41020001", "unexpected packet: 65"),
    (4, "40ffff7f", "packet too large"),
    (5, "e0018b", "ended the connection: 139"),
    (5, "e000", "ended the connection: 0"),
    (5, "4003000187", "refused a message: 135"),
]


@pytest.mark.parametrize(("version", "said", "why"), LIES)
def test_the_connection_ends_when_the_broker_breaks_the_protocol(
    board: Board, dial: Dial, version: int, said: str, why: str
) -> None:
    from mqtt_min import MQTTError

    client, peer = dial(CONNACK[version], version=version)
    client.publish("t", b"m")
    peer.send(bytes.fromhex(said))
    with pytest.raises(MQTTError, match=why):
        until(client, never)


def test_an_acknowledgement_that_nobody_waits_for_ends_the_connection_when_it_comes(
    board: Board, dial: Dial
) -> None:
    from mqtt_min import MQTTError

    client, peer = dial(CONNACK[4])
    peer.send(bytes.fromhex("40020000"))
    with pytest.raises(MQTTError, match="PUBACK"):
        until(client, never)


def test_a_silent_broker_is_given_up_when_no_answer_comes(board: Board, dial: Dial) -> None:
    with pytest.raises(OSError, match="no answer to CONNECT") as caught:
        dial(b"", timeout_ms=50)
    assert caught.value.errno == errno.ETIMEDOUT

    client, _ = dial(CONNACK[4])
    client.publish("t", b"m")
    board.clock.sleep_us(3_001_000)
    with pytest.raises(OSError, match="no PUBACK") as caught:
        client.check()
    assert caught.value.errno == errno.ETIMEDOUT


def test_the_connection_is_gone_when_the_peer_closes(board: Board, dial: Dial) -> None:
    client, peer = dial(CONNACK[4])
    assert peer.stream is not None
    peer.stream.close()
    with pytest.raises(OSError, match="closed the connection") as caught:
        until(client, never)
    assert caught.value.errno == errno.ECONNRESET


def test_a_broker_that_is_not_there_is_said_when_it_is_dialled(board: Board) -> None:
    from mqtt_min import Client

    client = Client("127.0.0.1", free_port(), "node")
    with pytest.raises(ConnectionRefusedError):
        client.connect("t", b"", lambda: None)
    client.close()
    client.close()
