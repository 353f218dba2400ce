"""Processes that are stopped and killed on purpose: broker, daemon, a publisher and a consumer of numbered records."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import cbor2
import trio

from alloy_agent.core.control import ask
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession

STEP_S = 0.02
PATIENCE_S = 90.0  # a host may stand still for seconds and be slow between
NUMBER = '''"""A number a line, and how many there were."""
OUTPUT = {"v": {"type": "i64"}, "n": {"type": "i64"}}
STATE = {"n": 0}


def transform(payload: bytes, s: dict) -> dict:
    s["n"] = s["n"] + 1
    v = 0
    for c in payload:
        v = v * 10 + c - 48
    return {"v": v, "n": s["n"]}
'''


def config(folder: Path, port: int | None, **pipelines: str) -> Path:
    """A configuration folder with the transform `./number.py`; pipelines by name (`name:` is added)."""
    (folder / "pipelines").mkdir(parents=True)
    (folder / "transforms").mkdir()
    (folder / "transforms" / "number.py").write_text(NUMBER)
    broker = f"mqtt: {{host: 127.0.0.1, port: {port}}}\n" if port else ""
    (folder / "agent.yaml").write_text(f"device: dev\nfleet: test\n{broker}")
    for name, text in pipelines.items():
        (folder / "pipelines" / f"{name}.yaml").write_text(f"name: {name}\n{text}")
    return folder


@dataclass
class Child:
    """One `alloy-edge` process."""

    process: trio.Process
    folder: Path
    line: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-4000:]

    async def status(self) -> dict[str, Any]:
        response = await ask(self.folder / "run" / "control.sock", "status", None, PATIENCE_S)
        assert response.ok, response.error
        result: dict[str, Any] = response.result
        return result

    async def pipeline(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(p for p in (await self.status())["pipelines"] if p["name"] == name)
        return found

    async def until(
        self, condition: Callable[[dict[str, Any]], bool], *, timeout_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """Wait until the status fulfils the condition."""
        last: object = None
        with trio.move_on_after(timeout_s):
            while True:
                try:
                    last = status = await self.status()
                    if condition(status):
                        return status
                except AgentError as error:
                    last = error
                assert self.process.poll() is None, f"ended with {self.process.returncode}\n{self.log}"
                await trio.sleep(STEP_S)
        raise AssertionError(f"not reached: {last}\n{self.log}")

    async def ready(self) -> dict[str, Any]:
        """Wait until the pipelines are built and the mqtt sources subscribed."""
        return await self.until(
            lambda s: (
                s["state"] != "init"
                and all(p["source"]["connected"] for p in s["pipelines"] if p["source"]["name"][:4] == "mqtt")
            )
        )

    async def end(self, number: int = signal.SIGTERM, *, timeout_s: float = PATIENCE_S) -> int:
        """Send a signal and wait for the end; the exit code."""
        self.process.send_signal(number)
        with trio.fail_after(timeout_s):
            return await self.process.wait()


@asynccontextmanager
async def child(folder: Path, *arguments: str, announce: bool = False) -> AsyncIterator[Child]:
    """Run `alloy-edge ARGUMENTS`; killed at the end of the block if it is still there."""
    folder.mkdir(exist_ok=True)  # noqa: ASYNC240 - a local folder
    with (folder / "log").open("ab") as log:
        async with trio.open_nursery() as nursery:
            process: trio.Process = await nursery.start(
                partial(
                    trio.run_process,
                    [sys.executable, "-m", "alloy_agent", *arguments],
                    stdout=subprocess.PIPE if announce else log,
                    stderr=log,
                    check=False,
                    deliver_cancel=_at_once,
                )
            )
            line = ""
            if announce:
                assert process.stdout is not None
                with trio.fail_after(PATIENCE_S):
                    line = (await process.stdout.receive_some(4096)).decode()
            try:
                yield Child(process, folder, line)
            finally:
                nursery.cancel_scope.cancel()


async def _at_once(process: trio.Process) -> None:
    """Where trio's own way would warn of a process that a host at a standstill has not reaped in five seconds."""
    process.kill()


