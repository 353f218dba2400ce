"""`alloy-edge lint` as a user types it; the checker runs in the jailed worker."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloy_agent.cli import main

GOOD = (
    '"""A probe. Source: its sheet."""\nOUTPUT = {"v": {"type": "u8"}}\n'
    'EXAMPLES = ({"in": {"payload": "01"}, "out": ({"v": 1},)},)\n\n\n'
    'def transform(payload: bytes) -> dict:\n    return {"v": payload[0]}\n'
)


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    path = tmp_path / "probe.py"
    path.write_text(GOOD)
    return path


def test_nothing_is_said_when_files_are_good(probe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(probe), "pms5003"]) == 0

    out = capsys.readouterr()
    assert out.out == ""
    assert "2 of 2 files ok, 0 warnings" in out.err


def test_place_and_hint_are_shown_when_a_file_is_refused(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text(GOOD.replace("payload[0]", "round(payload[0] / 3, 1)"))

    assert main(["lint", str(probe)]) == 1

    out = capsys.readouterr().out
    assert f"{probe}:7:18: build.lang L021 `round(x, n)` rounds to decimals" in out
    assert "  hint: scale to an integer" in out


def test_document_is_printed_when_json_is_asked_for(probe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(probe), "--json", "--profile", "int"]) == 0

    document = json.loads(capsys.readouterr().out)
    (file,) = document["files"]
    assert (document["ok"], file["profile"], file["numeric"]) == (True, "portable", "int")
    assert len(file["ir"]) == 64


def test_intervals_are_shown_when_explained(probe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", str(probe), "--explain"]) == 0

    out = capsys.readouterr().out
    assert "portable, record, profile int, IR " in out
    assert "7:18 `index` can end with data.index" in out


def test_only_general_lint_is_done_when_a_file_is_for_the_gateway(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text("import json\n" + GOOD.replace("payload[0]", "json.loads(payload)"))

    assert main(["lint", str(probe), "--explain"]) == 0
    assert "gateway: the file is checked as any Python" in capsys.readouterr().out


def test_syntax_error_has_its_place_when_a_file_is_no_python(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text("def transform(:\n")

    assert main(["lint", str(probe)]) == 1
    assert f"{probe}:1:15: build.syntax invalid syntax" in capsys.readouterr().out


def test_usage_error_is_told_when_there_is_no_such_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "./nowhere.py"]) == 2
    assert "the file cannot be read" in capsys.readouterr().err
