"""NMEA sentences of real receivers against what gpsd made of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
TOLERANCE_DEG = 1e-8
AGREE = 1087  # of 1128 positions in the 74 logs; see the test
Position = tuple[float, float]


def sentences(log: Path) -> Iterator[bytes]:
    for line in log.read_bytes().split(b"\n"):
        if line.startswith((b"$", b"!")):
            yield line.rstrip(b"\r")


def reported(log: Path) -> list[Position]:
    reports = log.with_name(log.name + ".chk").read_bytes().splitlines()
    fixes = [json.loads(line) for line in reports if line.startswith(b'{"class":"TPV"')]
    return [(fix["lat"], fix["lon"]) for fix in fixes if "lat" in fix and "lon" in fix]


def near(one: Position, other: Position) -> bool:
    return all(abs(a - b) <= TOLERANCE_DEG for a, b in zip(one, other, strict=True))


def positions(log: Path, module: ModuleType, rows_of: Rows) -> list[Position]:
    found = []
    for sentence in sentences(log):
        try:
            rows = rows_of(module, sentence)
        except ValueError:
            continue
        found += [(row["latitude"] / 10**9, row["longitude"] / 10**9) for row in rows if "latitude" in row]
    return found


def test_all_positions_agree_with_gpsd_when_rx210_is_read(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    log = shared_data / "gpsd" / "rx210.log"
    ours, theirs = positions(log, load("nmea"), rows_of), reported(log)

    assert len(theirs) == 40
    assert sum(any(near(fix, each) for each in ours) for fix in theirs) == 40
    assert sum(any(near(each, fix) for fix in theirs) for each in ours) == len(ours) == 80


@pytest.mark.slow
def test_positions_agree_with_gpsd_when_every_recording_is_read(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    """The rest is what gpsd chose not to report: half a cycle at the end, a receiver it does not believe."""
    agree = total = 0
    for log in sorted((shared_data / "gpsd").glob("*.log")):
        theirs = reported(log)
        for each in positions(log, load("nmea"), rows_of):
            total += 1
            agree += any(near(each, fix) for fix in theirs)

    assert (agree, total) == (AGREE, 1128)


def test_only_bad_data_is_refused_when_every_recording_is_read(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    module = load("nmea")
    rows = refused = sound = 0
    for log in sorted((shared_data / "gpsd").glob("*.log")):
        for sentence in sentences(log):
            body, _, check = sentence[1:].partition(b"*")
            xor = 0
            for value in body:
                xor ^= value
            intact = check.strip().upper() == b"%02X" % xor
            try:
                rows += len(rows_of(module, sentence))
                assert intact
                sound += 1
            except ValueError:
                refused += intact

    assert rows > 2400
    assert sound > 4000
    assert refused == 2  # a date of "2208-1", and fields with stray bars: damaged before their check was made


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        (b"$GPRMC,235959.999999999,A,0000.0000,S,18000.0000,W,0,0,311299,3.1,W*", {
            "time": 946684799999999999, "latitude": 0, "longitude": -180_000_000_000,
            "magnetic_variation": -3100}),
        (b"$GNRMC,000000,V,1234.5,N,01234.5,E,1.0,2.0,010100,,,N*", {
            "time": 946684800000000000, "valid": False, "latitude": None, "speed": None}),
        (b"$GPGGA,120000,1234.5678,N,01234.5678,E,0,00,,,M,,M,,*", {
            "fix": 0, "latitude": None, "satellites": 0, "time": None, "time_of_day": 43_200_000}),
        (b"$BDGSA,A,1,,,,,,,,,,,,,99.99,99.99,99.99,4*", {
            "talker": 4, "dimensions": 0, "satellites": 0, "pdop": 9999}),
        (b"$GNVTG,,T,,M,,N,,K,N*", {"speed": None, "course": None}),
    ],
)  # fmt: skip
def test_fields_are_right_when_a_sentence_has_them(
    sentence: bytes, expected: dict[str, Any], load: Load, rows_of: Rows
) -> None:
    xor = 0
    for value in sentence[1:-1]:
        xor ^= value

    (row,) = rows_of(load("nmea"), sentence + b"%02X\r\n" % xor)

    assert {key: row.get(key) for key in expected} == expected


def test_no_row_comes_out_when_the_kind_of_sentence_is_not_known(load: Load, rows_of: Rows) -> None:
    for sentence in (
        b"$GPGSV,2,2,08,25,41,116,20,26,36,297,25,29,73,057,12,31,56,245,20*73",
        b"$PGRME,15.0,M,45.0,M,25.0,M*1C",
        b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C",
    ):
        assert rows_of(load("nmea"), sentence) == []


@pytest.mark.parametrize(
    "sentence",
    [
        b"",
        b"$",
        b"$GPGGA*00",
        b"GPRMC,1*00",
        b"$GPRMC,,V,,,,,,,,,,N",
        b"$GPRMC,,V,,,,,,,,,,N*5X",
        b"\xff" * 2000,
    ],
)
def test_a_sentence_is_refused_when_it_is_damaged(sentence: bytes, load: Load, rows_of: Rows) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        rows_of(load("nmea"), sentence)
