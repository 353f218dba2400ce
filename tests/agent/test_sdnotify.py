"""Messages to the service manager, over real datagram sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from alloy_agent.core.sdnotify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """A bound socket and the address as NOTIFY_SOCKET spells it."""
    name = f"alloy-test-{os.getpid()}" if request.param == "abstract" else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(f"\0{name}" if request.param == "abstract" else name)
        listening.settimeout(5)
        yield listening, (f"@{name}" if request.param == "abstract" else name)


def test_every_state_arrives_when_a_manager_listens(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    notifier = Notifier.from_environment({"NOTIFY_SOCKET": address})

    notifier.ready("running")
    notifier.status("two\nlines")
    notifier.watchdog()
    notifier.reloading(lambda: 42)
    notifier.stopping("draining")
    got = [listening.recv(1024).decode() for _ in range(5)]
    notifier.close()

    assert got == [
        "READY=1\nSTATUS=running",
        "STATUS=two lines",
        "WATCHDOG=1",
        "RELOADING=1\nMONOTONIC_USEC=42",
        "STOPPING=1\nSTATUS=draining",
    ]


def test_a_status_is_sent_once_when_it_stays_the_same(manager: tuple[socket.socket, str]) -> None:
    listening, address = manager
    notifier = Notifier(address)

    notifier.status("x")
    notifier.status("x")
    notifier.watchdog()
    got = [listening.recv(1024) for _ in range(2)]
    notifier.close()

    assert got == [b"STATUS=x", b"WATCHDOG=1"]


def test_nothing_happens_when_no_manager_is_named() -> None:
    notifier = Notifier.from_environment({})

    notifier.ready()
    notifier.stopping()

    assert not notifier.active
    assert notifier.dropped == 0


def test_a_message_is_dropped_and_counted_when_the_manager_is_gone(tmp_path: Path) -> None:
    notifier = Notifier(str(tmp_path / "nobody"))

    notifier.watchdog()
    notifier.close()

    assert notifier.dropped == 1


def test_sending_never_waits_when_the_manager_does_not_read(manager: tuple[socket.socket, str]) -> None:
    _, address = manager
    notifier = Notifier(address)

    for _ in range(10_000):
        notifier.watchdog()
    notifier.close()

    assert notifier.dropped > 0


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_period_is_read_when_it_is_meant_for_us(
    environ: dict[str, str], wanted: float | None
) -> None:
    assert Notifier.from_environment(environ).watchdog_s == wanted


def test_an_address_is_ignored_when_it_is_neither_a_path_nor_abstract() -> None:
    assert not Notifier("vsock:2:1234").active
