"""Every faulty file gives its exact findings, all at once; the texts are golden files beside it."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from alloy_agent.cli.check import render
from alloy_agent.config.folder import compile_folder

FAULTY = Path(__file__).parent / "faulty"
CASES = sorted(path.stem for path in FAULTY.glob("*.yaml"))
GOOD_AGENT = "fleet: north\ndevice: gw1\nmqtt: {host: 127.0.0.1}\nworkers: {max: 4}\n"
GOOD_PIPELINE = "source: {mqtt: {topic: a/b}}\ntransform: ./good.py\nsink: stdout\n"


def findings(case: str, folder: Path) -> str:
    """Put one faulty file into a configuration that is good otherwise, and check it."""
    (folder / "pipelines").mkdir()
    transforms = folder / "transforms"
    (transforms / "folder.py").mkdir(parents=True)
    (transforms / "good.py").write_text("def transform(payload):\n    return {}\n")
    (transforms / "big.py").write_bytes(b"#" * 70_000)
    (transforms / "link.py").symlink_to("/etc/hostname")
    faulty = FAULTY / f"{case}.yaml"
    if case.startswith("agent_"):
        shutil.copy(faulty, folder / "agent.yaml")
        (folder / "pipelines" / "good.yaml").write_text(GOOD_PIPELINE)
    else:
        (folder / "agent.yaml").write_text(GOOD_AGENT)
        shutil.copy(faulty, folder / "pipelines")
    return "".join(f"{render(problem)}\n" for problem in compile_folder(folder).problems)


@pytest.mark.parametrize("case", CASES)
def test_every_finding_is_reported_when_a_file_is_faulty(case: str, tmp_path: Path) -> None:
    assert findings(case, tmp_path) == (FAULTY / f"{case}.txt").read_text(encoding="utf-8")


def test_no_secret_is_shown_when_it_is_written_in_the_file() -> None:
    assert all("hunter2" not in path.read_text(encoding="utf-8") for path in FAULTY.glob("*.txt"))


def _rewrite() -> None:
    for case in CASES:
        with tempfile.TemporaryDirectory() as folder:
            (FAULTY / f"{case}.txt").write_text(findings(case, Path(folder)), encoding="utf-8")
            sys.stdout.write(f"{case}.txt\n")


if __name__ == "__main__":
    _rewrite()
