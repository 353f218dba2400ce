"""The show itself: start everything, watch the broker as any consumer would, stop cleanly."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio

from alloy_agent.core.control import ask
from alloy_agent.errors import AgentError
from alloy_agent.mqtt.link import Link, LinkOptions
from alloy_agent.mqtt.session import MqttSession
from alloy_agent.mqtt.topics import Topics

from . import promotion, scene
from .observer import Observer
from .show import Show

READY_S = 60.0
LATE_S = 120.0  # a slow host is given so long beyond the length of the show
RECORD_SOURCES = ("position", "air", "climate")
REDRAW_S = 0.5
STATUS_S = 1.0


@dataclass(slots=True)
class Played:
    """What a show came to: what the consumer saw, the daemon's last status, the sample files, the promotion."""

    observer: Observer = field(default_factory=Observer)
    status: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    promotion: promotion.Promotion = field(default_factory=promotion.Promotion)

    @property
    def missing(self) -> list[str]:
        """Sources and files of which nothing has arrived."""
        return [n for n in (*RECORD_SOURCES, *self.files) if n not in self.observer.delivered]


async def play(folder: Path, show: Show, seconds: float | None) -> Played:
    """Run for `seconds` (None: until interrupted), and on until everything was seen, `LATE_S` at most."""
    played = Played()
    observer, status = played.observer, played.status
    topics = Topics("demo", "bench")
    async with (
        scene.broker(folder / "broker.log") as (port, _),
        promotion.receiver() as survey,
        trio.open_nursery() as nursery,
    ):
        link = MqttSession(LinkOptions("127.0.0.1", port, "alloy-demo-consumer", session_expiry_s=0))
        nursery.start_soon(link.run)
        await link.wait_connected()
        await nursery.start(_watch, link, topics, observer, show)
        config = scene.write_config(folder, port, survey)
        nursery.start_soon(scene.play_gps, folder / "gps")
        nursery.start_soon(scene.play_air, folder / "pms")
        show.begin()
        async with scene.child("run", "--config", str(config), log=folder / "daemon.log"):
            await _until_ready(folder / "run" / "control.sock")
            nursery.start_soon(scene.play_network_server, link)
            played.files = scene.drop_samples(folder / "inbox")
            nursery.start_soon(promotion.promote, folder, played.promotion)
            nursery.start_soon(_keep_status, folder / "run" / "control.sock", status, observer, show)
            await trio.sleep(float("inf") if seconds is None else seconds)
            with trio.move_on_after(LATE_S):
                while played.missing or not played.promotion.ended:  # noqa: ASYNC110 - others write them
                    await trio.sleep(REDRAW_S)
            await _ask_status(folder / "run" / "control.sock", status)
            show.redraw(observer)
        await link.disconnect()
        nursery.cancel_scope.cancel()
    return played


async def _watch(
    link: Link,
    topics: Topics,
    observer: Observer,
    show: Show,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Subscribe like any consumer: descriptors first, then data."""
    schemas = await link.subscribe(topics.schema("+"), qos=1)
    data = await link.subscribe(f"{topics.root}/data/+/+", qos=1, queue=256)

    async def learn() -> None:
        async for message in schemas:
            observer.schema(message.payload)
            message.acknowledge()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(learn)
        task_status.started()
        async for message in data:
            pipeline = message.topic.split("/")[-2]
            show.changed(observer.data(pipeline, message.payload))
            message.acknowledge()


async def _until_ready(control: Path) -> None:
    with trio.move_on_after(READY_S):
        while True:
            try:
                if (await ask(control, "ping")).ok:
                    return
            except AgentError:
                await trio.sleep(0.05)
    raise AgentError("demo.child", "the daemon did not come up", where=str(control))


async def _ask_status(control: Path, status: dict[str, Any]) -> None:
    response = await ask(control, "status")
    if response.ok and isinstance(response.result, dict):
        status.update(response.result)


async def _keep_status(control: Path, status: dict[str, Any], observer: Observer, show: Show) -> None:
    while True:
        await _ask_status(control, status)
        for _ in range(int(STATUS_S / REDRAW_S)):
            show.redraw(observer)
            await trio.sleep(REDRAW_S)
