"""Rows leave a node as the gateway would take them, or not at all."""

from __future__ import annotations

import json
import types
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from tests.transforms.in_process import InProcess

from alloy_transforms.library import pms5003
from alloy_transforms.sandbox.contract import Field

if TYPE_CHECKING:
    from alloy_devices.shims import Board

VECTORS = Path(__file__).parents[2] / "vectors" / "pms5003" / "frames.jsonl"
FIELDS: dict[str, dict[str, Any]] = {
    "temperature": {"type": "i16", "exp10": -1},
    "count": {"type": "u8", "optional": True},
    "on": {"type": "bool", "optional": True},
    "mode": {"type": "enum", "names": ("off", "auto"), "optional": True},
    "level": {"type": "f64", "optional": True},
    "label": {"type": "text", "max": 4, "optional": True},
    "raw": {"type": "bytes", "max": 4, "optional": True},
    "time": {"type": "time_ns", "optional": True},
}


def transform(*rows: dict[str, Any], **more: Any) -> types.SimpleNamespace:
    """A transform module that gives these rows for every frame."""
    return types.SimpleNamespace(transform=lambda payload: iter(rows), OUTPUT=FIELDS, MAX_ROWS=2, **more)


def gateway(rows: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """What the sandbox makes of the same rows, in physical values."""
    body = "\n".join(f"    yield {row!r}" for row in rows)
    worker = InProcess(f"MAX_ROWS = 2\nOUTPUT = {FIELDS!r}\ndef transform(payload):\n{body}\n")
    assert not worker.codes([b""])
    fields = {name: Field(name=name, **{"max": 0, **spec}) for name, spec in FIELDS.items()}
    return [
        {
            name: fields[name].physical(value) if fields[name].exp10 else value
            for name, value in row.items()
            if value is not None
        }
        for row in worker.rows([b""])
    ]


ROWS: list[tuple[dict[str, Any], ...]] = [
    ({"temperature": -2151},),
    ({"temperature": -32768, "label": b"\xc3\xa9"},),
    (
        {
            "temperature": 226,
            "count": 255,
            "on": True,
            "mode": "auto",
            "level": 0.1,
            "label": "é",
            "raw": b"\0\xff",
        },
    ),
    (
        {"temperature": 1, "mode": 0, "count": None, "time": 1_700_000_000_000_000_000, "level": 3},
        {"temperature": True},
    ),
]


@pytest.mark.parametrize("rows", ROWS)
def test_rows_have_the_gateways_values_when_they_leave_the_node(
    board: Board, rows: tuple[dict[str, Any], ...]
) -> None:
    import boardkit
    from records import Records

    made = cbor2.loads(boardkit.cbor(Records(transform(*rows)).rows(b"")))

    exact = [{k: float(v) if isinstance(v, Decimal) else v for k, v in row.items()} for row in made]
    assert exact == gateway(rows)
    assert all(Decimal(rows[i]["temperature"]).scaleb(-1) == row["temperature"] for i, row in enumerate(made))


BAD: list[tuple[dict[str, Any], ...]] = [
    ({"count": 1},),
    ({"temperature": None},),
    ({"temperature": 32768},),
    ({"temperature": 1.0},),
    ({"temperature": 1, "count": -1},),
    ({"temperature": 1, "count": "1"},),
    ({"temperature": 1, "mode": 2},),
    ({"temperature": 1, "mode": "on"},),
    ({"temperature": 1, "level": "1"},),
    ({"temperature": 1, "label": "longer"},),
    ({"temperature": 1, "label": b"a\xff"},),
    ({"temperature": 1, "label": b"longer"},),
    ({"temperature": 1, "label": 1},),
    ({"temperature": 1, "raw": "abc"},),
    ({"temperature": 1, "raw": b"longer"},),
    ({"temperature": 1, "other": 1},),
    ({"temperature": 1}, {"temperature": 2}, {"temperature": 3}),
]


@pytest.mark.parametrize("rows", BAD)
def test_rows_are_refused_when_the_gateway_refuses_them(
    board: Board, rows: tuple[dict[str, Any], ...]
) -> None:
    from records import Records

    body = "\n".join(f"    yield {row!r}" for row in rows)
    worker = InProcess(f"MAX_ROWS = 2\nOUTPUT = {FIELDS!r}\ndef transform(payload):\n{body}\n")

    assert worker.codes([b""])
    with pytest.raises(ValueError, match=r"field|MAX_ROWS|utf-8"):
        Records(transform(*rows)).rows(b"")


def test_recorded_frames_give_their_published_values_when_the_node_reads_them(board: Board) -> None:
    import sensor
    from records import Records

    names = list(pms5003.OUTPUT)[:12]
    records = Records(sensor.transform)
    lines = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    for line in lines:
        (row,) = records.rows(bytes.fromhex(line["frame"]))
        if "values" in line:
            assert [row[name] for name in names] == line["values"]
        else:
            assert row["pm2_5"] == line["pm2_5"]
    assert len(lines) > 10


@pytest.mark.parametrize("more", [{"STATE": {"count": 0}}, {"INPUT": {"payload": "bytes", "port": "int"}}])
def test_a_transform_is_refused_when_a_node_cannot_run_it(board: Board, more: dict[str, Any]) -> None:
    from records import Records

    with pytest.raises(ValueError, match="without STATE"):
        Records(transform(**more))


def test_floats_are_refused_when_the_board_has_small_ones(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    import records

    assert not records.single_precision()
    monkeypatch.setattr(records, "single_precision", lambda: True)
    with pytest.raises(ValueError, match="64-bit floats"):
        records.Records(transform())
    records.Records(pms5003)
