"""A real daemon for workloads: its own process, its own folders, a broker in another process, what it costs."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import trio

from alloy_agent.core.memory import ProcessMemory, tree
from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession
from alloy_agent.mqtt.topics import Topics

from .mqtt import broker_process

READY_S = 60.0
STOP_S = 30.0
TOPICS = Topics("bench", "gateway")
_TICKS = os.sysconf("SC_CLK_TCK")
_NUMBERS = count()


@dataclass(frozen=True, slots=True)
class Running:
    """A daemon that said READY.

    Attributes:
        begun: `perf_counter` just before its exec [s].
        ready_s: from there to READY=1 [s].
        log: its standard error.
        run_dir: folder of its control socket.
    """

    process: subprocess.Popen[bytes]
    begun: float
    ready_s: float
    log: Path
    run_dir: Path

    @property
    def pid(self) -> int:
        """Of the core."""
        return self.process.pid

    def memory(self) -> list[ProcessMemory]:
        """PSS of the core (first) and of every process below it."""
        return list(tree(self.pid))


def write_config(folder: Path, port: int, pipelines: Mapping[str, str], extra: str = "") -> Path:
    """`agent.yaml` for the broker on `port`, and one file for each pipeline; returns the folder."""
    config = folder / "config"
    (config / "pipelines").mkdir(parents=True)
    (config / "transforms").mkdir()
    (config / "agent.yaml").write_text(
        f"fleet: {TOPICS.fleet}\ndevice: {TOPICS.device}\nmqtt: {{host: 127.0.0.1, port: {port}}}\n{extra}"
    )
    for name, text in pipelines.items():
        (config / "pipelines" / f"{name}.yaml").write_text(text)
    return config


@asynccontextmanager
async def daemon_process(
    config: Path, *, options: Sequence[str] = (), cpus: set[int] | None = None
) -> AsyncIterator[Running]:
    """`alloy-edge run` for the time of the block, from exec to READY=1; ended by SIGTERM.

    Args:
        config: as `write_config` made it.
        options: of the interpreter ("-X", "importtime").
        cpus: cores it and its workers may use; None: all.
    """
    name = f"alloy-bench-{os.getpid()}-{next(_NUMBERS)}"  # abstract: no length limit, nothing to delete
    # A short folder: the path of a socket has 107 bytes (unix(7)).
    with (
        tempfile.TemporaryDirectory(prefix="alloy-") as scratch,
        trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager,
    ):
        folder = Path(scratch)
        await manager.bind(f"\0{name}")
        command = [sys.executable, *options, "-m", "alloy_agent", "run", "--config", str(config)]
        command += ["--state-dir", str(folder / "state"), "--run-dir", str(folder / "run")]
        before = os.sched_getaffinity(0)
        with (folder / "log").open("wb") as log:
            begun = time.perf_counter()
            if cpus:
                os.sched_setaffinity(
                    0, cpus
                )  # inherited; a function between fork and exec is not thread-safe
            try:
                process = subprocess.Popen(  # noqa: S603, ASYNC220 - our own command, starting is quick
                    command, stderr=log, env={**os.environ, "NOTIFY_SOCKET": f"@{name}"}
                )
            finally:
                os.sched_setaffinity(0, before)
        try:
            await _ready(manager, process, folder / "log")
            yield Running(process, begun, time.perf_counter() - begun, folder / "log", folder / "run")
        finally:
            process.terminate()
            with trio.CancelScope(shield=True):
                await trio.to_thread.run_sync(_end, process)


async def _ready(manager: trio.socket.SocketType, process: subprocess.Popen[bytes], log: Path) -> None:
    with trio.move_on_after(READY_S):
        while process.poll() is None:
            with trio.move_on_after(1.0):
                if b"READY=1" in (await manager.recv(4096)).split(b"\n"):
                    return
    raise RuntimeError(f"the daemon did not come up: {_tail(log)}")


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-800:]


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, user and system [s], in steps of a clock tick. Source: proc(5), `stat`."""
    fields = (
        Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    )
    return (int(fields[11]) + int(fields[12])) / _TICKS


@asynccontextmanager
async def session(port: int, name: str) -> AsyncIterator[MqttSession]:
    """A connected client of the workload's own."""
    link = MqttSession(LinkOptions("127.0.0.1", port, name, session_expiry_s=0, receive_maximum=1024))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        await link.wait_connected()
        yield link
        await link.disconnect()


@contextmanager
def any_broker() -> Iterator[tuple[str, int]]:
    """mosquitto where it is installed, else the demo broker; yields which, and its port."""
    binary = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if binary is None:
        with broker_process() as port:
            yield "demo broker", port
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory(prefix="alloy-") as scratch:
        config = Path(scratch) / "mosquitto.conf"
        as_root = "user root\n" if os.geteuid() == 0 else ""  # else it looks for a user of its own name
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n"
            f"max_queued_messages 0\n{as_root}"
        )
        process = subprocess.Popen([binary, "-c", str(config)], stderr=subprocess.DEVNULL)  # noqa: S603 - found by us
        try:
            _wait_listening(port, process)
            yield "mosquitto", port
        finally:
            process.terminate()
            process.wait(STOP_S)


def _wait_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"mosquitto does not listen on port {port}")
