"""`alloy-edge check` as its user meets it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from alloy_agent.cli import main

Write = Callable[[str, str], Path]
GOOD = "source: {mqtt: {topic: a/b}}\ntransform: ./good.py\nsink: stdout\n"


def test_it_ends_with_0_and_a_summary_when_all_is_good(
    config: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("roof.yaml", GOOD)

    code = main(["check", str(config)])

    out, err = capsys.readouterr()
    assert (code, out, err) == (0, "", "1 pipeline ready, 0 errors\n")


def test_it_ends_with_3_and_names_the_place_when_a_pipeline_is_wrong(
    config: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("roof.yaml", GOOD.replace("sink:", "snik:"))
    write("tower.yaml", GOOD)

    code = main(["check", str(config)])

    out, err = capsys.readouterr()
    assert (code, out) == (3, "")
    assert err.splitlines() == [
        f"{config}/pipelines/roof.yaml:3:1: config.unknown_key: `snik` is not a key of a pipeline",
        "  hint: did you mean `sink`?",
        "1 pipeline ready, 1 left out, 1 error",
    ]


def test_it_ends_with_0_when_there_are_only_warnings(
    config: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("roof.yaml", GOOD.replace("./good.py", "{use: ./good.py, params: {mode: on}}"))

    code = main(["check", str(config)])

    assert code == 0
    assert capsys.readouterr().err.splitlines()[-1] == "1 pipeline ready, 0 errors, 1 warning"


def test_the_document_is_on_standard_output_when_json_is_asked_for(
    config: Path, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write("roof.yaml", GOOD)
    (config / "agent.yaml").write_text("mqtt: {port: x}\n")

    code = main(["check", "--json", str(config)])

    document = json.loads(capsys.readouterr().out)
    assert code == 3
    assert document["device_valid"] is False
    assert [pipeline["name"] for pipeline in document["pipelines"]] == ["roof"]
    assert document["problems"] == [
        {
            "file": "agent.yaml",
            "line": 1,
            "column": 14,
            "code": "config.type",
            "severity": "error",
            "key": "mqtt.port",
            "message": "the value is of the wrong kind",
            "got": "`x`",
            "expected": "a whole number from 1 to 65535",
            "hint": "",
        }
    ]


def test_the_reader_is_told_that_nothing_starts_when_the_folder_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["check", str(tmp_path / "none")])

    assert code == 3
    assert capsys.readouterr().err.splitlines()[-1].endswith("agent.yaml is invalid, so nothing would start")