@asynccontextmanager
async def broker(folder: Path, *arguments: str) -> AsyncIterator[tuple[Child, int]]:
    """The mini-broker in a process of its own; yields it and its port."""
    async with child(folder, "broker", "--json", *arguments, announce=True) as running:
        yield running, int(json.loads(running.line)["port"])


@asynccontextmanager
async def daemon(conf: Path, folder: Path) -> AsyncIterator[Child]:
    """The daemon on a configuration folder; its state survives from one call to the next."""
    folders = ("--state-dir", str(folder / "state"), "--run-dir", str(folder / "run"))
    async with child(folder, "run", "--config", str(conf), *folders) as running:
        yield running


@asynccontextmanager
async def client(port: int, name: str) -> AsyncIterator[MqttSession]:
    """A client of the broker that is not ours."""
    link = MqttSession(LinkOptions("127.0.0.1", port, name, backoff_first_s=0.01, backoff_max_s=0.1))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.run)
        await link.wait_connected()
        yield link
        with trio.move_on_after(2):
            await link.disconnect()
        nursery.cancel_scope.cancel()


async def publish(link: MqttSession, topic: str, numbers: range, accepted: list[int]) -> None:
    """Publish numbers at QoS 1 as fast as the broker takes them; `accepted` gets those it acknowledged.

    A broker whose queue for the daemon is full says so (reason 0x97); such a number is published again later.
    """
    waiting: deque[tuple[int, Any]] = deque()
    left = deque(numbers)
    while left or waiting:
        if left and len(waiting) < 128:
            number = left.popleft()
            waiting.append((number, await link.send(topic, str(number).encode(), qos=1)))
            continue
        number, ticket = waiting.popleft()
        if (await ticket.wait()).reason in (0, 16):
            accepted.append(number)
        else:
            left.append(number)
            await trio.sleep(STEP_S)


@dataclass
class Consumer:
    """What came out: blocks by (run, sequence), numbers and counts in order of arrival, repeats dropped."""

    seen: set[tuple[str, int]] = field(default_factory=set)
    values: list[int] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    repeats: int = 0
    changed: trio.Event = field(default_factory=trio.Event)

    def take(self, payload: bytes) -> None:
        tree = cbor2.loads(payload)
        if tree.get("k") != "b":
            return
        key = (tree["run"], tree["seq"])
        if key in self.seen:
            self.repeats += 1
            return
        self.seen.add(key)
        self.values += _int64(tree["p"][0].value)
        self.counts += _int64(tree["p"][1].value)
        self.changed.set()

    async def run(self, link: MqttSession, topic: str, *, task_status: trio.TaskStatus[None]) -> None:
        subscription = await link.subscribe(topic, qos=1)
        task_status.started()
        async for message in subscription:
            self.take(message.payload)
            message.acknowledge()

    async def complete(self, count: int, child: Child, *, timeout_s: float = PATIENCE_S) -> None:
        """Wait until the numbers 0 to `count` are all there."""
        wanted = set(range(count))
        with trio.move_on_after(timeout_s):
            while not wanted <= set(self.values):
                self.changed = trio.Event()
                with trio.move_on_after(0.5):
                    await self.changed.wait()
            return
        missing = sorted(wanted - set(self.values))
        raise AssertionError(f"{len(missing)} missing: {missing[:20]}\n{await child.status()}\n{child.log}")


class Feed:
    """A TCP instrument: sends numbers as lines to whoever is connected, and waits while it does not read."""

    def __init__(self) -> None:
        self.port = 0
        self.stream: trio.SocketStream | None = None
        self.connected = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None]) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        task_status.started()
        await trio.serve_listeners(self._serve, listeners)

    async def _serve(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.connected.set()
        await trio.sleep_forever()

    async def send(self, numbers: range) -> None:
        await self.connected.wait()
        assert self.stream is not None
        await self.stream.send_all(b"".join(b"%d\n" % n for n in numbers))


def _int64(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[i : i + 8], "little", signed=True) for i in range(0, len(raw), 8)]


def pss(pid: int) -> int:
    """Proportional set size [B]."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


def kill(pid: int) -> None:
    """SIGKILL; harmless when the process is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
