"""What the daemon says of itself: stable keys, and a will that cannot outlive its birth."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from tests.fakes.answering import FakeLink
from tests.fakes.trio_run import in_trio

from alloy_agent.core.status import StatusBoard
from alloy_agent.mqtt.topics import Topics

PIPELINE: dict[str, Any] = {"name": "p", "digest": "0" * 64, "stages": [{"name": "t"}], "inputs": 3}


def board() -> StatusBoard:
    return StatusBoard(
        topics=Topics("fleet", "gateway"),
        birth=7,
        boot="B" * 26,
        started_ns=5,
        pipelines=lambda: [PIPELINE],
        workers=lambda: [{"pid": 1, "name": "core", "pss": 10}],
        link=lambda: {"connected": True},
        modules=lambda: {"trust": "local"},
    )


def test_the_snapshot_has_its_keys_in_both_encodings() -> None:
    snapshot = board().snapshot()

    assert set(snapshot) == {
        "state",
        "bd",
        "boot",
        "version",
        "pid",
        "uptime_s",
        "problems",
        "sandbox",
        "modules",
        "link",
        "pipelines",
        "workers",
    }
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(snapshot)) == snapshot
    assert json.loads(msgspec.json.encode(snapshot)) == snapshot


def test_birth_and_will_carry_the_same_number() -> None:
    made = board()

    birth, will = json.loads(made.document("ready")), json.loads(made.will().payload)

    assert set(birth) == {"state", "bd", "boot", "version", "started_ns"}
    assert (birth.pop("state"), will.pop("state")) == ("ready", "lost")
    assert birth == will


def test_about_says_what_runs_and_no_counters() -> None:
    about = json.loads(board().about({"status", "ping"}))

    assert about["verbs"] == ["ping", "status"]
    assert about["pipelines"] == [{key: PIPELINE[key] for key in ("name", "digest", "stages")}]
    assert set(json.loads(board().metric())) == {"boot", "pipelines", "workers"}


@in_trio
async def test_the_state_is_retained_when_it_is_said() -> None:
    made, link = board(), FakeLink()

    await made.say(link, "ready")

    (said,) = link.published
    assert (said.topic, said.retain, said.qos) == ("alloy/1/fleet/gateway/status", True, 1)
    assert made.state == "ready"
