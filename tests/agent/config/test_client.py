"""The core's side of the compiler process, with the real process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import trio

from alloy_agent.config.client import compile_config
from alloy_agent.config.folder import compile_folder
from alloy_agent.config.model import Document
from alloy_agent.errors import ConfigError

Write = Callable[[str, str], Path]

pytestmark = pytest.mark.slow

MINIMAL = "source: {mqtt: {topic: a/b}}\ntransform: ./good.py\nsink: stdout\n"
COMPILER = [sys.executable, "-m", "alloy_agent.config.compile", "--config"]


def test_the_document_arrives_when_the_compiler_runs(config: Path, write: Write) -> None:
    write("a.yaml", MINIMAL)
    write("b.yaml", "nothing")

    document = trio.run(compile_config, config)

    assert document == compile_folder(config)
    assert [pipeline.name for pipeline in document.pipelines] == ["a"]


def test_exit_code_is_3_and_the_findings_come_when_the_device_file_is_invalid(config: Path) -> None:
    (config / "agent.yaml").write_text("fleet: [")

    ended = subprocess.run([*COMPILER, str(config)], capture_output=True, check=False)
    document = trio.run(compile_config, config)

    assert ended.returncode == 3
    assert msgspec.msgpack.decode(ended.stdout, type=Document) == document
    assert not document.device_valid


async def _expect_failure(config: Path, wall_s: float, max_bytes: int) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        await compile_config(config, wall_s=wall_s, max_bytes=max_bytes)
    return caught.value


def test_the_compiler_is_killed_when_it_runs_too_long(config: Path) -> None:
    error = trio.run(_expect_failure, config, 0.001, 1 << 20)

    assert (error.code, error.what) == ("config.compiler", "the configuration compiler ran too long")


def test_the_compiler_is_killed_when_it_writes_too_much(config: Path, write: Write) -> None:
    write("a.yaml", MINIMAL)

    error = trio.run(_expect_failure, config, 60.0, 16)

    assert (error.code, error.what) == ("config.compiler", "the configuration compiler wrote too much")


def test_the_last_line_of_stderr_is_told_when_the_compiler_fails(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = tmp_path / "python"
    failing.write_text("#!/bin/sh\necho first >&2\necho out of luck >&2\nexit 7\n")
    failing.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(failing))

    error = trio.run(_expect_failure, config, 60.0, 1 << 20)

    assert (error.code, error.got) == ("config.compiler", "out of luck")


@pytest.mark.parametrize(
    ("reply", "what"), [("\\301", "no document"), ("\\201\\247version\\011", "another version")]
)
def test_the_reply_is_refused_when_it_is_no_document_of_ours(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: str, what: str
) -> None:
    lying = tmp_path / "python"
    lying.write_text(f"#!/bin/sh\nprintf '{reply}'\n")
    lying.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(lying))

    error = trio.run(_expect_failure, config, 60.0, 1 << 20)

    assert error.code == "config.compiler"
    assert what in error.what


def test_no_process_is_left_when_the_caller_is_cancelled(config: Path) -> None:
    async def cancelled() -> None:
        with trio.move_on_after(0):
            await compile_config(config)

    trio.run(cancelled)

    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_only_light_modules_are_imported_when_the_compiler_starts() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, alloy_agent.config.compile; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert not {"trio", "numpy", "h5py", "mqtt5", "asyncio", "socket", "difflib"} & set(loaded)


def test_a_pipe_does_not_hold_the_compiler_when_it_stands_for_a_file(config: Path) -> None:
    os.mkfifo(config / "pipelines" / "a.yaml")

    document = trio.run(compile_config, config)

    assert [problem.code for problem in document.problems] == ["config.unreadable"]
