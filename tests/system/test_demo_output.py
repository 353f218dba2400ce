"""The demo's streams, taken from the broker by an independent consumer and compared with facts from outside."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.system import independent, independent_arrays
from tests.system.demo_taken import ROOT, Taken, capture
from tests.system.independent import Item, Row

pytestmark = pytest.mark.slow

TOLERANCE_DEG = 1e-8


def test_the_consumer_shares_nothing_with_the_product_when_it_judges() -> None:
    for module in (independent, independent_arrays):
        assert module.__file__ is not None
        tree = ast.parse(Path(module.__file__).read_text("utf-8"))
        names = [each.module or "" for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
        names += [a.name for each in ast.walk(tree) if isinstance(each, ast.Import) for a in each.names]
        assert len(names) > 5
        assert not [name for name in names if "alloy" in name]


def test_every_message_is_valid_by_the_cddl_when_the_demo_runs(taken: Taken) -> None:
    judged = [m for m in taken.messages if "/data/" in m.topic or "/schema/" in m.topic]

    for message in judged:
        independent.validate(message)

    assert len(judged) > 50


def test_descriptors_come_first_and_stay_when_blocks_are_published(taken: Taken) -> None:
    known: set[str] = set()
    for message in taken.messages:
        if "/schema/" in message.topic:
            assert message.topic.rsplit("/", 1)[1] == independent.sid(message.payload)
            known.add(independent.sid(message.payload))
        elif "/data/" in message.topic:
            assert message.item["sid"] in known

    kept = {m.topic.rsplit("/", 1)[1] for m in taken.late if "/schema/" in m.topic}
    assert kept == known == taken.schemas.keys()
    assert len(known) == 3 + len(taken.files)


def test_sequences_have_no_gap_when_batches_arrive(taken: Taken) -> None:
    for pipeline in ("position", "air", "climate"):
        batches = [message.item for message in taken.of(pipeline)]
        assert len({batch["run"] for batch in batches}) == 1
        row = 0
        for seq, batch in enumerate(batches):
            assert (batch["seq"], batch["row"]) == (seq, row)
            row += batch["n"]


def test_birth_is_retained_when_a_consumer_comes_late(taken: Taken) -> None:
    (status,) = [json.loads(m.payload) for m in taken.late if m.topic == f"{ROOT}/status"]
    (about,) = [json.loads(m.payload) for m in taken.late if m.topic == f"{ROOT}/about"]

    assert (status["state"], status["bd"]) == ("ready", taken.bd)
    assert {each["name"] for each in about["pipelines"]} == {
        "position",
        "air",
        "climate",
        "science",
        "survey",
    }


@pytest.fixture(scope="module")
def reports(shared_data: Path) -> list[Item]:
    """What gpsd reported for the same recording, where it had a position."""
    lines = (shared_data / "gpsd" / "rx210.log.chk").read_bytes().splitlines()
    found = [json.loads(line) for line in lines if line.startswith(b'{"class":"TPV"')]
    return [report for report in found if "lat" in report]


def test_all_positions_agree_with_gpsd_when_the_receiver_is_replayed(
    taken: Taken, reports: list[Item]
) -> None:
    """gpsd's date lies 1024 weeks ahead (it takes the receiver to be one roll-over of the week behind);
    the sentences, and so the rows, say 2016-04-03."""
    fixes = {row.time: row for row in taken.rows("position") if "latitude" in row.values and moving(row)}

    for report in reports:
        when = datetime.fromisoformat(report["time"]) - timedelta(weeks=1024)
        row = fixes[round(when.timestamp() * 1000) * 1_000_000]
        assert abs(row.values["latitude"] - report["lat"]) <= TOLERANCE_DEG
        assert abs(row.values["longitude"] - report["lon"]) <= TOLERANCE_DEG
        assert row.values["speed"] * 1852 / 3600 == pytest.approx(report["speed"], abs=6e-4)
        assert row.quality["latitude"] == row.quality["longitude"] == 1

    assert len(reports) == len(fixes) == 40


def moving(row: Row) -> bool:
    """RMC: the sentence with date and speed."""
    return bool(row.values["sentence"] == "rmc")


def test_altitudes_agree_with_gpsd_when_the_receiver_is_replayed(taken: Taken, reports: list[Item]) -> None:
    found = {row.values["time_of_day"]: row for row in taken.rows("position") if "altitude" in row.values}

    for report in reports:
        when = datetime.fromisoformat(report["time"])
        seconds = when.hour * 3600 + when.minute * 60 + when.second + when.microsecond / 1e6
        row = found[seconds]
        assert row.values["altitude"] == pytest.approx(report["altMSL"], abs=1e-9)
        assert row.values["geoid_separation"] == pytest.approx(report["geoidSep"], abs=1e-9)
        assert row.values["latitude"] == pytest.approx(report["lat"], abs=TOLERANCE_DEG)
        assert row.time == row.received  # GGA has no date

    assert len(found) == 40


AIR = ("pm1_0_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_0", "pm2_5", "pm10", "count_0_3um", "count_0_5um",
       "count_1_0um", "count_2_5um", "count_5_0um", "count_10um")  # fmt: skip


def test_all_twelve_values_agree_when_a_published_capture_is_replayed(taken: Taken) -> None:
    expected = [tuple(each["values"]) for each in capture()]

    got = [tuple(row.values[name] for name in AIR) for row in taken.rows("air")]

    assert got[: len(expected)] == expected
    assert got == taken.sent_air[: len(got)]
    assert len(expected) == 10


def test_units_and_times_are_said_when_particles_are_published(taken: Taken) -> None:
    (descriptor,) = [s for s in taken.schemas.values() if s["prov"]["src"] == "lines:air"]
    units = {each["name"]: each.get("unit") for each in descriptor["vars"]}
    rows = taken.rows("air")

    assert {units[name] for name in AIR[:6]} == {"ug/m3"}
    assert {units[name] for name in AIR[6:]} == {"{#}/dL"}
    assert [stage["name"] for stage in descriptor["prov"]["stages"]] == ["pms5003"]
    assert all(earlier.time <= later.time for earlier, later in pairwise(rows))


# A ChirpStack event (documentation, "Events"), path -> our name; capitals as the server's own tools print them.
ENVELOPE: dict[str, Callable[[Item], Any]] = {
    "device": lambda m: m["deviceInfo"]["devEui"].upper(),
    "dev_addr": lambda m: m["devAddr"].upper(),
    "f_cnt": lambda m: m["fCnt"],
    "confirmed": lambda m: m["confirmed"],
    "rssi": lambda m: float(max(each["rssi"] for each in m["rxInfo"])),
    "gateways": lambda m: len(m["rxInfo"]),
    "frequency": lambda m: m["txInfo"]["frequency"],
    "spreading_factor": lambda m: m["txInfo"]["modulation"]["lora"]["spreadingFactor"],
    "bandwidth": lambda m: m["txInfo"]["modulation"]["lora"]["bandwidth"],
    "device_name": lambda m: m["deviceInfo"]["deviceName"],
    "device_profile": lambda m: m["deviceInfo"]["deviceProfileName"],
}
READINGS = {"pir": "motion", "vdd": "battery", "soundPeak": "sound_peak", "soundAvg": "sound_average",
            "externalTemperature": "external_temperature"}  # fmt: skip


def test_envelopes_agree_when_a_network_server_publishes(taken: Taken) -> None:
    rows = taken.rows("climate")

    for message, row in zip(taken.uplinks, rows, strict=True):
        assert {name: row.values.get(name) for name in ENVELOPE} == {
            name: find(message) for name, find in ENVELOPE.items()
        }
        since = datetime.fromisoformat(message["time"]) - datetime(1970, 1, 1, tzinfo=UTC)
        assert row.time == since // timedelta(microseconds=1) * 1000
    assert len(rows) > 5


def test_readings_agree_with_the_corpus_when_the_codec_stands_behind_the_envelope(
    taken: Taken, shared_data: Path
) -> None:
    corpus = {}
    for line in (shared_data / "lns-uplink-messages.jsonl").read_text("utf-8").splitlines():
        message = json.loads(line)
        if message["vendor"] == "elsys" and message["lns"] == "ChirpStack":
            corpus[message["payload"]["data"]] = message["result"]["telemetry"][0]["values"]

    for message, row in zip(taken.uplinks, taken.rows("climate"), strict=True):
        for theirs, value in corpus[message["data"]].items():
            assert row.values[READINGS.get(theirs, theirs)] == value, theirs
