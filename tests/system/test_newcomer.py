"""The newcomer's path of README.md, run as it stands there: from a file of one's own to native code in a daemon."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
STEP_S = 400.0
UP_S = 90.0
BLOCK = re.compile(r"<!-- newcomer -->\n```console\n(.*?)```", re.DOTALL)
PORT = "7001"


def steps(text: str) -> list[str]:
    """The commands of the page, each with its here-document; what they print is left out."""
    found: list[str] = []
    for block in BLOCK.findall(text):
        lines = iter(block.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                continue
            command = [line[2:]]
            end = re.search(r"<<'?(\w+)'?", line)
            while end is not None and command[-1] != end.group(1):
                command.append(next(lines))
            found.append("\n".join(command))
    return found


@pytest.fixture
def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder of its own; whatever was started in the background there is ended by its pid."""
    yield tmp_path
    for pid in (tmp_path / "pids").read_text().split():
        try:
            os.kill(int(pid), signal.SIGTERM)
        except ProcessLookupError:
            continue


def up(run: Path) -> None:
    """Wait until the daemon answers, as a person would."""
    control = run / "control.sock"
    give_up = time.monotonic() + UP_S
    while not control.exists():
        assert time.monotonic() < give_up, "the daemon did not come up"
        time.sleep(0.05)


@pytest.mark.slow
def test_status_says_native_when_a_newcomer_follows_the_readme(folder: Path, free_port: str) -> None:
    commands = steps((REPOSITORY / "README.md").read_text("utf-8"))
    environment = {
        **os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1",
        "XDG_CACHE_HOME": str(folder / "cache"), "PIDS": str(folder / "pids"),
    }  # fmt: skip
    (folder / "pids").touch()
    where = folder
    said: dict[str, str] = {}

    for command in commands:
        text = command.replace(PORT, free_port)
        background = text.splitlines()[0].split("#")[0].rstrip().endswith("&")
        if background:
            text += '\necho $! >> "$PIDS"'
        done = subprocess.run(
            ["bash", "-eu", "-c", f"{text}\npwd > {shlex.quote(str(folder / 'where'))}"],
            cwd=where, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE if not background else None,
            stderr=subprocess.STDOUT if not background else None, text=True, timeout=STEP_S,
        )  # fmt: skip
        said[command] = done.stdout or ""
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        where = Path((folder / "where").read_text().strip())
        if background and " run " in command:
            up(where / "run")

    verbs = [c.split()[1] for c in commands if c.startswith("alloy-edge")]
    assert [v for v in verbs if v != "run"] == ["lint", "try", "build", "promote", "status"]
    last = said[commands[-1]]
    assert "tank (native)" in last, last
