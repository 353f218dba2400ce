"""PMS5003 frames that others captured and decoded (tests/vectors/README.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

VECTORS = Path(__file__).parents[2] / "vectors" / "pms5003" / "frames.jsonl"
CASES = [json.loads(line) for line in VECTORS.read_text("utf-8").splitlines()]
Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['origin']} {case['frame'][8:24]}")
def test_published_values_come_out_when_a_captured_frame_is_read(
    case: dict[str, Any], load: Load, rows_of: Rows
) -> None:
    (row,) = rows_of(load("pms5003"), bytes.fromhex(case["frame"]))

    if "values" in case:
        assert list(row.values())[:12] == case["values"]
    else:
        assert row["pm2_5"] == case["pm2_5"]
    assert row["error"] == 0


def test_answers_to_commands_give_no_row_when_they_share_the_line(load: Load, rows_of: Rows) -> None:
    for answer in ("424d0004e1000174", "424d0004e1010175"):
        assert rows_of(load("pms5003"), bytes.fromhex(answer)) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame[:-1],
        lambda frame: frame + b"\0",
        lambda frame: b"\0" + frame[1:],
        lambda frame: frame[:10] + bytes([frame[10] ^ 1]) + frame[11:],
        lambda frame: frame[:-1] + bytes([frame[-1] ^ 1]),
        lambda frame: b"BM\x00\x1c",
        lambda frame: b"",
    ],
)
def test_a_damaged_frame_is_refused_when_it_is_read(
    spoil: Callable[[bytes], bytes], load: Load, rows_of: Rows
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        rows_of(load("pms5003"), spoil(bytes.fromhex(CASES[0]["frame"])))
