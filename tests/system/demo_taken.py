"""One run of the demo's pieces, as fast as they go, and everything its consumers were sent."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trio
from tests.system import independent, running
from tests.system.independent import Consumer, Item, Message, Row

from alloy_agent.demo import scene
from alloy_devices.sims import gpsd, lns, pms5003
from alloy_devices.sims.pty import PtyPort

ROOT = "alloy/1/demo/bench"
SENTENCES = (b"GGA", b"RMC", b"VTG", b"GSA")


@dataclass(frozen=True)
class Taken:
    """Everything the demo published, in the order it came, and what a late subscriber finds."""

    messages: list[Message]
    late: list[Message]
    bd: int
    files: list[str]
    sent_air: list[tuple[int, ...]]
    uplinks: list[Item]

    def of(self, pipeline: str) -> list[Message]:
        return [m for m in self.messages if m.topic.startswith(f"{ROOT}/data/{pipeline}/")]

    @property
    def schemas(self) -> dict[str, Item]:
        return {m.topic.rsplit("/", 1)[1]: m.item for m in self.messages if "/schema/" in m.topic}

    def rows(self, pipeline: str) -> list[Row]:
        return [
            row
            for message in self.of(pipeline)
            for row in independent.rows(message.item, self.schemas[message.item["sid"]])
        ]


def capture() -> list[Item]:
    """The published PMS5003 capture: frames and the values their publisher decoded."""
    text = scene.samples().joinpath("pms5003-capture.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def rows_so_far(messages: Sequence[Message], pipeline: str) -> int:
    return sum(m.item["n"] for m in messages if m.topic.startswith(f"{ROOT}/data/{pipeline}/"))


def manifests_so_far(messages: Sequence[Message]) -> int:
    return sum(m.topic.startswith(f"{ROOT}/data/science/") and m.item["k"] == "m" for m in messages)


async def take(folder: Path) -> Taken:
    """Play the demo's pieces once, as fast as they go."""
    log = scene.samples().joinpath("rx210.log").read_bytes()
    sentences = sum(line[3:6] in SENTENCES for line in log.splitlines() if line.startswith(b"$"))
    values = [tuple(each["values"]) for each in capture()]
    lines = scene.samples().joinpath("lns-uplinks.jsonl").read_bytes().splitlines()
    publications = [each for each in lns.publications(lines) if each.topic.startswith("application/")]
    gps, air = PtyPort(folder / "gps"), PtyPort(folder / "pms")
    gps.plug()
    air.plug()
    sensor = pms5003.Pms5003(period_s=0.01, recorded=values)

    async def receiver() -> None:
        await gps.wait_ready()
        await gpsd.replay(gps, log)

    async def particles() -> None:
        await air.wait_ready()
        await pms5003.run(air, sensor)

    def watch() -> Taken:
        with (
            running.mini_broker(folder) as port,
            Consumer(port, f"{ROOT}/#") as consumer,
            running.daemon(scene.write_config(folder, port), folder) as daemon,
        ):
            files = scene.drop_samples(folder / "inbox")
            consumer.publish_all((each.topic, each.payload) for each in publications)
            consumer.wait(lambda m: rows_so_far(m, "position") >= sentences, f"{sentences} positions")
            consumer.wait(lambda m: rows_so_far(m, "air") >= len(values), f"{len(values)} frames")
            consumer.wait(lambda m: rows_so_far(m, "climate") >= len(publications), "uplinks")
            consumer.wait(lambda m: manifests_so_far(m) >= len(files), f"{len(files)} files")
            with Consumer(port, f"{ROOT}/#", name="late") as late:
                schemas = sum("/schema/" in each.topic for each in consumer.messages)
                late.wait(lambda m: sum(each.retain for each in m) >= schemas + 2, "retained messages")
                kept = [each for each in late.messages if each.retain]
            return Taken(
                list(consumer.messages),  # before what the sensor has sent since
                kept,
                daemon.status()["bd"],
                files,
                list(sensor.sent),
                [json.loads(p.payload) for p in publications],
            )

    async with trio.open_nursery() as nursery:
        nursery.start_soon(receiver)
        nursery.start_soon(particles)
        taken = await trio.to_thread.run_sync(watch)
        nursery.cancel_scope.cancel()
    return taken
