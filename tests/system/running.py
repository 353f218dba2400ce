"""Real processes for system tests: a broker, and the daemon on a configuration folder of the test's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio
from tests.fakes.brokers import MOSQUITTO, free_port

from alloy_agent.core.control import ask
from alloy_agent.errors import AgentError

READY_S = 90.0  # a host may stand still for seconds and be slow between
STOP_S = 60.0
STEP_S = 0.02
ALLOY_EDGE = (sys.executable, "-m", "alloy_agent")


def alloy_edge(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run one verb to its end."""
    return subprocess.run([*ALLOY_EDGE, *map(str, arguments)], capture_output=True, timeout=400, check=False)


@dataclass
class Daemon:
    """One `alloy-edge run` process.

    Attributes:
        config: its configuration folder; `run_dir` is taken from the command line.
        environ: added to the environment.
    """

    config: Path
    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "daemon.log"

    @property
    def run_dir(self) -> Path:
        return self.folder / "run"

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def control(self) -> Path:
        return self.run_dir / "control.sock"

    @property
    def stdout(self) -> Path:
        return self.folder / "daemon.out"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Start it and return at once."""
        folders = ("--state-dir", str(self.state_dir), "--run-dir", str(self.run_dir))
        with self.log.open("ab") as errors, self.stdout.open("ab") as out:
            self.process = subprocess.Popen(
                [*ALLOY_EDGE, "run", "--config", str(self.config), *folders],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env={**os.environ, **self.environ},
            )

    def wait_ready(self) -> dict[str, Any]:
        """Wait until pipelines are up and every MQTT source has subscribed; the status then."""
        return self.wait_status(
            lambda status: (
                status["state"] != "init"
                and all(
                    p["source"]["connected"]
                    for p in status["pipelines"]
                    if p["source"]["name"][:5] == "mqtt:"
                )
            )
        )

    def wait_status(self, condition: Any, timeout_s: float = READY_S) -> dict[str, Any]:
        """Ask again and again until the status fulfils the condition."""
        deadline = time.monotonic() + timeout_s
        last: object = None
        while time.monotonic() < deadline:
            try:
                last = status = self.status()
                if condition(status):
                    return status
            except AgentError as error:
                last = error
            self._step()
        raise AssertionError(f"not reached: {last}\n{self.tail()}")

    def _step(self) -> None:
        """Pass a little time; the end of the process is an error."""
        assert self.process is not None
        try:
            self.process.wait(STEP_S)
        except subprocess.TimeoutExpired:
            return
        raise AssertionError(f"the daemon ended with {self.process.returncode}\n{self.tail()}")

    def status(self) -> dict[str, Any]:
        """Its answer to the verb `status` on the control socket."""
        response = trio.run(ask, self.control, "status", None, READY_S)
        assert response.ok, response.error
        result: dict[str, Any] = response.result
        return result

    def pipeline(self, name: str) -> dict[str, Any]:
        """The facts of one pipeline now."""
        found: dict[str, Any] = next(p for p in self.status()["pipelines"] if p["name"] == name)
        return found

    def stop(self) -> int:
        """SIGTERM and wait; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(STOP_S)

    def kill(self) -> None:
        """SIGKILL and reap."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(STOP_S)

    def tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""


@contextmanager
def daemon(config: Path, folder: Path, **environ: str) -> Iterator[Daemon]:
    """The daemon, ready; stopped at the end if the test did not."""
    running = Daemon(config, folder, environ)
    running.start()
    try:
        running.wait_ready()
        yield running
    finally:
        assert running.process is not None
        if running.process.poll() is None:
            try:
                running.stop()
            except subprocess.TimeoutExpired:
                running.kill()
                raise


def write_config(folder: Path, agent: str, **pipelines: str) -> Path:
    """A configuration folder: text of agent.yaml, and of each pipeline by name (`name:` is added)."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "agent.yaml").write_text(agent)
    for name, text in pipelines.items():
        (folder / "pipelines" / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    return folder


@contextmanager
def mini_broker(folder: Path) -> Iterator[int]:
    """`alloy-edge broker` in a process of its own; yields its port."""
    with (folder / "broker.log").open("ab") as errors:
        process = subprocess.Popen([*ALLOY_EDGE, "broker", "--json"], stdout=subprocess.PIPE, stderr=errors)
    try:
        assert process.stdout is not None
        with process.stdout:
            yield int(json.loads(process.stdout.readline())["port"])
    finally:
        process.terminate()
        process.wait(STOP_S)


@contextmanager
def mosquitto(folder: Path) -> Iterator[int]:
    """A mosquitto process; yields its port."""
    assert MOSQUITTO is not None
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_queued_messages 0\n"
        + ("user root\n" if os.geteuid() == 0 else "")
    )
    process = subprocess.Popen([MOSQUITTO, "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        trio.run(_listening, port)
        yield port
    finally:
        process.terminate()
        process.wait(STOP_S)


async def _listening(port: int) -> None:
    with trio.fail_after(READY_S):
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(STEP_S)
            else:
                await stream.aclose()
                return


def tree_pss(pid: int) -> dict[int, int]:
    """PSS of a process and its descendants [B] by pid; one that ends meanwhile is left out."""
    found: dict[int, int] = {}
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
            tasks = list(Path(f"/proc/{each}/task").iterdir())
            waiting += [int(child) for task in tasks for child in (task / "children").read_text().split()]
        except (OSError, ProcessLookupError):
            continue
        found[each] = next(
            (int(line.split()[1]) * 1024 for line in rollup.splitlines() if line[:4] == "Pss:"), 0
        )
    return found
