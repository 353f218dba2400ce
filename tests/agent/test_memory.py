"""The memory of the process tree, while processes come and go."""

from __future__ import annotations

import os
import subprocess

from alloy_agent.core.memory import tree


def test_a_process_is_left_out_when_it_ended_and_is_not_reaped_yet() -> None:
    with subprocess.Popen(["true"]) as ended, subprocess.Popen(["cat"], stdin=subprocess.PIPE) as running:
        os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)  # a zombie from here on

        found = {process.pid: process for process in tree(os.getpid())}

        assert ended.pid not in found
        assert found[running.pid].pss > 0
        assert found[os.getpid()].pss > 4 << 20


def test_the_tree_is_empty_when_its_root_is_gone() -> None:
    with subprocess.Popen(["true"]) as ended:
        pass

    assert list(tree(ended.pid)) == []
