"""`alloy-edge check` of 20 pipelines, the whole process: start, import, read, check, end."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from .figure import Figure

PIPELINES = 20
BUDGET = "< 300 ms"
_RUNS, _QUICK_RUNS = 15, 5
_TIMEOUT_S = 30.0

AGENT_FILE = "fleet: bench\nmqtt: {host: 127.0.0.1}\nworkers: {max: 64}\n"
PIPELINE_FILE = """\
source: {mqtt: {topic: "application/+/device/+/event/up", qos: 1}}
transform:
  - ./envelope.py
  - {use: ./climate.py, params: {offset: 3}}
expect: {temperature: {min: -40, max: 60}, humidity: {min: 0, max: 100}}
sink: {mqtt: {stream: climate, encoding: cbor}}
on_error: {retry: {strategy: backoff, max: 5, timeout: 30s}, then: dead_letter}
"""
_TRANSFORM = '"""A transform of a usual size."""\n' + "# forty lines of decoding, as text\n" * 40


def write_folder(folder: Path, pipelines: int = PIPELINES, text: str = PIPELINE_FILE) -> Path:
    """A configuration of `pipelines` files with two stages each."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "transforms").mkdir()
    (folder / "agent.yaml").write_text(AGENT_FILE)
    for name in ("envelope", "climate"):
        (folder / "transforms" / f"{name}.py").write_text(_TRANSFORM)
    for number in range(pipelines):
        (folder / "pipelines" / f"p{number:02}.yaml").write_text(f"# pipeline {number}\n{text}")
    return folder


def check_once(folder: Path) -> float:
    """One fresh process; wall time [ms]."""
    command = [sys.executable, "-m", "alloy_agent", "check", str(folder)]
    began = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_S, check=False)  # noqa: S603  # our own
    took = (time.perf_counter() - began) * 1e3
    if ended.returncode not in (0, 3):
        raise RuntimeError(f"check ended with {ended.returncode}: {ended.stderr[-400:]!r}")
    return took


def run(quick: bool) -> list[Figure]:
    """Check a good folder and one in which every file is wrong; the peer is a bare interpreter."""
    runs = _QUICK_RUNS if quick else _RUNS
    with tempfile.TemporaryDirectory() as scratch:
        good = write_folder(Path(scratch) / "good")
        wrong = write_folder(Path(scratch) / "wrong", text=PIPELINE_FILE.replace("source", "sorce"))
        check_once(good)  # compiled files and page cache
        times = [check_once(good) for _ in range(runs)]
        wrong_times = [check_once(wrong) for _ in range(runs)]
        bare = [_bare() for _ in range(runs)]
    peak_kb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    ratio = sorted(bare)[runs // 2] / sorted(times)[runs // 2]
    name = f"check.{PIPELINES}_pipelines"
    note = "whole process, median of fresh ones"
    return [
        Figure.of(name, times, "ms", peer="python -c pass", ratio=ratio, budget=BUDGET, note=note),
        Figure.of(f"{name}_all_wrong", wrong_times, "ms", budget=BUDGET, note=note),
        Figure.of("check.peak_rss", [peak_kb / 1024], "MB", note="largest child process so far"),
    ]


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], timeout=_TIMEOUT_S, check=True)  # our own
    return (time.perf_counter() - began) * 1e3
