"""A transform that fails or attacks in the running daemon: back-pressure or dead letters, news, and back into use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cbor2
import pytest
import trio
from tests.system import running
from tests.system.independent import Consumer

from alloy_agent.core.control import ask
from alloy_agent.core.verbs import Response

pytestmark = pytest.mark.slow

ROOT = "alloy/1/fleet/gateway"
AGENT = "fleet: fleet\ndevice: gateway\nmqtt: {host: 127.0.0.1, port: %d}\n"
PIPELINE = "source: {mqtt: {topic: in/%s, qos: 1}}\ntransform: ./%s.py\nsink: {mqtt: {stream: n}}\nbatch: {rows: 1}\n"
HEAD = '"""Test."""\nOUTPUT = {"v": {"type": "i64"}}\n'
FRAGILE = (
    HEAD + "def transform(payload):\n    return {'v': int(payload)} if payload[:1] != b'x' else nothing\n"
)
EVIL = (
    "import json\n" + HEAD + "def transform(payload):\n    if payload[:1] == b'x':\n"
    "        json.codecs.__builtins__['__import__']('posix').mkfifo('/x')\n    return {'v': int(payload)}\n"
)


def verb(daemon: running.Daemon, name: str, **args: str) -> Response:
    return trio.run(ask, daemon.control, name, args, running.READY_S)


def transform(status: Mapping[str, Any], pipeline: str) -> dict[str, Any]:
    (facts,) = next(p for p in status["pipelines"] if p["name"] == pipeline)["transforms"]
    return facts  # type: ignore[no-any-return]


def letters(daemon: running.Daemon, pipeline: str) -> list[bytes]:
    path = daemon.state_dir / "dlq" / f"{pipeline}.cborseq"
    out = []
    if path.exists():
        with path.open("rb") as file:
            while file.peek(1):
                out.append(cbor2.load(file)["raw"])
    return out


def numbers(console: Consumer, pipeline: str) -> list[int]:
    """What arrived, in order."""
    out: list[int] = []
    for message in tuple(console.messages):
        if message.topic == f"{ROOT}/data/{pipeline}/n":
            item = cbor2.loads(message.payload)
            raw = item["p"][0].value
            out += [int.from_bytes(raw[i : i + 8], "little", signed=True) for i in range(0, len(raw), 8)]
    return out


def test_inputs_wait_at_the_broker_when_a_transform_is_disabled_until_it_is_enabled(tmp_path: Path) -> None:
    with (
        running.mini_broker(tmp_path) as port,
        Consumer(port, f"{ROOT}/data/+/+", f"{ROOT}/event/+", f"{ROOT}/alert/+") as console,
    ):
        config = running.write_config(
            tmp_path / "config",
            AGENT % port,
            fragile=PIPELINE % ("fragile", "fragile"),
            evil=PIPELINE % ("evil", "evil"),
        )
        (config / "transforms").mkdir()
        (config / "transforms" / "fragile.py").write_text(FRAGILE)
        (config / "transforms" / "evil.py").write_text(EVIL)
        with running.daemon(config, tmp_path) as daemon:
            sent = [b"1", b"x1", b"x2", b"x3", *(str(i).encode() for i in range(2, 40))]
            for payload in sent:
                console.publish("in/fragile", payload)
                console.publish("in/evil", payload)

            status = daemon.wait_status(
                lambda s: (
                    transform(s, "fragile")["state"] == "disabled"
                    and transform(s, "evil")["state"] == "quarantined"
                )
            )
            facts = transform(status, "fragile")
            assert (facts["code"], facts["pid"]) == ("script.exception", 0)
            assert "3 failed batches in a row" in facts["why"]
            assert facts["accounting"]["errors"] == {"script.exception": 3}
            assert transform(status, "evil")["code"] == "violation.syscall"
            assert numbers(console, "fragile") == [1]
            shown = running.alloy_edge("status", "--run-dir", daemon.run_dir).stdout.decode()
            assert "disabled since" in shown
            assert "quarantined since" in shown

            unknown = verb(daemon, "transform.enable", transform="fragile/other")
            assert unknown.error is not None
            assert unknown.error.code == "transform.unknown"
            wrong = verb(daemon, "transform.enable")
            assert wrong.error is not None
            assert wrong.error.code == "control.bad_request"
            refused = verb(daemon, "transform.enable", transform="evil/evil")
            assert refused.error is not None
            assert refused.error.code == "transform.quarantined"
            assert verb(daemon, "transform.enable", transform="fragile/fragile").ok

            console.wait(
                lambda _: numbers(console, "fragile") == list(range(1, 40)), "every number once, in order"
            )
            disabled = verb(daemon, "transform.disable", transform="fragile/fragile", reason="maintenance")
            assert disabled.ok
            assert (disabled.result[0]["state"], disabled.result[0]["why"]) == ("disabled", "maintenance")
            console.wait(lambda m: sum(x.topic == f"{ROOT}/event/transform" for x in m) >= 4, "the audit")
            console.wait(lambda m: any("/alert/fragile.fragile" in x.topic for x in m), "the alert")

        audit = [json.loads(m.payload) for m in console.messages if m.topic == f"{ROOT}/event/transform"]
        told = [(a["pipeline"], a["name"], a["code"]) for a in audit]
        assert ("evil", "transform.quarantined", "violation.syscall") in told
        assert [name for pipeline, name, _ in told if pipeline == "fragile"] == [
            "transform.disabled", "transform.enabled", "transform.disabled",
        ]  # fmt: skip
        assert letters(daemon, "fragile") == [b"x1", b"x2", b"x3"]
        assert letters(daemon, "evil") == [b"x1"]
        assert numbers(console, "evil") == [1]
        assert not [m for m in console.messages if m.retain]  # it was subscribed before
