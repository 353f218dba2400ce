"""The daemon: one trio loop that holds link, status, control and pipelines, and ends cleanly.

Order of start: state folder, link, workers, pipelines, control, READY. Order of stop: STOPPING, sources closed,
queues drained into the sinks, goodbye to the broker. A second stop signal ends at once.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import trio

from alloy_agent.config.model import Agent, Document
from alloy_agent.errors import AgentError, LinkError
from alloy_agent.mqtt.link import Link
from alloy_agent.mqtt.topics import Topics
from alloy_agent.native import jail

from . import logs
from .assemble import Assembly
from .control import ControlServer
from .ids import next_birth, ulid
from .instance import only_one
from .links import link_options, make_link
from .memory import tree
from .requests import serve_requests
from .sdnotify import Notifier
from .status import StatusBoard, clock_ns
from .supervisor import supervise
from .transform_verbs import add_promotion_verbs, add_transform_verbs, named
from .verbs import Verbs

LOG = logs.get("daemon")

DRAIN_S = 10.0
"""How long a stop waits for sinks before it leaves the rest unacknowledged."""
GOODBYE_S = 5.0


@dataclass(frozen=True, slots=True)
class Folders:
    """Where the daemon may write."""

    state: Path
    run: Path


def device_name(agent: Agent) -> str:
    """The configured device name, or the host's."""
    return agent.device or socket.gethostname().split(".")[0]


class Daemon:
    """One run of the daemon; `run` returns when it was stopped and has drained."""

    def __init__(self, document: Document, folders: Folders) -> None:
        self.document = document
        self.folders = folders
        agent = document.agent
        self.topics = Topics(agent.fleet, device_name(agent))
        self._options = link_options(agent, self.topics) if agent.mqtt is not None else None
        self.link = make_link(self._options, agent.mqtt.version) if self._options and agent.mqtt else None
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
            link=lambda: asdict(self.link.stats) if self.link is not None else {},
            modules=lambda: self.assembly.promoter.facts() if self.assembly is not None else {},
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
        with only_one(self.folders.state, self.folders.run):
            return await self._run(task_status)

    async def _run(self, task_status: trio.TaskStatus[None]) -> bool:
        self.board.birth = next_birth(self.folders.state / "birth")
        notifier = Notifier.from_environment()
        async with trio.open_nursery() as services:
            if self.link is not None:
                self.link.set_will(self.board.will())
                services.start_soon(self.link.run)
            self._register_verbs()
            await services.start(ControlServer(self.folders.run / "control.sock", self.verbs).run)
            async with Assembly.open(
                services, self.document, self.folders.state, self.topics, self.link, self._options
            ) as assembly:
                self.assembly = assembly
                await assembly.build()
                self.board.layers = assembly.layers
                self.board.problems += assembly.problems
                if self.link is not None:
                    services.start_soon(self._present, self.link)
                    services.start_soon(serve_requests, self.link, self.topics, self.verbs)
                    services.start_soon(self._report, self.link)
                services.start_soon(self._watchdog, notifier)
                self.board.state = "degraded" if self.board.problems else "ready"
                notifier.ready()
                task_status.started()
                jail.trim_heap()  # what the start needed and the run does not
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
            try:
                await self.board.say(link, self.board.state)
                await link.publish(self.topics.about, self.board.about(self.verbs.remote), qos=1, retain=True)
                if self.assembly is not None:
                    await self.assembly.announce_again()
            except LinkError as error:  # a broker that takes no packet of this size, say: not our end
                LOG.warning("status.unsaid", code=error.code, error=error.what)

    async def _watchdog(self, notifier: Notifier) -> None:
        """Feed the service manager's watchdog from the loop itself, never from a bare timer thread."""
        if notifier.watchdog_s is None:
            return
        while True:
            await trio.sleep(notifier.watchdog_s / 2)
            notifier.watchdog()

    async def _report(self, link: Link) -> None:
        """Publish figures every `status_interval`, whatever the service manager's period is."""
        while True:
            await trio.sleep(self.document.agent.status_interval_s)
            if link.stats.connected:
                with trio.move_on_after(1.0):
                    await self._measure(link)

    async def _measure(self, link: Link) -> None:
        try:
            await link.publish(self.topics.metric, self.board.metric(), qos=0)
        except LinkError as error:
            LOG.warning("metric.unsaid", code=error.code, error=error.what)

    async def _goodbye(self) -> None:
        with trio.move_on_after(GOODBYE_S):
            try:
                if self.assembly is not None:
                    await self.assembly.disconnect()
                if self.link is None:
                    return
                if self.link.stats.connected:
                    await self.board.say(self.link, "disconnected")
                await self.link.disconnect()
            except LinkError as error:
                LOG.warning("goodbye.unsaid", code=error.code, error=error.what)

    def _register_verbs(self) -> None:
        async def ping(_args: object) -> dict[str, Any]:
            return {"pong": True, "time_ns": clock_ns(), "boot": self.board.boot}

        async def status(_args: object) -> dict[str, Any]:
            return self.board.snapshot()

        self.verbs.add("ping", ping, remote=True)
        self.verbs.add("status", status, remote=True)
        add_transform_verbs(
            self.verbs,
            lambda label: named(label, self.assembly.pipelines if self.assembly is not None else ()),
        )
        add_promotion_verbs(
            self.verbs,
            lambda label: named(label, self.assembly.pipelines if self.assembly is not None else ()),
            lambda: self.assembly.hot if self.assembly is not None else None,
        )

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
    """Run; the first signal stops cleanly, the second at once.

    Returns:
        Whether everything taken from the sources was made safe.

    Raises:
        AgentError: the daemon cannot run at all: no folder to write to, or another one runs there.
    """
    drained = False
    failed: list[AgentError] = []
    try:
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
    except* AgentError as group:
        failed.append(_first(group))
    if failed:
        raise failed[0]
    return drained


def _first(group: BaseExceptionGroup[AgentError]) -> AgentError:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, AgentError)
    return error
