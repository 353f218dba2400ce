"""`alloy-edge decode`: every encoding from files and standard input, clear errors, exit codes."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.transforms.wire_records import CLIMATE, FIELD, climate_batch, field_chunk, field_manifest

from alloy_agent.cli import main
from alloy_transforms.native import crc32c
from alloy_transforms.record import Chunk, Level
from alloy_transforms.wire import cbor, jsonl, messagepack

GOOD_CHUNK = replace(field_chunk(), crc=crc32c(field_chunk().payload))


def chunk_message(chunk: Chunk) -> bytes:
    return b"".join(cbor.encode_chunk(chunk, FIELD))


@pytest.fixture
def files(tmp_path: Path) -> Path:
    sequence = b"".join((*cbor.encode_descriptor(CLIMATE), *cbor.encode_batch(climate_batch(2), CLIMATE)))
    for name, data in {
        "sequence.cbor": sequence,
        "climate.cbor": b"".join(cbor.encode_descriptor(CLIMATE)),
        "field.cbor": b"".join(cbor.encode_descriptor(FIELD)),
        "batch.cbor": b"".join(cbor.encode_batch(climate_batch(2), CLIMATE)),
        "batch.msgpack": b"".join(messagepack.encode_batch(climate_batch(2), CLIMATE)),
        "chunk.cbor": chunk_message(GOOD_CHUNK),
        "manifest.cbor": b"".join(cbor.encode_manifest(field_manifest())),
        "rows.jsonl": b"".join(jsonl.encode_batch(climate_batch(2), CLIMATE)),
    }.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_a_sequence_prints_quantities_with_unit_time_and_quality(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decode", str(files / "sequence.cbor")]) == 0

    out = capsys.readouterr().out
    assert f"descriptor {cbor.sid(CLIMATE)} of mqtt:application/+/up (mqtt/1) -> elsys_ers (sandbox" in out
    assert "2023-11-14T22:13:20.000000000Z  temperature 22.6 Cel" in out
    assert "humidity - [missing: absent]" in out
    assert "valve 1 (on) [suspect: expect]" in out
    assert "label 'n0'" in out


@pytest.mark.parametrize("name", ["batch.cbor", "batch.msgpack"])
def test_a_block_is_decoded_when_its_schema_is_given(
    name: str, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decode", "--schema", str(files / "climate.cbor"), "--json", str(files / name)]) == 0

    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["values"]["temperature"]["value"] for row in rows] == [22.6, 22.7]


def test_a_block_is_refused_when_its_schema_is_not_there(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decode", str(files / "batch.cbor")]) == 1

    err = capsys.readouterr().err
    assert "record.sid" in err
    assert "hint: hand over the message of `schema/<sid>` as well" in err


def test_descriptors_of_one_input_serve_the_others(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(
            ["decode", "--values", *(str(files / f"{name}.cbor") for name in ("chunk", "manifest", "field"))]
        )
        == 0
    )

    out = capsys.readouterr().out
    assert "/t2m seq 4: [1, 2, 3] at [2, 90, 180], level 1, 12 bytes" in out
    assert "5 values, 273.16 to 273.2, mean 273.18 K" in out
    assert "  - 273.16" in out
    assert "/t2m: 0 blocks, szip is not supported yet [format.not_yet]" in out
    assert "the file ends early [format.truncated]" in out


def test_documents_and_chunks_are_json_lines_when_asked_for(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("field.cbor", "chunk.cbor", "manifest.cbor", "rows.jsonl")
    assert main(["decode", "--json", *(str(files / name) for name in names)]) == 0

    kinds = [json.loads(line)["k"] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["d", "chunk", "m", "row", "row"]


def test_json_lines_are_shown_like_rows(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["decode", str(files / "rows.jsonl")]) == 0

    assert "temperature 22.7 Cel" in capsys.readouterr().out


def test_standard_input_is_read_when_the_file_is_a_dash(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = (files / "sequence.cbor").read_bytes()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    assert main(["decode", "-"]) == 0

    assert "temperature 22.6 Cel" in capsys.readouterr().out


def test_a_chunk_is_refused_when_its_payload_was_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "field.cbor").write_bytes(b"".join(cbor.encode_descriptor(FIELD)))
    (tmp_path / "bad.cbor").write_bytes(chunk_message(replace(field_chunk(Level.PACKED), crc=1)))

    assert main(["decode", str(tmp_path / "bad.cbor"), str(tmp_path / "field.cbor")]) == 1

    assert "record.crc" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "record.malformed"),
        (b"\x00\x01", "record.malformed"),
        (b"PNG", "record.malformed"),
        (b"{]", "record.malformed"),
        (b"{}\n[1]", "record.malformed"),
        (b"\xa1\x61k\x61q", "record.field"),
        (b"\xa1\x61k", "record.truncated"),
        (b"\x81\xa1k", "record.truncated"),
    ],
)
def test_what_is_no_message_fails_with_a_coded_error(
    data: bytes, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_bytes(data)

    assert main(["decode", str(tmp_path / "x")]) == 1

    err = capsys.readouterr().err
    assert code in err
    assert str(tmp_path / "x") in err


def test_the_good_part_is_printed_when_a_sequence_is_cut(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = (files / "sequence.cbor").read_bytes()
    (files / "cut.cbor").write_bytes(whole[:-10])

    assert main(["decode", str(files / "cut.cbor")]) == 1

    shown = capsys.readouterr()
    assert "descriptor" in shown.out
    assert "record.truncated" in shown.err


def test_a_missing_file_and_a_schema_without_descriptor_fail(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["decode", str(files / "nothing.cbor")]) == 1
    assert main(["decode", "--schema", str(files / "manifest.cbor"), str(files / "sequence.cbor")]) == 1

    err = capsys.readouterr().err
    assert "nothing.cbor: No such file or directory" in err
    assert "holds no descriptor" in err


def test_decode_without_a_file_is_a_usage_error() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["decode"])

    assert caught.value.code == 2
