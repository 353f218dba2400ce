"""`alloy-edge test` and `alloy-edge try`, as a user types them; the worker is the jailed one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloy_agent.cli import main

SOURCE = '''"""A probe."""
OUTPUT = {
    "t": {"type": "i16", "exp10": -1, "unit": "Cel", "range": (-40, 85)},
    "mode": {"type": "enum", "names": ("off", "on"), "optional": True},
    "raw": {"type": "bytes", "max": 4},
    "at": {"type": "time_ns"},
}
EXAMPLES = (
    {"in": {"payload": "0102"}, "out": ({"t": 258, "mode": 1, "raw": "0102", "at": 0},)},
    {"in": {"payload": ""}, "error": "data.index"},
)


def transform(payload: bytes) -> dict:
    out = {"t": payload[0] * 256 + payload[1], "raw": payload, "at": 0}
    if payload[0] == 1:
        out["mode"] = "on"
    return out
'''


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    path = tmp_path / "probe.py"
    path.write_text(SOURCE)
    return path


def test_examples_pass_when_they_hold(probe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", str(probe)]) == 0
    assert "2 of 2 examples (portable)" in capsys.readouterr().out


def test_difference_is_shown_when_an_example_does_not_hold(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text(SOURCE.replace('"t": 258', '"t": 259').replace("data.index", "data.value"))

    code = main(["test", str(probe)])

    out = capsys.readouterr().out
    assert code == 1
    assert "line 9:\n    t: got 258, expected 259" in out
    assert "error: got data.index, expected data.value" in out
    assert 'at line 15: out = {"t": payload[0]' in out


def test_every_problem_is_shown_when_a_file_is_refused(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text('OUTPUT = {"a": {"type": "i9"}, "b": {}}\ndef transform(x):\n    return {}\n')

    assert main(["test", "--json", str(probe)]) == 1
    (result,) = json.loads(capsys.readouterr().out)["transforms"]
    assert len(result["problems"]) == 3
    assert "[build.type]" in result["problems"][0]


@pytest.mark.slow
def test_library_examples_hold_in_the_jail(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["test", "library"]) == 0
    assert "FAILED" not in capsys.readouterr().out


def test_values_have_units_when_a_sample_is_tried(probe: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try", str(probe), "0102", "--hex"]) == 0
    out = capsys.readouterr().out
    assert "t     25.8 Cel" in out
    assert "mode  on" in out
    assert "at    1970-01-01T00:00:00.000000000Z" in out


def test_quality_is_4_when_a_value_is_outside_its_range(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", "--json", str(probe), "7fff", "--hex"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["inputs"]
    assert item["rows"][0]["t"] == {"value": 3276.7, "unit": "Cel", "stored": 32767, "quality": 4}
    assert "mode" not in item["rows"][0]


def test_line_and_source_are_shown_when_an_input_fails(
    probe: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_bytes(b"ab\na\n")

    assert main(["try", str(probe), str(lines), "--lines"]) == 1
    out = capsys.readouterr().out
    assert "in   payload='ab'" in out
    assert "err  data.index: IndexError: index out of range\n     line 15: out =" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nmae", "x"], "no transform of the library is named `nmae`"),
        (["./none.py", "x"], "cannot be read"),
        (["PROBE", "xyz", "--hex"], "hexadecimal"),
        (["PROBE", "00", "--hex", "--input", "port=5"], "has no input `port`"),
        (["PROBE", "00", "--hex", "--input", "port"], "NAME=VALUE"),
        (["PROBE", "none.bin", "--file"], "No such file"),
    ],
)
def test_usage_is_explained_when_an_argument_is_wrong(
    probe: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", *(str(probe) if a == "PROBE" else a for a in arguments)]) == 2
    assert words in capsys.readouterr().err


def test_parameter_is_used_when_it_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "p.py"
    path.write_text(
        'PARAMS = {"k": 1}\nINPUT = {"port": "int", "up": "bool", "x": "float"}\nOUTPUT = {"v": {"type": "f64"}}\n'
        "def transform(port, up, x):\n    return {'v': port * PARAMS['k'] + x + up}\n"
    )

    inputs = [part for text in ("port=0x10", "up=true", "x=0.5") for part in ("--input", text)]
    assert main(["try", "--json", str(path), "", *inputs, "--param", "k=3"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["inputs"]
    assert item["rows"][0]["v"]["value"] == 49.5
