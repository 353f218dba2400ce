"""Every ChirpStack and The Things Stack message of the public corpus: envelope fields right, all of them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
MESSAGES = {"lns_chirpstack": 274, "lns_thethingsstack": 330}


def corpus(folder: Path, transform: str) -> Iterator[dict[str, Any]]:
    wanted = "ChirpStack" if transform == "lns_chirpstack" else "ThingsStack"
    with (folder / "lns-uplink-messages.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            message = json.loads(line)
            if message["lns"].startswith(wanted):
                yield message


def expected_ts(message: dict[str, Any]) -> int | None:
    telemetry = message["result"]["telemetry"]
    ts = (telemetry[0] if isinstance(telemetry, list) else telemetry).get("ts")
    if isinstance(ts, str):  # these files keep the server's text
        return round(datetime.fromisoformat(ts).timestamp() * 1000)
    assert ts is None or isinstance(ts, int)
    return ts


def expected_facts(message: dict[str, Any]) -> dict[str, Any]:
    """What the corpus's own result says of the envelope, under our names."""
    attributes = message["result"]["attributes"]
    telemetry = message["result"]["telemetry"]
    values = (telemetry[0] if isinstance(telemetry, list) else telemetry)["values"]
    names = {
        "device": ("eui", "devEui", "lora_dev_eui"),
        "dev_addr": ("devAddr", "dev_addr"),
        "port": ("fPort", "lora_frame_port"),
        "f_cnt": ("lora_frame_counter",),
        "frequency": ("frequency", "lora_frequency"),
        "spreading_factor": ("spreadingFactor", "spreading_factor", "lora_spreading_factor"),
        "bandwidth": ("bandwidth",),
        "rssi": ("lora_rssi",),
        "snr": ("lora_snr",),
        "code_rate": ("codeRate", "coding_rate"),
        "device_profile": ("deviceProfileName",),
    }
    facts: dict[str, Any] = {}
    for ours, theirs in names.items():
        for key in theirs:
            for place in (attributes, values):
                if key in place:
                    facts[ours] = place[key]
    if "frequency" in facts:
        facts["frequency"] = int(facts["frequency"])  # The Things Stack writes it as text
    if "code_rate" in facts:
        facts["code_rate"] = facts["code_rate"].removeprefix("CR_").replace("_", "/")
    return facts


@pytest.mark.parametrize("transform", MESSAGES)
def test_every_envelope_is_right_when_the_public_corpus_is_read(
    transform: str, shared_data: Path, load: Load, rows_of: Rows
) -> None:
    module = load(transform)
    wrong: list[str] = []
    count = 0

    for message in corpus(shared_data, transform):
        count += 1
        (row,) = rows_of(module, json.dumps(message["payload"]).encode())
        sent = message["payload"]
        data = sent.get("data") or sent.get("uplink_message", {}).get("frm_payload")
        facts = expected_facts(message) | {
            "payload": base64.b64decode(data + "==")
        }  # some leave out the padding
        wrong += [f"{message['case']} {key}: {row.get(key)!r} is not {value!r}"
                  for key, value in facts.items() if row.get(key) != value]  # fmt: skip
        assert {"device", "port", "payload"} <= facts.keys()

    assert wrong == []
    assert count == MESSAGES[transform]


def test_times_agree_with_the_corpus_when_chirpstack_sends_them(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    module = load("lns_chirpstack")
    for message in corpus(shared_data, "lns_chirpstack"):
        (row,) = rows_of(module, json.dumps(message["payload"]).encode())
        ts = expected_ts(message)
        if ts is None:  # version 3 has no server time; the gateway's is there
            assert row["time"] == 1573221565048445000
        else:
            assert row["time"] // 1_000_000 == ts


def test_times_agree_with_the_corpus_when_the_things_stack_sends_them(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    """The corpus's converters disagree on which server time they take; both are in the row."""
    module = load("lns_thethingsstack")
    for message in corpus(shared_data, "lns_thethingsstack"):
        (row,) = rows_of(module, json.dumps(message["payload"]).encode())
        field = "application_time" if message["vendor"] == "decentlab" else "time"
        assert row[field] // 1_000_000 == expected_ts(message)


@pytest.mark.parametrize("transform", MESSAGES)
@pytest.mark.parametrize(
    "message",
    [b"", b"null", b"[]", b"{", b"\xff{}", b"[" * 20_000, b"{}", b'{"deviceInfo": []}', b'{"data": 7}',
     b'{"end_device_ids": [], "uplink_message": {"f_port": 1}}',
     b'{"end_device_ids": {"dev_eui": "1000000000000001"}, "uplink_message": {"rx_metadata": [1]}}',
     b'{"deviceInfo": {"devEui": "1000000000000001"}, "rxInfo": [[]]}',
     b'{"deviceInfo": {"devEui": "1000000000000001"}, "data": "!!"}',
     b'{"deviceInfo": {"devEui": "1000000000000001"}, "time": "yesterday"}',
     b'{"deviceInfo": {"devEui": "1000000000000001"}, "time": "2023-02-30T00:00:00Z"}',
     b'{"deviceInfo": {"devEui": "1000000000000001"}, "fPort": 1.5}',
     b'{"end_device_ids": {"dev_eui": "1000000000000001"}, "uplink_message": {"f_port": true}}',
     b'{"end_device_ids": {"dev_eui": "1000000000000001"}, "uplink_message": {"settings": {"data_rate": 1}}}',
     b" " * 70_000],
)  # fmt: skip
def test_a_message_is_refused_as_bad_data_when_a_peer_lies(
    transform: str, message: bytes, load: Load
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - ValueError is what the worker maps to data.value
        load(transform).transform(message)


@pytest.mark.parametrize(
    ("text", "fraction", "offset_minutes"),
    [
        ("2023-05-19T05:33:35.848446463Z", 848446463, 0),
        ("2023-05-19T05:33:35Z", 0, 0),
        ("2023-05-19T05:33:35.5+02:00", 500_000_000, 120),
        ("2023-05-19T05:33:35.000000001-09:30", 1, -570),
    ],
)
def test_an_instant_keeps_every_nanosecond_when_it_is_parsed(
    text: str, fraction: int, offset_minutes: int, load: Load
) -> None:
    zone = timezone(timedelta(minutes=offset_minutes))
    seconds = Fraction(datetime(2023, 5, 19, 5, 33, 35, tzinfo=zone).timestamp())

    for transform in MESSAGES:
        assert load(transform).instant(text) == seconds * 10**9 + fraction
