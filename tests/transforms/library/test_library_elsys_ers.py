"""The Elsys codec against the public codec examples and behind both envelopes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
NAMES = {"pir": "motion", "vdd": "battery", "soundPeak": "sound_peak", "soundAvg": "sound_average",
         "externalTemperature": "external_temperature"}  # fmt: skip


def physical(row: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    return {key: value / 10 ** -module.OUTPUT[key].get("exp10", 0) for key, value in row.items()}


def differences(row: dict[str, Any], expected: dict[str, Any], module: ModuleType) -> list[str]:
    """Expected values that are not in the row; a device may be documented with fewer than it sends."""
    ours = physical(row, module)
    return [
        f"{key}: {ours.get(NAMES.get(key, key))} is not {value}"
        for key, value in expected.items()
        if ours.get(NAMES.get(key, key)) != value
    ]


def test_every_codec_example_agrees_when_it_is_decoded(shared_data: Path, load: Load, rows_of: Rows) -> None:
    module = load("elsys_ers")
    cases = 0
    for line in (shared_data / "lorawan-codec-examples.jsonl").read_text("utf-8").splitlines():
        case = json.loads(line)
        if case["vendor"] != "elsys" or case["kind"] != "decode":
            continue
        cases += 1
        (row,) = rows_of(module, bytes.fromhex(case["bytes"]), case["fPort"])
        output = case["output"]
        assert differences(row, output[0] if isinstance(output, list) else output, module) == [], case[
            "device"
        ]

    assert cases == 20


def test_readings_are_right_when_the_codec_stands_behind_an_envelope(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    codec = load("elsys_ers")
    chains = {"ChirpStack": load("lns_chirpstack"), "ThingsStackCommunity": load("lns_thethingsstack"),
              "ThingsStackIndustries": load("lns_thethingsstack")}  # fmt: skip
    cases = 0
    for line in (shared_data / "lns-uplink-messages.jsonl").read_text("utf-8").splitlines():
        message = json.loads(line)
        if message["vendor"] != "elsys" or message["lns"] not in chains:
            continue
        cases += 1
        (outer,) = rows_of(chains[message["lns"]], json.dumps(message["payload"]).encode())
        (row,) = rows_of(codec, outer["payload"], outer["port"])
        assert differences(row, message["result"]["telemetry"][0]["values"], codec) == []

    assert cases == 18


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("03ff0140", {"acceleration_x": -1, "acceleration_y": 1, "acceleration_z": 64}),
        ("0940420fc0bdf0", {"latitude": 1_000_000, "longitude": -1_000_000}),
        ("10ffff0001", {"ir_internal_temperature": -1, "ir_external_temperature": 1}),
        ("13fb" + "0a" * 64, {"grid_reference": -5, "grid": b"\x0a" * 64}),
        ("1bffffffff", {"analog": -1}),
        ("3d0102030411021201", {"occupancy": 2, "water_leak": 1}),
        ("01fffe3e490102", {"temperature": -2, "settings": b"\x49\x01\x02"}),
        ("", {}),
    ],
)
def test_fields_are_right_when_a_type_is_sent(
    payload: str, expected: dict[str, Any], load: Load, rows_of: Rows
) -> None:
    assert rows_of(load("elsys_ers"), bytes.fromhex(payload), 5) == [expected]


@pytest.mark.parametrize(
    ("payload", "port"), [("0100", 5), ("01", 5), ("13fb00", 5), ("7f00", 5), ("0100e2", 0)]
)
def test_a_payload_is_refused_when_it_cannot_be_read(payload: str, port: int, load: Load) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        load("elsys_ers").transform(bytes.fromhex(payload), port)
