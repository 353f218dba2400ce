"""The node's program in one process, with a clock that stands still: what it does without sensor, network or memory."""

from __future__ import annotations

import json
import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import cbor2
import pytest
from tests.devices.node.running import settings
from tests.fakes.brokers import free_port

from alloy_devices.shims import Board, BoardResetError, FakeClock
from alloy_devices.sims.pms5003 import encode, spoil_checksum

FRAME = encode(tuple(range(12)))  # type: ignore[arg-type]


class Uart:
    """A UART that gives what a test put into it."""

    def __init__(self) -> None:
        self.held = b""

    def readinto(self, buffer: bytearray) -> int | None:
        data, self.held = self.held[: len(buffer)], self.held[len(buffer) :]
        buffer[: len(data)] = data
        return len(data) or None


class Client:
    """A connection that takes every message at once."""

    taken: list[tuple[str, Any]]

    def __init__(self) -> None:
        self.taken = []
        self.unacknowledged = 0
        self.broken: Exception | None = None

    def check(self) -> None:
        if self.broken is not None:
            raise self.broken

    def publish(self, topic: str, message: bytes, retain: bool = False) -> None:
        self.taken.append((topic.rpartition("/")[2], cbor2.loads(message)))

    def close(self) -> None:
        self.broken = OSError("closed")


def make(board: Board, port: int = 9) -> tuple[Any, Uart]:
    import config
    import main

    faults: list[str] = []
    uart = Uart()
    node = main.Node(config.check(settings(port, 4), faults), uart, lambda: None)
    assert not faults
    return node, uart


def test_the_newest_readings_are_kept_when_there_is_no_network(board: Board) -> None:
    board.networks = {}
    node, uart = make(board)
    for _ in range(100):
        uart.held += FRAME
        node.step()
        board.clock.sleep_us(1_000_000)

    box = node.outbox
    assert box.number == 100
    assert 0 < box.bytes <= 16384
    assert box.lost == 100 - len(box.queue) > 0
    assert cbor2.loads(box.queue[-1][1])["n"] == 99
    assert node.link.client is None

    node.link.client = client = Client()
    while node.step():
        pass
    numbers = [message["n"] for kind, message in client.taken if kind == "data"]
    assert numbers == list(range(box.lost, 100))
    status = next(message for kind, message in client.taken if kind == "status")
    assert (status["lost"], status["frames"], status["refused"]) == (box.lost, 100, 0)


def test_tries_become_rarer_when_the_broker_refuses(board: Board) -> None:
    node, _ = make(board, free_port())
    tries: list[int] = []
    pause = node.link.pause
    for _ in range(4_000):
        node.step()
        if node.link.pause != pause or (node.link.retry_at > node.now and node.link.retry_at not in tries):
            pause = node.link.pause
            tries.append(node.link.retry_at)
        board.clock.sleep_us(100_000)

    pauses = [b - a for a, b in pairwise(tries)]
    assert "refused" in node.link.failed
    assert len(tries) < 25
    assert all(500 <= pause <= 61_000 for pause in pauses)
    assert node.link.pause == 60_000
    node.link.works()
    assert node.link.pause == 1_000


def test_the_network_is_asked_for_again_when_it_comes_late(board: Board) -> None:
    board.networks = {}
    node, _ = make(board, free_port())
    for _ in range(100):
        node.step()
        board.clock.sleep_us(100_000)
    assert (node.link.failed, node.link.retry_at) == ("", 0)

    board.networks = {"field": "secret"}
    for _ in range(200):
        node.step()
        board.clock.sleep_us(100_000)
    assert "refused" in node.link.failed  # now it reached for the broker


def test_a_status_says_so_when_the_sensor_falls_silent_and_comes_back(board: Board) -> None:
    node, uart = make(board)
    node.link.client = client = Client()
    for second in range(40):
        if second < 5 or second >= 30:
            uart.held += FRAME
        while node.step():
            pass
        board.clock.sleep_us(1_000_000)

    said = [message["silent"] for kind, message in client.taken if kind == "status"]
    assert said == [False, True, False]
    assert sum(kind == "data" for kind, _ in client.taken) == 15


def test_damaged_frames_are_counted_when_the_transform_refuses_them(board: Board) -> None:
    node, uart = make(board)
    node.link.client = client = Client()
    uart.held = b"xx" + spoil_checksum(FRAME) + FRAME
    while node.step():
        pass
    node.status_at = node.now
    node.step()

    status = client.taken[-1][1]
    assert (status["frames"], status["refused"], status["dropped"]) == (2, 1, 2)
    assert status["error"] == "ValueError: wrong checksum"


def test_a_message_is_counted_when_the_broker_takes_no_such_size(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, uart = make(board)
    node.link.client = client = Client()
    while node.step():
        pass

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("message too large")

    monkeypatch.setattr(client, "publish", refuse)
    uart.held = FRAME
    while node.step():
        pass

    assert (node.refused, node.error, node.outbox.first()) == (1, "ValueError: message too large", None)


def test_the_time_goes_on_when_ticks_wrap_around(board: Board) -> None:
    board.clock = FakeClock((1 << 30) * 1000 - 2_000_000)
    board.networks = {}
    node, uart = make(board)
    for _ in range(5):
        uart.held += FRAME
        node.step()
        board.clock.sleep_us(1_000_000)

    times = [cbor2.loads(message)["ms"] for _, message in node.outbox.queue]
    assert times == [0, 1000, 2000, 3000, 4000]


def test_the_board_begins_anew_when_something_unforeseen_happens(
    board: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "node.json").write_text(json.dumps({"wifi": {}}))
    with pytest.raises(BoardResetError):
        main.main()

    said = capsys.readouterr().out
    assert "`wifi.ssid` is missing; `mqtt.host` is missing" in said
    assert board.clock.now_us() == main.RESET_MS * 1000 < main.WATCHDOG_MS * 1000


def test_the_watchdog_is_fed_in_time_when_the_broker_never_answers(board: Board) -> None:
    import config
    import machine
    import main

    watchdog = machine.WDT(timeout=main.WATCHDOG_MS)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        node = main.Node(config.check(settings(port, 4), []), Uart(), watchdog.feed)
        for _ in range(1000):
            node.step()  # a late meal would raise here
            board.clock.sleep_us(main.IDLE_MS * 1000)

    assert "no answer to CONNECT" in node.link.failed


def test_the_digest_is_empty_when_only_the_compiled_transform_is_there(board: Board) -> None:
    import main

    assert main.source_digest("nowhere.py") == ""
