"""`alloy-edge build` as a user types it, as far as it needs no compiler; the rest is in tests/system/test_build.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alloy_agent.build import make, toolchain
from alloy_agent.build.toolchain import Toolchain
from alloy_agent.build.wheel import Wheel
from alloy_agent.cli import main

GOOD = (
    '"""A probe. Source: its sheet."""\nPARAMS = {"k": 1}\nOUTPUT = {"v": {"type": "u8"}}\n\n\n'
    'def transform(payload: bytes) -> dict:\n    return {"v": payload[0] * PARAMS["k"] % 256}\n'
)


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "probe.py"
    path.write_text(GOOD)
    tools = Toolchain(
        "x86_64", "r", "rustc 1", "0", "/core", "installed target", "l", "ld 1", "c", ("m",), "m 1"
    )
    monkeypatch.setattr(toolchain, "find", lambda target: tools)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands for cargo and maturin: names what it was asked to compile."""
    asked: list[str] = []

    def build(files, program, tools, progress):  # type: ignore[no-untyped-def]
        asked.append(program.name)
        progress("compiling")
        return Wheel("p.whl", b"wheel", "p/m.so", b"module")

    monkeypatch.setattr(make, "compiled", build)
    return asked


@pytest.mark.slow
def test_findings_are_those_of_lint_when_a_file_is_refused(
    probe: Path, compiled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    probe.write_text(GOOD.replace("payload[0]", "round(payload[0] / 3, 1)"))

    assert main(["build", str(probe)]) == 1
    out = capsys.readouterr().out
    assert f"{probe}:7:18: build.lang L021 `round(x, n)` rounds to decimals" in out
    assert "  hint: scale to an integer" in out
    assert compiled == []
    assert main(["lint", str(probe)]) == 1
    assert capsys.readouterr().out in out


@pytest.mark.slow
def test_parameter_is_refused_when_the_file_has_none_of_that_name(
    probe: Path, compiled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(probe), "--param", "kk=2"]) == 1
    assert "build.type the transform has no parameter `kk`" in capsys.readouterr().out


@pytest.mark.slow
def test_good_files_are_built_when_another_is_refused(
    probe: Path, compiled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (probe.parent / "gate.py").write_text("import json\n" + GOOD)

    assert main(["build", str(probe), str(probe.parent / "gate.py"), "--json", "--out", "o"]) == 1
    document = json.loads(capsys.readouterr().out)
    good, bad = document["modules"]
    assert (document["ok"], good["ok"], bad["ok"]) == (False, True, False)
    assert bad["findings"][-1]["code"] == "build.lang"
    assert (probe.parent / "o" / "p.whl").read_bytes() == b"wheel"
    assert good["wheel"]["bytes"] == 5


@pytest.mark.slow
def test_result_is_shown_when_a_file_is_built(
    probe: Path, compiled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(probe), "--param", "k=3", "--no-cache"]) == 0

    out = capsys.readouterr()
    assert out.err == ""  # no terminal, no progress
    assert "probe 1." in out.out
    assert "wheel     dist/p.whl, 5 bytes" in out.out
    assert "target    x86_64-unknown-linux-gnu: installed target, rustc 1" in out.out
    assert compiled == ["probe"]


@pytest.mark.slow
def test_error_is_told_when_the_wheel_cannot_be_written(
    probe: Path, compiled: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(probe), "--out", str(probe)]) == 1

    assert "the wheel cannot be written (got File exists) [build.output]" in capsys.readouterr().err


@pytest.mark.slow
def test_steps_are_shown_when_there_is_a_terminal(
    probe: Path, compiled: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)

    assert main(["build", str(probe), "--no-cache"]) == 0
    steps = [line.split(" ... ")[0] for line in capsys.readouterr().err.splitlines()]
    assert steps == ["1 file: checking", "probe: emitting", "probe: compiling"]


@pytest.mark.parametrize("as_json", [False, True])
def test_missing_cargo_is_told_when_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert main(["build", "pms5003", *(["--json"] if as_json else [])]) == 1
    out = capsys.readouterr()
    if as_json:
        assert json.loads(out.out)["error"]["code"] == "toolchain.cargo"
    else:
        assert "alloy-edge build: cargo is not installed" in out.err
        assert "  hint: " in out.err


@pytest.mark.parametrize("args", [["./nowhere.py"], ["pms5003", "--param", "x"], ["no_such_name"]])
def test_usage_error_is_told_when_arguments_make_no_sense(
    args: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", *args]) == 2
    assert capsys.readouterr().err.startswith("alloy-edge build: ")
