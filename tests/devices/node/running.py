"""The board program as a process on CPython with the stand-ins: a real pseudo-terminal, a real broker."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import cbor2
import trio
from tests.transforms.in_process import InProcess

from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession
from alloy_devices.framing import FramingSpec, make_framer
from alloy_devices.node import put
from alloy_devices.sims.faults import Action, Write
from alloy_devices.sims.pty import PtyPort

FRAMING = FramingSpec(
    kind="length", start=b"BM", length_offset=2, length_bytes=2, length_adjust=4, max_bytes=64
)


def gateway_rows(stream: bytes) -> tuple[list[dict[str, Any]], int]:
    """What the gateway makes of these bytes: its framing, its sandbox; rows, and how many frames it refuses."""
    source = resources.files("alloy_transforms.library").joinpath("pms5003.py")
    worker = InProcess(source.read_text("utf-8"))
    frames = [frame.payload for frame in make_framer(FRAMING).feed(stream, 0)]
    return worker.rows(frames), len(worker.codes(frames))


def settings(port: int, version: int) -> dict[str, Any]:
    return {
        "node": {"name": "roof"},
        "wifi": {"ssid": "field", "key": "secret"},
        "mqtt": {"host": "127.0.0.1", "port": port, "version": version},
    }


@dataclass
class Wall:
    """Everything that a node said, as any MQTT client sees it; what came again with the same number is only counted.

    A node that hears no acknowledgement for three seconds connects anew and sends the message in flight again.
    """

    data: list[dict[str, Any]] = field(default_factory=list)
    repeats: int = 0
    states: list[dict[str, Any]] = field(default_factory=list)

    def rows(self) -> list[dict[str, Any]]:
        return [row for message in self.data for row in message["rows"]]

    async def reached(self, messages: int) -> None:
        """Wait for this many messages."""
        await until(lambda: len(self.data) >= messages)

    async def watch(
        self, port: int, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        link = MqttSession(LinkOptions(host="127.0.0.1", port=port, client_id="wall", backoff_max_s=0.2))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run)
            await link.wait_connected()
            subscription = await link.subscribe("alloy-node/1/+/+", qos=1)
            task_status.started()
            while True:
                for message in await subscription.batch(64):
                    self.take(message.topic.rpartition("/")[2], cbor2.loads(message.payload))
                    message.acknowledge()

    def take(self, kind: str, said: dict[str, Any]) -> None:
        if kind != "data":
            self.states.append(said)
        elif any((said["boot"], said["n"]) == (known["boot"], known["n"]) for known in self.data):
            self.repeats += 1
        else:
            self.data.append(said)


@asynccontextmanager
async def node(folder: Path, port: int, uart: PtyPort, version: int = 4) -> AsyncIterator[trio.Process]:
    """The program runs inside; killed at the end, its output shown where it failed."""
    put(folder)
    (folder / "node.json").write_text(json.dumps(settings(port, version)))
    command = [sys.executable, "-m", "alloy_devices.shims", str(folder / "main.py"), "--uart", str(uart.path)]
    with (folder / "log").open("wb") as log:
        process = await trio.lowlevel.open_process(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        await uart.wait_ready()
        yield process
        assert process.poll() in (None, -9), (folder / "log").read_text()
    finally:
        process.kill()
        await process.wait()


async def play(uart: PtyPort, actions: Iterable[Action]) -> bytes:
    """Play what the fault injector says, and return the bytes that went out."""
    done = list(actions)
    await uart.play(done)
    return b"".join(action.data for action in done if isinstance(action, Write))


async def until(condition: Callable[[], bool]) -> None:
    """Wait; the test's deadline bounds it."""
    while not condition():  # noqa: ASYNC110 - other processes tell nobody
        await trio.sleep(0.005)
