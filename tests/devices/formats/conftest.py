from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .decoding import Decoded, decode_files


@pytest.fixture(scope="session")
def science(shared_data: Path) -> Path:
    folder = shared_data / "science"
    if not folder.is_dir():
        pytest.skip("no science files in the shared test data")
    return folder


@pytest.fixture(scope="session")
def facts(science: Path) -> dict[str, Any]:
    """Manifest entries by file name."""
    entries = json.loads((science / "manifest.json").read_text())["files"]
    return {Path(entry["file"]).name: entry for entry in entries}


@pytest.fixture(scope="session")
def decoded(science: Path, facts: dict[str, Any]) -> dict[str, Decoded]:
    """Every real file, through the jailed decoder, once."""
    return decode_files([science / entry["file"] for entry in facts.values()])


@pytest.fixture(scope="session")
def bad(science: Path) -> dict[str, Decoded]:
    """Every malformed file, through the jailed decoder, once."""
    expected = json.loads((science / "bad" / "expected.json").read_text())["files"]
    return decode_files([science / "bad" / entry["file"] for entry in expected])
