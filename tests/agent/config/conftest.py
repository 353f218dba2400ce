"""A configuration folder to fill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str], Path]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A folder with a device, one transform and no pipeline."""
    folder = tmp_path / "config"
    (folder / "pipelines").mkdir(parents=True)
    (folder / "transforms").mkdir()
    (folder / "transforms" / "good.py").write_text("def transform(payload):\n    return {}\n")
    (folder / "agent.yaml").write_text("fleet: north\ndevice: gw1\nmqtt: {host: 127.0.0.1}\n")
    return folder


@pytest.fixture
def write(config: Path) -> Write:
    """Write one pipeline file."""

    def put(name: str, text: str) -> Path:
        path = config / "pipelines" / name
        path.write_text(text, encoding="utf-8")
        return path

    return put
