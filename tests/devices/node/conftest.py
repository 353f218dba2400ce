"""The firmware in a folder of its own, with the stand-ins of a board installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from alloy_devices.node import put
from alloy_devices.shims import Board, FakeClock


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    """`import main` and its like find the firmware; the clock stands still."""
    put(tmp_path / "node")
    with Board(folder=tmp_path / "node", clock=FakeClock()) as board:
        yield board
