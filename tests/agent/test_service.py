"""The shipped unit as systemd itself reads it."""

from __future__ import annotations

import shutil
import subprocess
from importlib import resources
from pathlib import Path

import pytest

ANALYZE = shutil.which("systemd-analyze")
EXPOSURE_TENTHS = 15

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is not installed"),
]


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    assert ANALYZE is not None
    return subprocess.run([ANALYZE, *arguments], capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that exists here."""
    text = resources.files("alloy_agent.service").joinpath("alloy-edge.service").read_text(encoding="utf-8")
    path = tmp_path / "alloy-edge.service"
    path.write_text(text.replace("/opt/alloy-edge/bin/alloy-edge", "/bin/true"))
    return path


def test_no_line_is_unknown_or_wrong_when_systemd_verifies_the_unit(unit: Path) -> None:
    verified = analyze("verify", "--man=no", "--recursive-errors=no", str(unit))

    assert [line for line in verified.stderr.splitlines() if "alloy-edge.service" in line] == []
    assert verified.returncode == 0


def test_the_exposure_stays_low_when_systemd_rates_the_unit(unit: Path) -> None:
    rated = analyze("security", "--offline=true", f"--threshold={EXPOSURE_TENTHS}", str(unit))

    assert rated.returncode == 0, rated.stdout[-400:] + rated.stderr
