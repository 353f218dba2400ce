"""A child of a build: its output bounded, its time bounded, its children ended with it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from alloy_agent.build.process import MAX_OUTPUT_BYTES, Ended, ask, run


def test_end_of_the_output_is_kept_when_there_is_much(tmp_path: Path) -> None:
    code = f"print('x' * {2 * MAX_OUTPUT_BYTES}); print('last')"

    ended = run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ, timeout_s=120)

    assert ended.status == 0
    assert len(ended.text) == MAX_OUTPUT_BYTES
    assert ended.text.endswith("\nlast\n")


def test_grandchildren_end_too_when_time_is_over(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid}; wait"

    for timeout_s in (0.2, 2.0, 20.0):  # a slow host has not even started the shell in the first
        ended = run(["/bin/sh", "-c", script], cwd=tmp_path, env=os.environ, timeout_s=timeout_s)
        if pid.exists() and pid.read_text():
            break

    assert ended.status is None
    state = Path(f"/proc/{pid.read_text().strip()}/stat")
    until = time.monotonic() + 60  # the signal is on its way
    while time.monotonic() < until and state.exists() and state.read_text().split()[2] not in "ZX":
        time.sleep(0.01)
    assert not state.exists() or state.read_text().split()[2] in "ZX"


def test_first_error_is_the_gist_when_much_follows() -> None:
    text = "warning: w\nerror[E0308]: mismatched types\n\n --> lib.rs:1:1\n" + "note\n" * 50

    assert Ended(1, text).gist(3) == "error[E0308]: mismatched types\n --> lib.rs:1:1\nnote"


def test_last_lines_are_the_gist_when_no_error_is_named() -> None:
    assert Ended(1, "a\n\nb\nc\n").gist(2) == "b\nc"


@pytest.mark.parametrize("command", [["/nowhere/at-all"], ["/bin/false"]])
def test_answer_is_empty_when_a_question_fails(command: list[str]) -> None:
    assert ask(command, os.environ) == ""
