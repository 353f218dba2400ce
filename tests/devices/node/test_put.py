"""The firmware goes into a folder whole, and its documentation is true."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.conftest import REPOSITORY
from tests.transforms.in_process import InProcess

from alloy_devices.node import BOARD, PORTABLE, SETTINGS, TRANSFORM, files
from alloy_devices.node.__main__ import main
from alloy_devices.sims.pms5003 import encode

if TYPE_CHECKING:
    from alloy_devices.shims import Board


def test_every_file_is_written_and_settings_stay_when_it_is_done_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "roof"

    assert main([str(folder)]) == 0
    (folder / SETTINGS).write_text("mine")
    (folder / "main.py").write_text("old")
    assert main([str(folder)]) == 0

    names = {path.name for path in folder.iterdir()}
    assert names == {*BOARD, *PORTABLE, SETTINGS, TRANSFORM}
    assert (folder / SETTINGS).read_text() == "mine"
    assert (folder / "main.py").read_bytes() == dict(files())["main.py"]
    assert f"edit {folder / SETTINGS}" in capsys.readouterr().out


def test_the_command_fails_when_the_folder_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "roof").write_text("")

    assert main([str(tmp_path / "roof")]) == 1
    assert "error:" in capsys.readouterr().err


def test_no_file_of_the_board_is_forgotten_when_the_list_is_compared() -> None:
    shipped = {entry.name for entry in resources.files("alloy_devices.node").joinpath("board").iterdir()}

    assert shipped - {"__pycache__"} == {*BOARD, SETTINGS}


def test_the_readme_names_every_file_and_setting_when_it_is_read(board: Board) -> None:
    import config

    text = resources.files("alloy_devices.node").joinpath("README.md").read_text("utf-8")

    keys = [f"{section}.{key}" for section, keys in config.SETTINGS.items() for key in keys]
    for word in (*BOARD, *PORTABLE, SETTINGS, TRANSFORM, *keys):
        assert f"`{word}`" in text, word


def test_the_gateways_recipe_reads_a_nodes_message_when_it_is_taken_from_the_guide(board: Board) -> None:
    import main as node_main
    from tests.devices.node.running import settings

    guide = (REPOSITORY / "docs" / "boards.md").read_text("utf-8")
    recipe = next(text for text in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "cbor2" in text)
    import config

    node: Any = node_main.Node(config.check(settings(9, 4), []), None, lambda: None)
    node.now = 1500
    node.take(encode((1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)))

    rows = InProcess(recipe, modules=["cbor2"]).rows([node.outbox.first()[1]])

    assert rows == [{"uptime": 1500, "pm2_5": 5, "pm10": 6}]
