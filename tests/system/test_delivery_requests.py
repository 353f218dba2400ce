"""Asking a running daemon: `req/<verb>` over MQTT in both encodings, and the same verbs on the control socket."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest
from tests.fakes.brokers import MOSQUITTO
from tests.system import running
from tests.system.independent import Consumer, Message

from alloy_agent.core.control import peer_allowed

pytestmark = pytest.mark.slow

ROOT = "alloy/1/fleet/gateway"
AGENT = "fleet: fleet\ndevice: gateway\nmqtt: {host: 127.0.0.1, port: %d}\n"
PIPELINE = "source: {mqtt: {topic: in/nmea, qos: 1}}\ntransform: nmea\nsink: {mqtt: {stream: fix}}\n"
ANSWERS = "alloy/1/fleet/console/res/7"


@dataclass(frozen=True)
class Place:
    """A daemon, and a client of its broker that hears every answer."""

    daemon: running.Daemon
    console: Consumer

    def ask(self, verb: str, payload: bytes, **named: Any) -> Message:
        """Publish one request and wait for the one answer."""
        before = len(self.console.messages)
        self.console.publish(f"{ROOT}/req/{verb}", payload, **named)
        self.console.wait(lambda m: len(m) > before, f"an answer to {verb}")
        (answer,) = self.console.messages[before:]
        return answer


@pytest.fixture(scope="module", params=["mini", pytest.param("mosquitto", marks=pytest.mark.interop)])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto binary on this machine (apt install mosquitto)")
    folder = tmp_path_factory.mktemp(request.param)
    start = running.mini_broker if request.param == "mini" else running.mosquitto
    with start(folder) as port, Consumer(port, f"{ROOT}/res/+", "alloy/1/fleet/console/#") as console:
        console.publish(f"{ROOT}/req/status", b"{}", retain=True)  # waits for whoever subscribes later
        config = running.write_config(folder / "config", AGENT % port, position=PIPELINE)
        with running.daemon(config, folder) as daemon:
            console.wait(lambda m: len(m) == 1, "the answer to the retained request")
            yield Place(daemon, console)


def test_a_retained_request_is_refused_when_the_daemon_subscribes_later(place: Place) -> None:
    answer = place.console.messages[0]

    body = json.loads(answer.payload)
    assert answer.topic == f"{ROOT}/res/status"
    assert (body["ok"], body["error"]["code"]) == (False, "control.retained")
    assert "result" not in body


def test_a_json_answer_goes_to_the_asked_topic_when_ping_is_sent_as_json(place: Place) -> None:
    answer = place.ask("ping", b'{"id": "a7"}', ResponseTopic=ANSWERS, CorrelationData=b"\x00\xff7")

    body = json.loads(answer.payload)
    assert answer.topic == ANSWERS
    assert answer.retain is False
    assert answer.properties["CorrelationData"] == "00ff37"
    assert answer.properties["ContentType"] == "application/json"
    assert (body["id"], body["ok"], body["result"]["pong"]) == ("a7", True, True)
    assert body["result"]["boot"] == place.daemon.status()["boot"]


def test_a_messagepack_answer_comes_when_status_is_asked_in_messagepack(place: Place) -> None:
    answer = place.ask("status", msgpack.packb({"id": "b", "args": {}}), CorrelationData=b"1")

    body = msgpack.unpackb(answer.payload)
    assert answer.topic == f"{ROOT}/res/status"
    assert answer.properties["ContentType"] == "application/msgpack"
    assert answer.properties["CorrelationData"] == "31"
    assert body["result"]["state"] == "ready"
    assert [each["name"] for each in body["result"]["pipelines"]] == ["position"]
    assert {each["name"] for each in body["result"]["workers"]} >= {"core"}


def test_both_ways_say_the_same_when_status_is_asked(place: Place) -> None:
    remote = json.loads(place.ask("status", b"").payload)["result"]
    local = place.daemon.status()

    assert remote.keys() == local.keys()
    for key in ("state", "bd", "boot", "version", "pid", "problems", "sandbox"):
        assert remote[key] == local[key], key


def test_every_process_is_named_with_its_memory_when_status_is_asked(place: Place) -> None:
    said = {each["pid"]: each for each in place.daemon.status()["workers"]}
    own = running.tree_pss(place.daemon.pid)

    assert said.keys() == own.keys()
    assert [each["name"] for each in said.values()].count("core") == 1
    assert sum(each["pss"] for each in said.values()) == pytest.approx(sum(own.values()), abs=8 << 20)


@pytest.mark.parametrize(
    ("verb", "payload", "code"),
    [
        ("reboot", b'{"id": "c"}', "control.unknown_verb"),
        ("ping", b'{"id": "c"', "control.bad_request"),
        ("ping", b'{"id": 7}', "control.bad_request"),
        ("ping", b"\xc1", "control.bad_request"),
        ("ping", b'{"id": "c", "args": "' + b"x" * 65_536 + b'"}', "control.bad_request"),
        ("ping", b'{"args":' + b"[" * 30_000, "control.bad_request"),
    ],
    ids=["unknown verb", "cut JSON", "wrong type", "no MessagePack", "too large", "too deep"],
)
def test_a_request_is_refused_with_its_code_when_it_is_wrong(
    verb: str, payload: bytes, code: str, place: Place
) -> None:
    answer = place.ask(verb, payload, CorrelationData=b"9")

    body = json.loads(answer.payload)
    assert (body["ok"], body["error"]["code"]) == (False, code)
    assert answer.properties["CorrelationData"] == "39"
    assert len(answer.payload) < 2000
    assert json.loads(place.ask("ping", b"").payload)["ok"], "the daemon goes on"


def test_nothing_is_written_elsewhere_when_a_response_topic_lies_outside(place: Place) -> None:
    answer = place.ask("ping", b"{}", ResponseTopic=f"{ROOT}/status")

    assert answer.topic == f"{ROOT}/res/ping"


def test_status_is_printed_when_the_daemon_runs(place: Place) -> None:
    text = running.alloy_edge("status", "--run-dir", place.daemon.run_dir)
    data = running.alloy_edge("status", "--run-dir", place.daemon.run_dir, "--json")

    assert (text.returncode, data.returncode) == (0, 0)
    assert b"position" in text.stdout
    assert json.loads(data.stdout)["pid"] == place.daemon.pid


def test_status_ends_with_4_when_no_daemon_answers(tmp_path: Path) -> None:
    done = running.alloy_edge("status", "--run-dir", tmp_path)

    assert done.returncode == 4
    assert done.stdout == b""
    assert b"control.unreachable" in done.stderr
    assert b"hint:" in done.stderr


def framed(connection: socket.socket, data: bytes) -> Any:
    """One request over the control socket, spoken by hand."""
    connection.sendall(struct.pack(">I", len(data)) + data)
    head = connection.recv(4, socket.MSG_WAITALL)
    return msgpack.unpackb(connection.recv(struct.unpack(">I", head)[0], socket.MSG_WAITALL))


def test_verbs_are_answered_on_the_socket_when_they_are_asked_by_hand(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(place.daemon.control))

        pong = framed(connection, msgpack.packb({"id": "1", "verb": "ping", "args": {}}))
        unknown = framed(connection, msgpack.packb({"id": "2", "verb": "reboot"}))
        broken = framed(connection, b"\xc1")
        too_large = framed(connection, bytes(65_537))

    assert (pong["id"], pong["ok"]) == ("1", True)
    assert (unknown["id"], unknown["error"]["code"]) == ("2", "control.unknown_verb")
    assert broken["error"]["code"] == "control.bad_request"
    assert too_large["error"]["code"] == "control.bad_request"
    assert place.daemon.control.stat().st_mode & 0o777 == 0o660


@pytest.mark.parametrize(
    ("uid", "gid", "allowed"),
    [(0, 0, True), (0, 999, True), (500, 999, True), (777, 500, True), (777, 999, False), (777, 0, False),
     (-1, -1, False)],
)  # fmt: skip
def test_peers_are_judged_by_their_credentials_when_they_connect(uid: int, gid: int, allowed: bool) -> None:
    assert peer_allowed(struct.pack("3i", 4711, uid, gid), own_uid=500, own_gid=500) is allowed
