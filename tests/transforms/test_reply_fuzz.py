"""The decoders of worker answers under coverage-guided fuzzing (atheris, docs/adr/0003-jail.md)."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SECONDS = {"quick": 3, "ci": 60, "soak": 3600}[os.environ.get("ALLOY_SIZES", "quick")]
LARGEST = 8192  # bytes of one input
REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="no atheris for this interpreter")
def test_every_body_is_valid_or_refused_when_a_fuzzer_looks_for_new_paths(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [f"-max_total_time={SECONDS}", "-seed=1", f"-max_len={LARGEST}", "-timeout=10"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.transforms.fuzz_reply",
            str(tmp_path),
            *options,
            "-print_final_stats=1",
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        timeout=SECONDS + 100,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    paths = re.findall(r"cov: (\d+)", done.stderr)
    assert executed is not None, done.stderr[-1000:]
    assert int(paths[-1]) > int(paths[0])  # it is guided: it found more than the honest bodies reach
    with capsys.disabled():
        print(f"\n  {executed[1]} bodies fuzzed in {SECONDS} s, coverage {paths[0]} -> {paths[-1]}")
