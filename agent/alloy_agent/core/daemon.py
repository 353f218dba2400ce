"""The daemon: one trio loop that holds link, status, control and pipelines, and ends cleanly.

Order of start: state folder, link, workers, pipelines, control, READY. Order of stop: STOPPING, sources closed,
queues drained into the sinks, goodbye to the broker. A second stop signal ends at once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from alloy_agent.config.model import Agent, Document
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link, LinkOptions
from alloy_agent.mqtt.topics import Topics

from . import logs
from .assemble import Assembly
from .control import ControlServer
from .ids import next_birth, ulid
from .memory import tree
from .requests import serve_requests
from .sdnotify import Notifier
from .secrets import resolve
from .status import StatusBoard, clock_ns
from .supervisor import supervise
from .verbs import Verbs

LOG = logs.get("daemon")

DRAIN_S = 10.0
"""How long a stop waits for sinks before it leaves the rest unacknowledged."""
GOODBYE_S = 2.0


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the daemon may write."""

    state: Path
    run: Path


def device_name(agent: Agent) -> str:
    """The configured device name, or the host's."""
    return agent.device or socket.gethostname().split(".")[0]


def make_link(agent: Agent, topics: Topics) -> Link:
    """The link of `agent.yaml`: the native session, or the adapter for MQTT 3.1.1 brokers."""
    mqtt = agent.mqtt
    if mqtt is None:
        raise AgentError("config.needs_broker", "no `mqtt` section in agent.yaml", where="agent.yaml")
    password = resolve(mqtt.password) if mqtt.password is not None else None
    options = LinkOptions(
        host=mqtt.host,
        port=mqtt.port,
        client_id=mqtt.client_id or f"alloy-{topics.fleet}-{topics.device}",
        username=mqtt.username or None,
        password=password,
        tls=mqtt.tls,
        ca_file=mqtt.ca_file or None,
        keepalive_s=mqtt.keepalive_s,
        session_expiry_s=mqtt.session_expiry_s,
        inflight_maximum=mqtt.inflight_maximum,
        receive_maximum=1024,
    )
    if mqtt.version == "5":
        from alloy_agent.mqtt.session import MqttSession

        return MqttSession(options)
    from alloy_agent.mqtt.aiomqtt_adapter import AiomqttLink

    return AiomqttLink(options)


class Daemon:
    """One run of the daemon; `run` returns when it was stopped and has drained."""

    def __init__(self, document: Document, folders: Folders) -> None:
        self.document = document
        self.folders = folders
        agent = document.agent
        self.topics = Topics(agent.fleet, device_name(agent))
        self.link = make_link(agent, self.topics) if agent.mqtt is not None else None
        self.stopping = trio.Event()
        self.verbs = Verbs()
        self.assembly: Assembly | None = None
        started = clock_ns()
        self.board = StatusBoard(
            topics=self.topics,
            birth=0,
            boot=ulid(started, os.urandom(10)),
            started_ns=started,
            pipelines=self._pipelines,
            workers=self._workers,
            problems=[f"{p.file}:{p.line}:{p.column}: {p.code}: {p.message}" for p in document.problems],
        )

    def stop(self) -> None:
        """Ask for a clean end."""
        self.stopping.set()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> bool:
        """Run until `stop`.

        Returns:
            True when everything taken from the sources was made safe.
        """
        self.folders.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folders.run.mkdir(parents=True, exist_ok=True)
        self.board.birth = next_birth(self.folders.state / "birth")
        notifier = Notifier.from_environment()
        async with trio.open_nursery() as services:
            if self.link is not None:
                self.link.set_will(self.board.will())
                services.start_soon(self.link.run)
            self._register_verbs()
            await services.start(ControlServer(self.folders.run / "control.sock", self.verbs).run)
            async with Assembly.open(
                services, self.document, self.folders.state, self.topics, self.link
            ) as assembly:
                self.assembly = assembly
                await assembly.build()
                self.board.layers = assembly.layers
                self.board.problems += assembly.problems
                if self.link is not None:
                    services.start_soon(self._present, self.link)
                    services.start_soon(serve_requests, self.link, self.topics, self.verbs)
                services.start_soon(self._watchdog, notifier)
                self.board.state = "degraded" if self.board.problems else "ready"
                notifier.ready()
                task_status.started()
                drained = await supervise(assembly.pipelines, self.stopping, DRAIN_S)
                notifier.stopping()
                await self._goodbye()
            services.cancel_scope.cancel()
        return drained

    async def _present(self, link: Link) -> None:
        """Say hello after each connect: status, about, and the descriptors of running streams."""
        connects = trio.Event()

        def connected(_session_present: bool) -> None:
            connects.set()

        link.on_connect(connected)
        if link.stats.connected:
            connects.set()
        while True:
            await connects.wait()
            connects = trio.Event()
            await self.board.say(link, self.board.state)
            await link.publish(self.topics.about, self.board.about(), qos=1, retain=True)
            if self.assembly is not None:
                await self.assembly.announce_again()

    async def _watchdog(self, notifier: Notifier) -> None:
        """Feed the service manager's watchdog from the loop itself, never from a bare timer thread."""
        period = notifier.watchdog_s
        while True:
            await trio.sleep(period / 2 if period else self.document.agent.status_interval_s)
            notifier.watchdog()
            if self.link is not None and self.link.stats.connected:
                with trio.move_on_after(1.0):
                    await self.link.publish(self.topics.metric, self.board.metric(), qos=0)

    async def _goodbye(self) -> None:
        if self.link is None:
            return
        with trio.move_on_after(GOODBYE_S):
            if self.link.stats.connected:
                await self.board.say(self.link, "disconnected")
            await self.link.disconnect()

    def _register_verbs(self) -> None:
        async def ping(_args: object) -> dict[str, Any]:
            return {"pong": True, "time_ns": clock_ns(), "boot": self.board.boot}

        async def status(_args: object) -> dict[str, Any]:
            return self.board.snapshot()

        self.verbs.add("ping", ping, remote=True)
        self.verbs.add("status", status, remote=True)

    def _pipelines(self) -> list[dict[str, Any]]:
        return self.assembly.facts() if self.assembly is not None else []

    def _workers(self) -> list[dict[str, Any]]:
        names = self.assembly.process_names() if self.assembly is not None else {}
        own = os.getpid()
        return [
            {"pid": p.pid, "name": "core" if p.pid == own else names.get(p.pid, p.name), "pss": p.pss}
            for p in tree(own)
        ]


async def run_until_signal(daemon: Daemon, signals: Sequence[int]) -> bool:
    """Run; the first signal stops cleanly, the second at once."""
    drained = False
    async with trio.open_nursery() as nursery:

        async def listen() -> None:
            with trio.open_signal_receiver(*signals) as received:
                async for _ in received:
                    if daemon.stopping.is_set():
                        nursery.cancel_scope.cancel()
                    LOG.info("daemon.stopping")
                    daemon.stop()

        nursery.start_soon(listen)
        drained = await daemon.run()
        nursery.cancel_scope.cancel()
    return drained
