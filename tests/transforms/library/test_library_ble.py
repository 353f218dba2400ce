"""Recorded advertising events against what ble_monitor's tests say they mean, and the faults of a radio."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
FORMATS = {"test_atc_parser.py": ("atc_pvvx", 5, 1), "test_bthome_v2.py": ("bthome_v2", 69, 1)}
"""File of the recordings -> transform, events that must be right, encrypted ones."""
FIRMWARE = {"ATC (Atc1441)": "atc1441", "ATC (Custom)": "pvvx"}
RENAMED = {"pm2.5": "pm2_5", "uv index": "uv_index", "weight": "mass", "gas": "gas_volume",
           "water": "water_volume", "volume flow rate": "volume_flow_rate", "voltage": "voltage"}  # fmt: skip
MILLI = {"distance mm": ("distance", 1), "distance": ("distance", 1000), "volume mL": ("volume", 0.001)}
NOT_READINGS = {"firmware", "type", "mac", "packet", "data", "rssi"}


def events(shared: Path, name: str) -> list[dict[str, Any]]:
    lines = (shared / "ble" / "hci-advertisements.jsonl").read_text("utf-8").splitlines()
    return [event for line in lines if (event := json.loads(line))["file"] == name]


def readings(rows: list[dict[str, Any]], module: ModuleType) -> dict[str, Any]:
    """All rows as one map of physical values; a binary sensor under its own name, the last of a kind stands."""
    found: dict[str, Any] = {}
    for row in rows:
        for key, value in row.items():
            spec = module.OUTPUT[key]
            shown = value / 10 ** -spec.get("exp10", 0) if spec["type"][0] in "iu" else value
            found[key] = spec["names"][value] if spec["type"] == "enum" else shown
        if "sensor" in row:
            found[f"is {found['sensor']}"] = row["state"]
    return found


def value_of(key: str, found: dict[str, Any], name: str) -> Any:
    """What our rows say of an expected key."""
    if key in MILLI:
        field, factor = MILLI[key]
        return found[field] / factor if factor != 1 else found[field]
    if name == "atc_pvvx" and key == "voltage":
        return found["battery_voltage"]
    binary = {
        "binary": "generic",
        "switch": "power",
        "gas detected": "gas",
        "moisture detected": "moisture",
    }.get(key, key)
    binary = f"is {binary.replace(' ', '_')}"
    return found[binary] if binary in found else found[RENAMED.get(key, key)]


@pytest.mark.parametrize("file", FORMATS)
def test_readings_are_right_when_recorded_events_are_decoded(
    file: str, shared_data: Path, load: Load, rows_of: Rows
) -> None:
    name, plain, encrypted = FORMATS[file]
    module = load(name)
    right = refused = 0
    for event in events(shared_data, file):
        if "aeskey" in event:
            with pytest.raises(ValueError, match="encrypted"):
                rows_of(module, bytes.fromhex(event["hci"]))
            refused += 1
            continue
        found = readings(rows_of(module, bytes.fromhex(event["hci"])), module)
        expected = event["expected"]
        assert found["address"] == int(expected["mac"], 16)
        assert found["rssi"] == expected["rssi"]
        if name == "atc_pvvx":
            assert found["form"] == FIRMWARE[expected["firmware"]]
            assert found["counter"] == expected["packet"]
        elif expected["packet"] != "no packet id":
            assert found["packet_id"] == expected["packet"]
        for key in expected.keys() - NOT_READINGS:
            ours, value = value_of(key, found, name), expected[key]
            if isinstance(value, str):
                ours = ours.decode() if isinstance(ours, bytes) else ours.replace("_", " ")
                assert ours == value, event["test"]
            else:
                assert ours == pytest.approx(value, rel=1e-12), event["test"]
        right += 1

    assert (right, refused) == (plain, encrypted)


def test_other_advertisements_give_no_row_when_every_recording_is_read(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    modules = [load(name) for name in ("ruuvi_df3", "ruuvi_df5")]
    lines = (shared_data / "ble" / "hci-advertisements.jsonl").read_text("utf-8").splitlines()

    for line in lines:
        event = bytes.fromhex(json.loads(line)["hci"])
        for module in modules:
            assert rows_of(module, event) == []
    assert len(lines) == 222


def test_an_instance_has_a_row_of_its_own_when_a_kind_comes_twice(load: Load, rows_of: Rows) -> None:
    # temperatures 1 and 2, humidity 3 once, two windows
    payload = bytes.fromhex("1116d2fc4002640002c80003e8032d012d00".replace(" ", ""))

    rows = rows_of(load("bthome_v2"), payload)

    assert [(row["instance"], row.get("temperature"), row.get("humidity")) for row in rows[:2]] == [
        (0, 100, 1000),
        (1, 200, None),
    ]
    assert [(row["instance"], row["sensor"], row["state"]) for row in rows[2:]] == [
        (0, 27, True),
        (1, 27, False),
    ]


@pytest.mark.parametrize(
    ("name", "payload"),
    [
        ("bthome_v2", "0a16d2fc4002c40903bf"),  # cut
        ("bthome_v2", "0916d2fc4002c40903bf"),  # an object longer than the rest
        ("bthome_v2", "0a16d2fc2002c40903bf13"),  # version 1
        ("bthome_v2", "0a16d2fc4102c40903bf13"),  # encrypted
        ("bthome_v2", "0616d2fc403a09"),  # no such event of a button
        ("bthome_v2", "0716d2fc405305ab"),  # text longer than the rest
        ("bthome_v2", "1816d2fc40" + "0101" * 10),  # more of a kind than instances
        ("ruuvi_df5", "1aff99040512fc5394c37c0004fffc040cac364200cdcbb8334c88"),
        ("ruuvi_df3", "10ff990403291a1ece1efc18f94202ca0b"),
        ("atc_pvvx", "0b161a18a4c1380283f400a2"),  # encrypted
        ("atc_pvvx", "043e1d02020000f4830238c1a41110161a18a4c1380283f400a22f5f0bf819df"),  # two reports
        ("atc_pvvx", "043e0500010000ff"),
        ("atc_pvvx", "043e0302"),
    ],
)
def test_an_advertisement_is_refused_when_it_is_damaged(
    name: str, payload: str, load: Load, rows_of: Rows
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        rows_of(load(name), bytes.fromhex(payload))
