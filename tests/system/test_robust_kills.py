"""Workers, the zygote and connections are killed at random under load: nothing lost, nothing twice, in order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import trio
from tests.fakes.brokers import Proxy
from tests.fakes.trio_run import until
from tests.system import kill

PIPELINE = (
    "source: {mqtt: {topic: in/#}}\ntransform: ./number.py\nsink: {mqtt: {stream: out}}\nbatch: {rows: 25}\n"
)
OUT = "alloy/1/test/dev/data/load/out"
KILLS = 5
"""Two of the worker, three of the zygote: the transform is disabled when three batches cost it a worker."""


@pytest.mark.slow
def test_every_input_is_counted_once_when_workers_and_zygote_are_killed(tmp_path: Path) -> None:
    consumer = kill.Consumer()
    accepted: list[int] = []
    kills = 0

    async def main() -> None:
        nonlocal kills
        dice = random.Random(7)
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            kill.client(port, "publisher") as writer,
            trio.open_nursery() as nursery,
        ):
            published = trio.Event()

            async def load() -> None:
                while kills < KILLS:
                    start = len(accepted)
                    await kill.publish(writer, "in/a", range(start, start + 500), accepted)
                published.set()

            conf = kill.config(tmp_path / "config", port, load=PIPELINE)
            await nursery.start(consumer.run, reader, OUT)
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                nursery.start_soon(load)
                while kills < KILLS:
                    wanted = "transform zygote" if kills in (1, 3, 4) else "transform load/number"
                    workers = [w for w in (await running.status())["workers"] if w["name"] == wanted]
                    if workers:
                        kill.kill(workers[0]["pid"])
                        kills += 1
                    await trio.sleep(dice.uniform(0.0, 0.15))
                await published.wait()
                await consumer.complete(len(accepted), running)
                facts = await running.pipeline("load")
                assert (facts["refused"], facts["restarts"]) == (0, 0)
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    count = len(accepted)
    assert consumer.counts == list(range(1, count + 1))  # STATE went on: each input once, in order
    assert sorted(consumer.values) == list(range(count))
    print(f"{KILLS} kills, {count} inputs")


@pytest.mark.slow
def test_no_qos1_record_is_lost_when_connections_are_cut_again_and_again(tmp_path: Path) -> None:
    """The broker cuts each connection of the daemon at its 40th publish, and a proxy cuts the others at random."""
    consumer = kill.Consumer()
    accepted: list[int] = []
    count = 4_000

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            kill.client(port, "publisher") as writer,
            trio.open_nursery() as nursery,
        ):
            proxy = Proxy(port)
            await nursery.start(proxy.run)
            conf = kill.config(tmp_path / "config", proxy.port, load=PIPELINE)
            await nursery.start(consumer.run, reader, OUT)
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                nursery.start_soon(kill.publish, writer, "in/a", range(count), accepted)
                for part in range(1, 6):
                    await until(lambda part=part: len(set(consumer.values)) > part * count // 8)
                    await proxy.cut()
                await consumer.complete(count, running)
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert len(accepted) == count
    assert set(consumer.values) == set(range(count))
    print(f"5 cuts: {len(consumer.values) - count} twice, {consumer.repeats} repeats dropped by (run, seq)")


@pytest.mark.slow
def test_no_record_is_lost_when_the_broker_is_killed_and_comes_back(tmp_path: Path) -> None:
    """A file sink beside shows what was taken; `require_consumer` keeps blocks until somebody listens again."""
    consumer = kill.Consumer()
    lines = "source: {lines: {tcp: '127.0.0.1:PORT', framing: {delimiter: {}}}}\ntransform: ./number.py\n"
    sink = "sink: {mqtt: {stream: out, require_consumer: true}}\n"

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            feed = kill.Feed()
            await nursery.start(feed.run)
            text = lines.replace("PORT", str(feed.port)) + sink
            async with (
                kill.broker(tmp_path / "broker") as (first, port),
                kill.daemon(
                    kill.config(tmp_path / "config", port, load=text), tmp_path / "daemon"
                ) as running,
            ):
                async with kill.client(port, "consumer") as reader:
                    await nursery.start(consumer.run, reader, OUT)
                    await feed.send(range(500))
                    await consumer.complete(500, running)
                assert await first.end(9) == -9
                await feed.send(range(500, 1000))
                await running.until(lambda s: s["pipelines"][0]["inputs"] == 1000)
                async with kill.broker(tmp_path / "broker", "--port", str(port)):
                    await running.until(lambda s: "sink.no_consumer" in s["pipelines"][0]["reason"])
                    async with kill.client(port, "consumer") as reader:
                        await nursery.start(consumer.run, reader, OUT)
                        await consumer.complete(1000, running)
                        await running.until(lambda s: s["pipelines"][0]["unacknowledged"] == 0)
                        assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert sorted(consumer.values) == list(range(1000))
