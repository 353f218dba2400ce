"""Brokers for tests: the mini-broker in the test's own nursery, mosquitto as a process, a cutting proxy."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import trio

from alloy_agent.broker import Broker, BrokerOptions, Faults

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    """A loopback port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Proxy:
    """Forwards TCP to a broker; `cut` breaks every connection, `open` false refuses new ones."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.open = True
        self._streams: set[trio.SocketStream] = set()

    async def run(self, *, task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED) -> None:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        task_status.started(self.port)
        await trio.serve_listeners(self._serve, listeners)

    async def _serve(self, near: trio.SocketStream) -> None:
        if not self.open:
            await trio.aclose_forcefully(near)
            return
        far = await trio.open_tcp_stream("127.0.0.1", self.target)
        async with near, far:
            self._streams |= {near, far}
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._pump, near, far, nursery.cancel_scope)
                nursery.start_soon(self._pump, far, near, nursery.cancel_scope)
            self._streams -= {near, far}

    async def _pump(
        self, source: trio.SocketStream, sink: trio.SocketStream, scope: trio.CancelScope
    ) -> None:
        try:
            async for data in source:
                await sink.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        scope.cancel()

    async def cut(self) -> None:
        """Break every connection without a word."""
        for stream in tuple(self._streams):
            await trio.aclose_forcefully(stream)


@dataclass
class Running:
    """A broker that runs, behind a proxy that can cut."""

    kind: str
    direct: int  # port of the broker itself
    proxy: Proxy
    mini: Broker | None = None

    @property
    def port(self) -> int:
        return self.proxy.port


@asynccontextmanager
async def mini_broker(
    options: BrokerOptions | None = None, faults: Faults | None = None
) -> AsyncIterator[Running]:
    """The mini-broker on a free port in this test's loop."""
    broker = Broker(options, faults)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(broker.run)
        proxy = Proxy(port)
        await nursery.start(proxy.run)
        yield Running("mini", port, proxy, broker)
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def mosquitto(folder: Path) -> AsyncIterator[Running]:
    """A mosquitto process on a free port."""
    assert MOSQUITTO is not None
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "max_queued_messages 0\nset_tcp_nodelay true\n" + ("user root\n" if os.geteuid() == 0 else "")
    )
    command = [MOSQUITTO, "-c", str(config)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - starting is quick
    try:
        await _listening(port)
        async with trio.open_nursery() as nursery:
            proxy = Proxy(port)
            await nursery.start(proxy.run)
            yield Running("mosquitto", port, proxy)
            nursery.cancel_scope.cancel()
    finally:
        process.kill()
        process.wait()


async def _listening(port: int) -> None:
    with trio.fail_after(60):
        while True:
            try:
                stream = await trio.open_tcp_stream("127.0.0.1", port)
            except OSError:
                await trio.sleep(0.01)
            else:
                await stream.aclose()
                return
