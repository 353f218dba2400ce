"""Memory of a process tree, while processes come and go."""

from __future__ import annotations

import os
import subprocess

import pytest

from alloy_agent.core import memory


def test_children_are_counted_when_they_run() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        found = {each.pid: each for each in memory.tree(os.getpid())}
        process.kill()

    assert found[process.pid].name == "sleep"
    assert found[process.pid].pss > 0
    assert next(iter(found)) == os.getpid()


def test_a_process_is_left_out_when_it_ends_between_two_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    real = memory._children
    monkeypatch.setattr(memory, "_children", lambda pid: [gone.pid, *real(pid)])

    assert gone.pid not in [each.pid for each in memory.tree(os.getpid(), max_processes=3)]


def test_a_tree_is_bounded_when_it_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_children", lambda pid: [pid, pid])

    assert len(list(memory.tree(os.getpid(), max_processes=5))) == 5
