"""The zygote spoken to as the core speaks to it, message by message."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgpack
import pytest

import alloy_native
import alloy_transforms
from alloy_transforms.native import jail
from alloy_transforms.sandbox.frames import read_frame, write_frame
from alloy_transforms.sandbox.zygote import BOOT, FDS_MAX, MESSAGE_BYTES_MAX, resolve

TESTS = Path(__file__).resolve().parent.parent
PATHS = [
    str(Path(module.__file__).parent.parent)
    for module in (alloy_transforms, alloy_native, msgpack)
    if module.__file__ is not None
]
DEADLINE_S = 90


@dataclass
class Peer:
    """The core's end of a zygote."""

    control: int
    process: subprocess.Popen[bytes]

    def say(self, fds: list[int], **request: Any) -> None:
        jail.send_message(self.control, msgpack.packb(request), fds)

    def hear(self) -> tuple[dict[str, Any], list[int]]:
        assert select.select([self.control], [], [], DEADLINE_S)[0], "the zygote is silent"
        data, fds = jail.receive_message(self.control, MESSAGE_BYTES_MAX, FDS_MAX)
        return (msgpack.unpackb(data) if data else {}), fds

    def spawn(self, **changes: Any) -> tuple[dict[str, Any], int, int]:
        """The answer, its pidfd (-1 for none), our end of the channel."""
        ours, theirs = socket.socketpair()
        request = {
            "op": "spawn",
            "id": 7,
            "profile": "transform",
            "memory_bytes": 32 << 20,
            "cpu_s": 20,
            "modules": [],
            "nice": 0,
            "oom_score_adj": 1000,
            "path": "",
            "layers": [],
            "allow_degraded": False,
            "module": False,
            **changes,
        }
        with theirs:
            self.say([theirs.fileno()], **request)
        answer, fds = self.hear()
        return answer, fds[0] if fds else -1, ours.detach()


@pytest.fixture
def peer() -> Iterator[Peer]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = [sys.executable, "-P", "-s", "-S", "-B", "-c", BOOT, str(theirs.fileno())]
        process = subprocess.Popen(
            [*command, "jail_entries:execute", "struct", *PATHS, str(TESTS)],
            env={"PYTHONHASHSEED": "0"},
            pass_fds=(theirs.fileno(),),
        )
        theirs.close()
        peer = Peer(ours.fileno(), process)
        try:
            assert peer.hear()[0] == {"op": "ready", "pid": process.pid}
            yield peer
        finally:
            process.kill()
            process.wait()


def test_child_answers_and_its_end_is_reported(peer: Peer) -> None:
    answer, pidfd, channel = peer.spawn()
    write_frame(channel, b"result = 6 * 7")

    assert answer == {"op": "spawned", "id": 7, "pid": answer["pid"]}
    assert read_frame(channel, 100) == b"42"
    assert peer.hear()[0] == {"op": "sealed", "id": 7}

    os.close(channel)
    report, _ = peer.hear()
    os.close(pidfd)
    assert (report["op"], report["id"], report["pid"]) == ("exit", 7, answer["pid"])
    assert os.waitstatus_to_exitcode(report["status"]) == 0
    assert report["why"] == ""
    assert report["max_rss_bytes"] > 1 << 20


def test_report_says_why_when_a_module_cannot_be_imported(peer: Peer) -> None:
    _, pidfd, channel = peer.spawn(modules=["no_such_module"])

    assert peer.hear()[0] == {"op": "sealed", "id": 7}  # it also comes when the child died
    report, _ = peer.hear()

    os.close(pidfd)
    os.close(channel)
    assert os.waitstatus_to_exitcode(report["status"]) == 65
    assert report["why"] == "ModuleNotFoundError: No module named 'no_such_module'"


def test_report_says_why_when_the_jail_cannot_be_built(peer: Peer) -> None:
    _, pidfd, channel = peer.spawn(profile="reference", path="/no/such/file")

    assert peer.hear()[0] == {"op": "sealed", "id": 7}  # it also comes when the child died
    report, _ = peer.hear()

    os.close(pidfd)
    os.close(channel)
    assert report["why"] == "FileNotFoundError: [Errno 2] No such file or directory: 'landlock'"


@pytest.mark.parametrize("layers", [[], [name for name in jail.LAYERS if name != "seccomp"]])
def test_children_die_when_the_zygote_is_killed(peer: Peer, layers: list[str]) -> None:
    """PDEATHSIG must outlive every change of credentials that sealing makes."""
    _, pidfd, channel = peer.spawn(layers=layers)
    write_frame(channel, b"result = 1")
    assert read_frame(channel, 100) == b"1"

    peer.process.kill()

    assert select.select([pidfd], [], [], DEADLINE_S)[0], "the child outlived its zygote"
    os.close(pidfd)
    os.close(channel)


def test_zygote_ends_when_the_core_is_gone(peer: Peer) -> None:
    with socket.socket(fileno=os.dup(peer.control)) as control:
        control.shutdown(socket.SHUT_RDWR)

    assert peer.process.wait(DEADLINE_S) == 0


def test_zygote_stays_when_the_terminal_is_interrupted(peer: Peer) -> None:
    peer.process.send_signal(signal.SIGINT)
    peer.process.send_signal(signal.SIGTERM)

    answer, pidfd, channel = peer.spawn()

    os.close(pidfd)
    os.close(channel)
    assert answer["op"] == "spawned"


def test_request_is_refused_when_it_is_no_spawn(peer: Peer) -> None:
    peer.say([], op="dance", id=3)

    assert peer.hear()[0] == {"op": "refused", "id": 3, "why": "not a spawn request"}


@pytest.mark.parametrize("entry", ["nothing", ":f", "os:", "os:no_such", "os:sep"])
def test_entry_is_refused_when_it_names_no_function(entry: str) -> None:
    with pytest.raises(ValueError, match=r"entry|function"):
        resolve(entry)
