"""Inputs that real devices sent, as the tests of the library read them: `../shared/data` and `tests/vectors`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from tests.transforms.differential.outcome import Outcome
from tests.transforms.differential.subjects import NAMES, Direct, Subject, subject

from alloy_transforms.cases import Inputs

VECTORS = Path(__file__).parents[2] / "vectors"
BLE = ("atc_pvvx", "bthome_v2", "ruuvi_df3", "ruuvi_df5")
NMEA = ("nmea", "nmea_gsv", "nmea_hdt", "nmea_mwv", "nmea_xdr")


def recorded(name: str, shared: Path) -> list[Inputs]:
    """Every recorded input that one transform of the library might be given; some are of other devices."""
    if name in NMEA:
        return [(sentence,) for sentence in _sentences(shared)]
    if name in BLE:
        return [
            (bytes.fromhex(event["hci"]),) for event in _lines(shared / "ble" / "hci-advertisements.jsonl")
        ]
    if name == "pms5003":
        return [(bytes.fromhex(case["frame"]),) for case in _lines(VECTORS / "pms5003" / "frames.jsonl")]
    return list(_uplinks(name, shared))


def real(shared: Path, every: int = 1) -> dict[str, tuple[Subject, list[Inputs], Outcome]]:
    """One of so many recorded inputs of every transform that has some, with the plain function's answers."""
    work = {}
    for name in NAMES:
        if inputs := recorded(name, shared)[::every]:
            work[name] = subject(name), inputs, Direct(subject(name)).run(inputs)
    return work


@cache
def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@cache
def _sentences(shared: Path) -> list[bytes]:
    logs = [log.read_bytes() for log in sorted((shared / "gpsd").glob("*.log"))]
    return [line.rstrip(b"\r") for log in logs for line in log.split(b"\n") if line.startswith((b"$", b"!"))]


def _uplinks(name: str, shared: Path) -> Iterator[Inputs]:
    for path in sorted((VECTORS / "lorawan").glob("*.json")):
        family = json.loads(path.read_text("utf-8"))
        if family["transform"] != name:
            continue
        for case in _lines(shared / "lorawan-codec-examples.jsonl"):
            named = any(fnmatch(case["codec"], pattern) for pattern in family["codecs"])
            if case["kind"] == "decode" and case["vendor"] == family["vendor"] and named:
                port = family["port"] if case["fPort"] is None else case["fPort"]
                yield bytes.fromhex(case["bytes"]), port
