"""What the broker says of a daemon that comes, stops, or vanishes, and what the service manager hears."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.fakes.brokers import MOSQUITTO
from tests.system import running
from tests.system.independent import Consumer, Item, Message

pytestmark = pytest.mark.slow

STATUS = "alloy/1/fleet/gateway/status"
AGENT = "fleet: fleet\ndevice: gateway\nmqtt: {host: 127.0.0.1, port: %d, session_expiry: %s}\n"
PIPELINE = "source: {mqtt: {topic: in/nmea, qos: 1}}\ntransform: nmea\nsink: {mqtt: {stream: fix}}\n"
Start = Callable[[Path], AbstractContextManager[int]]


@pytest.fixture(params=["mini", pytest.param("mosquitto", marks=pytest.mark.interop)])
def broker(request: pytest.FixtureRequest) -> Start:
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto binary on this machine (apt install mosquitto)")
    return running.mini_broker if request.param == "mini" else running.mosquitto


def said(messages: Sequence[Message]) -> list[tuple[str, int]]:
    """(state, birth number) of each status message."""
    items: list[Item] = [json.loads(m.payload) for m in messages if m.topic == STATUS]
    return [(item["state"], item["bd"]) for item in items]


def retained(port: int) -> tuple[str, int]:
    """The status a late subscriber finds."""
    with Consumer(port, STATUS, name="late") as late:
        late.wait(lambda m: len(m) > 0, "a retained status")
        assert late.messages[0].retain
        return said(late.messages)[0]


def test_the_broker_says_lost_only_when_the_daemon_was_killed(broker: Start, tmp_path: Path) -> None:
    """The will waits for the end of the session (MQTT 5.0, section 3.1.3.2.2), here one second."""
    with broker(tmp_path) as port, Consumer(port, STATUS) as consumer:
        config = running.write_config(tmp_path / "config", AGENT % (port, "1s"), position=PIPELINE)
        with running.daemon(config, tmp_path) as daemon:
            consumer.wait(lambda m: said(m) == [("ready", 1)], "the birth")
            assert daemon.stop() == 0
            consumer.wait(lambda m: said(m)[-1] == ("disconnected", 1), "the goodbye")
        assert retained(port) == ("disconnected", 1)

        with running.daemon(config, tmp_path) as daemon:
            consumer.wait(lambda m: said(m)[-1] == ("ready", 2), "the second birth")
            daemon.kill()
            consumer.wait(lambda m: said(m)[-1] == ("lost", 2), "the will")
        assert retained(port) == ("lost", 2)

    assert said(consumer.messages) == [("ready", 1), ("disconnected", 1), ("ready", 2), ("lost", 2)]


def test_no_will_follows_when_a_killed_daemon_is_back_before_its_delay(tmp_path: Path) -> None:
    with running.mini_broker(tmp_path) as port, Consumer(port, STATUS) as consumer:
        config = running.write_config(tmp_path / "config", AGENT % (port, "1h"), position=PIPELINE)
        with running.daemon(config, tmp_path) as daemon:
            consumer.wait(lambda m: said(m) == [("ready", 1)], "the birth")
            daemon.kill()  # its will waits ten seconds
        with running.daemon(config, tmp_path):
            consumer.wait(lambda m: said(m)[-1] == ("ready", 2), "the second birth")
        consumer.wait(lambda m: said(m)[-1] == ("disconnected", 2), "the goodbye")

    assert said(consumer.messages) == [("ready", 1), ("ready", 2), ("disconnected", 2)]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The datagram socket of a service manager."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(running.READY_S)
        yield listening


def until(manager: socket.socket, wanted: str) -> list[str]:
    """Every line the manager hears up to the wanted one."""
    heard: list[str] = []
    while wanted not in heard:
        heard += manager.recv(4096).decode().splitlines()
    return heard


def test_the_service_manager_is_told_when_the_daemon_starts_runs_and_stops(
    manager: socket.socket, tmp_path: Path
) -> None:
    with running.mini_broker(tmp_path) as port, Consumer(port, "alloy/1/#") as consumer:
        config = running.write_config(tmp_path / "config", AGENT % (port, "1h"), position=PIPELINE)
        daemon = running.Daemon(
            config, tmp_path, {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        )
        daemon.start()
        try:
            before = until(manager, "READY=1")
            ready = daemon.status()
            assert [each for each in before if each != "READY=1"] == []
            assert ready["state"] == "ready"
            assert [each["name"] for each in ready["pipelines"]] == ["position"]
            assert ready["pipelines"][0]["stages"][0]["tier"] == "sandbox"

            until(manager, "WATCHDOG=1")
            until(manager, "WATCHDOG=1")
            assert daemon.process is not None
            daemon.process.terminate()
            until(manager, "STOPPING=1")
            assert daemon.process.wait(running.STOP_S) == 0
        finally:
            if daemon.process is not None and daemon.process.poll() is None:
                daemon.kill()
        consumer.wait(lambda m: said(m)[-1][0] == "disconnected", "the goodbye")
        # figures come every status_interval (30 s), not with each word to the manager
        assert not [m for m in consumer.messages if m.topic.endswith("/metric")]


def test_ready_is_said_and_the_state_degraded_when_one_pipeline_is_broken(
    manager: socket.socket, tmp_path: Path
) -> None:
    with running.mini_broker(tmp_path) as port, Consumer(port, "alloy/1/#") as consumer:
        config = running.write_config(
            tmp_path / "config",
            AGENT % (port, "1h"),
            position=PIPELINE,
            broken="source: {mqtt: {topic: in/x}}\ntransform: no_such\nsink: {mqtt: {stream: x}}\n",
        )
        with running.daemon(config, tmp_path, NOTIFY_SOCKET=str(tmp_path / "notify")) as daemon:
            until(manager, "READY=1")
            status = daemon.status()
            consumer.wait(lambda m: said(m) == [("degraded", 1)], "the birth")

    assert [each["name"] for each in status["pipelines"]] == ["position"]
    assert any("broken.yaml:3:" in problem for problem in status["problems"]), status["problems"]
