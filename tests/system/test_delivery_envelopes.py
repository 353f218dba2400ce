"""Every uplink of the public corpus through a running daemon: MQTT in, envelope in the jail, MQTT out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.brokers import MOSQUITTO
from tests.system import independent, running
from tests.system.independent import Consumer, Item, Message, Row
from tests.transforms.library.test_library_lns import corpus, expected_facts, expected_ts

from alloy_devices.sims.lns import topic_of

pytestmark = pytest.mark.slow

Delivered = tuple[dict[str, list[Item]], dict[str, list[Row]], list[Message]]

ROOT = "alloy/1/fleet/gateway"
COUNTS = {"lns_chirpstack": 274, "lns_thethingsstack": 330}
AGENT = "fleet: fleet\ndevice: gateway\nmqtt: {host: 127.0.0.1, port: %d}\n"
PIPELINE = "source: {mqtt: {topic: %s, qos: 1}}\ntransform: %s\nsink: {mqtt: {stream: uplinks}}\n"
SOURCES = {
    "lns_chirpstack": "application/+/device/+/event/up",
    "lns_thethingsstack": "v3/+/devices/+/up",
}


@pytest.fixture(
    scope="module",
    params=["mini", pytest.param("mosquitto", marks=pytest.mark.interop)],
)
def delivered(
    request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Delivered:
    """The corpus by pipeline, the rows that came of it, and every message."""
    if request.param == "mosquitto" and MOSQUITTO is None:
        pytest.skip("no mosquitto binary on this machine (apt install mosquitto)")
    folder = tmp_path_factory.mktemp(request.param)
    sent = {name: list(corpus(shared_data, name)) for name in COUNTS}
    start = running.mini_broker if request.param == "mini" else running.mosquitto
    with start(folder) as port, Consumer(port, f"{ROOT}/#") as consumer:
        config = running.write_config(
            folder / "config",
            AGENT % port,
            **{name: PIPELINE % (topic, name) for name, topic in SOURCES.items()},
        )
        with running.daemon(config, folder) as daemon:
            for messages in sent.values():
                consumer.publish_all(
                    (topic_of(each["payload"]), json.dumps(each["payload"]).encode()) for each in messages
                )
            consumer.wait(lambda m: rows_in(m) >= sum(COUNTS.values()), "604 rows")
            daemon.wait_status(lambda s: not any(p["unacknowledged"] for p in s["pipelines"]))
            status = daemon.status()
            assert daemon.stop() == 0
    assert sum(p["dead_letters"] + p["refused"] for p in status["pipelines"]) == 0
    schemas = {m.topic.rsplit("/", 1)[1]: m.item for m in consumer.messages if "/schema/" in m.topic}
    rows = {
        name: [
            row
            for m in consumer.messages
            if m.topic == f"{ROOT}/data/{name}/uplinks"
            for row in independent.rows(m.item, schemas[m.item["sid"]])
        ]
        for name in COUNTS
    }
    return sent, rows, consumer.messages


def rows_in(messages: Sequence[Message]) -> int:
    return sum(m.item["n"] for m in messages if "/data/" in m.topic)


def test_every_uplink_arrives_once_when_the_corpus_is_published(delivered: Delivered) -> None:
    _, rows, messages = delivered

    assert {name: len(found) for name, found in rows.items()} == COUNTS
    for message in messages:
        if "/data/" in message.topic or "/schema/" in message.topic:
            independent.validate(message)


@pytest.mark.parametrize("name", COUNTS)
def test_envelope_fields_agree_with_the_corpus_when_rows_arrive(name: str, delivered: Delivered) -> None:
    sent, rows, _ = delivered
    wrong: list[str] = []

    for message, row in zip(sent[name], rows[name], strict=True):
        wanted: dict[str, Any] = expected_facts(message)
        assert {"device", "port"} <= wanted.keys()
        wanted["payload"] = independent.base64_bytes(
            message["payload"].get("data") or message["payload"]["uplink_message"]["frm_payload"]
        )
        wrong += [
            f"{message['case']} {key}: {row.values.get(key)!r} is not {value!r}"
            for key, value in wanted.items()
            if row.values.get(key) != value
        ]

    assert wrong == []


def test_times_agree_to_the_millisecond_when_chirpstack_sends_them(delivered: Delivered) -> None:
    sent, rows, _ = delivered
    without = 0

    for message, row in zip(sent["lns_chirpstack"], rows["lns_chirpstack"], strict=True):
        ts = expected_ts(message)
        if ts is None:  # version 3 sends no server time: the gateway's own stands there
            without += 1
            heard = datetime.fromisoformat(message["payload"]["rxInfo"][0]["time"])
            ts = int(heard.timestamp() * 1000)
        assert row.time // 1_000_000 == ts

    assert without == 112


def test_times_agree_to_the_millisecond_when_the_things_stack_sends_them(delivered: Delivered) -> None:
    """The corpus's converters disagree on which server time they take; both are in the row."""
    sent, rows, _ = delivered
    by_field = {"time": 0, "application_time": 0}

    for message, row in zip(sent["lns_thethingsstack"], rows["lns_thethingsstack"], strict=True):
        both = {
            "time": row.time // 1_000_000,
            "application_time": row.values["application_time"] // 1_000_000,
        }
        field = "application_time" if message["vendor"] == "decentlab" else "time"
        assert both[field] == expected_ts(message)
        assert both["time"] <= both["application_time"]
        by_field[field] += 1

    assert sum(by_field.values()) == 330
    assert min(by_field.values()) > 0
