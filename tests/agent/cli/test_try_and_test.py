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


ELEMENTS = '''"""Counts to electrons."""
OUTPUT = {"electrons": {"type": "f64", "unit": "{electron}", "range": (0, 1000)}}
PARAMS = {"bias": 100.0}
EXAMPLES = (
    {"in": {"counts": 300.0, "gain": 1.5}, "out": ({"electrons": 300.0},)},
    {"in": {"counts": 300.0}, "out": ({},)},
    {"in": {"counts": 300.0, "gain": -1.0}, "error": "data.value"},
)


def f(counts: float, gain: float) -> float:
    if gain <= 0.0:
        raise ValueError("a gain is positive")
    return (counts - PARAMS["bias"]) * gain
'''


@pytest.fixture
def elements(tmp_path: Path) -> Path:
    path = tmp_path / "electrons.py"
    path.write_text(ELEMENTS)
    return path


def test_examples_pass_when_a_file_is_element_wise(
    elements: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", str(elements)]) == 0
    assert "3 of 3 examples (portable, array)" in capsys.readouterr().out

    elements.write_text(ELEMENTS.replace('"electrons": 300.0', '"electrons": 301.0'))
    assert main(["test", str(elements)]) == 1
    assert "electrons: got 300.0, expected 301.0" in capsys.readouterr().out


def test_elements_are_numbers_when_an_element_wise_file_is_tried(
    elements: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", str(elements), "-50", "--input", "gain=2", "--param", "bias=0"]) == 0
    out = capsys.readouterr().out
    assert (
        "in   counts=-50.0, gain=2.0\nout  electrons  -100.0 {electron}  quality 4: outside its range" in out
    )

    assert main(["try", str(elements), "--input", "counts=300", "--input", "gain=-1"]) == 1
    assert "err  data.value: ValueError: a gain is positive\n     line 13: raise" in capsys.readouterr().out

    lines = tmp_path / "counts.txt"
    lines.write_text("300\n 4e2\n")
    assert main(["try", "--json", str(elements), str(lines), "--lines", "--input", "gain=1"]) == 0
    items = json.loads(capsys.readouterr().out)["inputs"]
    assert [item["rows"][0]["electrons"]["value"] for item in items] == [200.0, 300.0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "`f` takes `counts`, `gain`\n  hint: add --input counts=NUMBER --input gain=NUMBER"),
        (["300"], "hint: add --input gain=NUMBER"),
        (["ff", "--hex", "--input", "gain=1"], "takes numbers\n  hint: SAMPLE is one"),
        (["high", "--input", "gain=1"], "input `counts` is float, got `high`"),
        (["1", "--input", "gain=1", "--input", "counts=2"], "nothing is left for SAMPLE"),
        (["1", "--input", "gian=1"], "has no input `gian`; inputs: counts, gain"),
        (["--hex", "--input", "gain=1"], "there is none"),
    ],
)
def test_what_is_missing_is_said_when_an_element_wise_file_is_tried_without_numbers(
    elements: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", str(elements), *arguments]) == 2
    assert words in capsys.readouterr().err


def test_the_sample_is_asked_for_when_a_transform_of_records_takes_one(
    probe: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try", str(probe)]) == 2
    assert "SAMPLE is missing: the transform takes `payload`" in capsys.readouterr().err
