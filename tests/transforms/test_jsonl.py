"""JSON lines: physical values, units, times and reasons as people read them."""

from __future__ import annotations

import json
import struct
from dataclasses import replace

import pytest
from tests.transforms.wire_records import CLIMATE, FIELD, climate_batch, field_chunk, field_manifest

from alloy_transforms.errors import RecordError
from alloy_transforms.record import Column, Descriptor, Flags, Level, Packing, Variable
from alloy_transforms.wire import ENCODINGS, cbor, encoding, jsonl
from alloy_transforms.wire.values import iso_ns, physical, reason_names


def lines(buffers: list[bytes | bytearray | memoryview]) -> list[dict[str, object]]:
    return [json.loads(line) for line in b"".join(buffers).decode().splitlines()]


def test_a_row_is_one_line_with_value_unit_quality_and_reasons() -> None:
    batch = climate_batch(2)

    first, second = lines(jsonl.encode_batch(batch, CLIMATE))

    assert first["time"] == "2023-11-14T22:13:20.000000000Z"
    assert first["received"] == "2023-11-14T22:13:20.000500000Z"
    assert (first["row"], second["row"], first["clock"]) == (700, 701, "ntp")
    assert first["values"]["temperature"] == {"value": 22.6, "unit": "Cel", "quality": 1}
    assert second["values"]["humidity"] == {"value": None, "unit": "%", "quality": 9, "reasons": ["absent"]}
    assert second["values"]["valve"] == {
        "value": 1,
        "unit": "1",
        "meaning": "on",
        "quality": 3,
        "reasons": ["expect"],
    }
    assert first["values"]["label"] == {"value": "n0", "quality": 1}


def test_numbers_json_does_not_have_are_texts() -> None:
    descriptor = Descriptor(
        CLIMATE.dims, (Variable("x", ("row",), "f8"), Variable("z", ("row",), "c8")), CLIMATE.prov
    )
    values = struct.pack("<3d", float("nan"), float("inf"), float("-inf"))
    batch = replace(
        climate_batch(3),
        sid=cbor.sid(descriptor),
        columns=(Column(values), Column(struct.pack("<6f", 1, 2, 3, 4, 5, float("nan")))),
    )

    rows = lines(jsonl.encode_batch(batch, descriptor))

    assert [row["values"]["x"]["value"] for row in rows] == ["NaN", "Infinity", "-Infinity"]
    assert [row["values"]["z"]["value"] for row in rows] == [[1, 2], [3, 4], [5, "NaN"]]


def test_flag_masks_name_their_bits() -> None:
    flags = Flags(masks=(1, 2, 12, 12), values=(1, 2, 4, 8), meanings=("low", "warm", "four", "eight"))
    variable = Variable("qc", ("row",), "u1", flags=flags)

    assert jsonl.quantity(variable, 11, 1, 0)["meaning"] == ["low", "warm", "eight"]
    assert jsonl.quantity(replace(variable, flags=Flags(masks=(1, 2), meanings=("a", "b"))), 3, 1, 0)[
        "meaning"
    ] == ["a", "b"]


def test_a_chunk_is_summarised_unless_its_values_are_asked_for() -> None:
    chunk = field_chunk(Level.PACKED)

    (short,) = lines(jsonl.encode_chunk(chunk, FIELD))
    (long,) = lines(jsonl.encode_chunk(chunk, FIELD, values=True))
    (stored,) = lines(jsonl.encode_chunk(field_chunk(Level.STORED), FIELD, values=True))

    assert "values" not in short
    assert short["stats"] == {"n": 5, "min": 273.16, "max": 273.2, "mean": 273.18}
    assert long["values"][0] is None
    assert long["values"][1] == struct.unpack("f", struct.pack("f", 273.16))[0]
    assert "values" not in stored
    assert stored["codec"] == ["shuffle", "deflate"]


def test_documents_are_one_line_each() -> None:
    (descriptor,) = lines(jsonl.encode_descriptor(FIELD))
    (manifest,) = lines(jsonl.encode_manifest(field_manifest(), FIELD))

    assert descriptor["vars"][1]["attrs"]["levels"] == [1, 2.0, [True, "00"]]
    assert [each["name"] for each in manifest["vars"]] == ["/time", "/t2m"]


@pytest.mark.parametrize(
    ("value", "pack", "expected"),
    [
        (226, Packing(exp10=-1), 22.6),
        (3, Packing(exp10=-1), 0.3),  # 3 * 0.1 would be 0.30000000000000004
        (123456789, Packing(exp10=-9), 0.123456789),
        (5, Packing(exp10=2), 500.0),
        (-1, Packing(unsigned=True), 65535),
        (-1, Packing(unsigned=True, scale=2.0), 131070.0),
        (1, Packing(scale=0.1, out="f4"), 0.10000000149011612),
        (1, Packing(scale=1e300, out="f4"), float("inf")),
        (7, Packing(exp10=0), 7),
        (7, None, 7),
    ],
)
def test_physical_values_are_rounded_once(value: int, pack: Packing | None, expected: float) -> None:
    assert physical(value, Variable("x", ("row",), "i2", pack=pack)) == expected


def test_times_keep_their_nanoseconds_over_all_of_int64() -> None:
    assert iso_ns(-(1 << 63)) == "1677-09-21T00:12:43.145224192Z"
    assert iso_ns((1 << 63) - 1) == "2262-04-11T23:47:16.854775807Z"
    assert iso_ns(-1) == "1969-12-31T23:59:59.999999999Z"


def test_reasons_have_names() -> None:
    assert reason_names(0b1_0000_0000_0001) == ["fill", "absent"]
    assert reason_names(1 << 15) == ["bit15"]


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_encoding_writes_every_kind_of_message(name: str) -> None:
    chosen = encoding(name)

    for buffers in (
        chosen.encode_descriptor(CLIMATE),
        chosen.encode_batch(climate_batch(), CLIMATE),
        chosen.encode_chunk(field_chunk(), FIELD),
        chosen.encode_manifest(field_manifest(), FIELD),
    ):
        assert b"".join(buffers)
    assert name == chosen.NAME


def test_an_unknown_encoding_is_refused() -> None:
    with pytest.raises(RecordError, match=r"record\.value"):
        encoding("xml")
