"""`python -m alloy_devices.shims` runs a board program."""

from __future__ import annotations

import os
import sys
import tty
from pathlib import Path

import pytest

from alloy_devices.shims.__main__ import RESET_STATUS, main, ports

ECHO = """
import json, machine, ujson
import helper
uart = machine.UART(1, 9600, timeout=1000)
with open("node.json") as file:
    print(json.load(file), uart.read(3), helper.NAME, __name__)
uart.deinit()
"""


@pytest.fixture(autouse=True)
def _stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def program(folder: Path, source: str) -> str:
    (folder / "main.py").write_text(source)
    return str(folder / "main.py")


def test_a_program_reads_its_port_and_its_files_when_it_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "helper.py").write_text("NAME = 'beside'")
    (tmp_path / "node.json").write_text("[1]")
    master, slave = os.openpty()
    tty.setraw(slave)
    script = ECHO.replace("with", f"import os\nos.write({master}, b'abc')\nwith")

    status = main([program(tmp_path, script), "--uart", os.ttyname(slave)])
    os.close(slave)
    os.close(master)

    assert status == 0
    assert capsys.readouterr().out == "[1] b'abc' beside __main__\n"
    assert "helper" not in sys.modules


def test_the_status_asks_for_a_new_start_when_the_program_resets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([program(tmp_path, "import machine\nmachine.reset()")]) == RESET_STATUS
    assert "the board was reset: the program asked for it" in capsys.readouterr().err


def test_the_hint_is_shown_when_no_port_was_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([program(tmp_path, "import machine\nmachine.UART(1)")]) == 1
    assert "hint: --uart 1=" in capsys.readouterr().err


def test_a_missing_program_is_a_wrong_call_when_it_is_run(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["nowhere.py"])

    assert caught.value.code == 2
    assert "there is no file nowhere.py" in capsys.readouterr().err


def test_ports_go_to_their_uarts_when_they_are_numbered() -> None:
    assert ports([]) is None
    assert ports(["/dev/serial/by-id/a=b"]) == "/dev/serial/by-id/a=b"
    assert ports(["1=/dev/a", "2=/dev/b"]) == {1: "/dev/a", 2: "/dev/b"}
    with pytest.raises(ValueError, match="NUMBER=PATH"):
        ports(["/dev/a", "/dev/b"])
