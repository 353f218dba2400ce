"""One broken pipeline beside a good one, a full disk, a broker that is away, a stop with a full pipe."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest
import trio
from tests.fakes.trio_run import until
from tests.system import kill

from alloy_devices.sims.pty import PtyPort

OUT = "alloy/1/test/dev/data/good/out"
GOOD = "source: {mqtt: {topic: in/#}}\ntransform: ./number.py\nsink: {mqtt: {stream: out}}\n"
LOOP = 'OUTPUT = {"v": {"type": "i64"}}\n\n\ndef transform(payload):\n    while True:\n        pass\n'


@pytest.mark.slow
def test_a_good_pipeline_runs_on_beside_broken_ones(tmp_path: Path) -> None:
    """The pipeline that loops is given more messages than one connection may hold unacknowledged (1024)."""
    consumer = kill.Consumer()
    count = 3_000

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            kill.client(port, "publisher") as writer,
            trio.open_nursery() as nursery,
        ):
            conf = kill.config(
                tmp_path / "config",
                port,
                good=GOOD,
                broken="source: [",
                syntax=GOOD.replace("number", "syntax").replace("in/#", "x"),
                gone="source: {lines: {port: /dev/ttyNotThere, framing: {delimiter: {}}}}\n"
                "transform: ./number.py\nsink: {mqtt: {stream: out}}\n",
                loop=GOOD.replace("number", "loop").replace("in/#", "loop/#"),
            )
            (conf / "transforms" / "syntax.py").write_text("def transform(:\n")
            (conf / "transforms" / "loop.py").write_text(LOOP)
            await nursery.start(consumer.run, reader, OUT)
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                ready = await running.ready()
                assert ready["state"] == "degraded"
                await kill.publish(writer, "loop/a", range(1_500), [])
                await kill.publish(writer, "in/a", range(count), [])
                await consumer.complete(count, running)
                status = await running.status()
                await running.end()
            nursery.cancel_scope.cancel()
            problems = " ".join(status["problems"])
            assert "broken.yaml" in problems
            assert "syntax.yaml" in problems
            facts = {p["name"]: p for p in status["pipelines"]}
            assert set(facts) == {"good", "gone", "loop"}
            assert "device.gone" in facts["gone"]["source"]["last_error"]
            assert facts["good"]["refused"] == 0

    trio.run(main)

    assert consumer.values == list(range(count))


@pytest.mark.slow
def test_frames_are_published_without_a_gap_when_the_stop_comes(tmp_path: Path) -> None:
    """That the last frame taken is among them is shown by the unit test of the same promise."""
    consumer = kill.Consumer()
    port_link = tmp_path / "tty"
    text = f"source: {{lines: {{port: {port_link}, framing: {{delimiter: {{}}}}}}}}\ntransform: ./number.py\n"

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            trio.open_nursery() as nursery,
        ):
            pty = PtyPort(port_link)
            pty.plug()
            conf = kill.config(tmp_path / "config", port, good=text + "sink: {mqtt: {stream: out}}\n")
            await nursery.start(consumer.run, reader, OUT)
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                await pty.wait_ready()
                sent = 0

                async def feed() -> None:
                    nonlocal sent
                    while True:
                        await pty.write(b"%d\n" % sent)
                        sent += 1

                nursery.start_soon(feed)
                await until(lambda: len(consumer.values) > 2000)
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert consumer.values == list(range(len(consumer.values)))


@pytest.mark.slow
def test_nothing_is_lost_when_the_disk_of_a_file_sink_is_full_for_a_while(tmp_path: Path) -> None:
    """RLIMIT_FSIZE in the daemon plays the full disk; raised again by the test, it plays the freed one."""
    out = tmp_path / "out.jsonl"
    count = 3_000

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "publisher") as writer,
            trio.open_nursery() as nursery,
        ):
            text = GOOD.replace("{mqtt: {stream: out}}", f"{{file: {{path: {out}}}}}")
            conf = kill.config(tmp_path / "config", port, good=text)
            accepted: list[int] = []
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))
                nursery.start_soon(kill.publish, writer, "in/a", range(count), accepted)
                await running.until(lambda s: "sink.write" in s["pipelines"][0]["reason"])
                assert out.stat().st_size <= 64 * 1024
                await until(lambda: out.read_bytes()[-1:] in (b"", b"\n"))  # half a block never stays
                assert kill.pss(running.pid) < 64 << 20
                resource.prlimit(running.pid, resource.RLIMIT_FSIZE, (-1, -1))
                await running.until(
                    lambda s: s["pipelines"][0]["rows"] == count and not s["pipelines"][0]["unacknowledged"]
                )
                assert (await running.pipeline("good"))["reason"] == ""
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    rows = [json.loads(line) for line in out.read_text().splitlines()]
    text = out.read_text()
    assert len(rows) == count, text[:300]


@pytest.mark.slow
def test_memory_stays_bounded_when_the_broker_is_away_and_sources_go_on(tmp_path: Path) -> None:
    high = 0
    consumer = kill.Consumer()

    async def main() -> None:
        nonlocal high
        async with trio.open_nursery() as nursery:
            feed = kill.Feed()
            await nursery.start(feed.run)
            text = (
                f"source: {{lines: {{tcp: '127.0.0.1:{feed.port}', framing: {{delimiter: {{}}}}}}}}\n"
                "transform: ./number.py\nsink: {mqtt: {stream: out}}\n"
            )
            async with kill.broker(tmp_path / "broker") as (first, port):
                conf = kill.config(tmp_path / "config", port, good=text)
                async with kill.daemon(conf, tmp_path / "daemon") as running:
                    await running.ready()
                    await feed.send(range(10))
                    await running.until(lambda s: s["pipelines"][0]["delivered"] > 0)
                    before = kill.pss(running.pid)
                    await first.end(9)
                    sending = trio.Event()

                    async def flood() -> None:
                        await feed.send(range(10, 1_500_010))
                        sending.set()

                    nursery.start_soon(flood)
                    for _ in range(20):
                        await trio.sleep(0.1)
                        high = max(high, kill.pss(running.pid) - before)
                    assert not sending.is_set()  # the instrument waits, nothing piles up here
                    async with (
                        kill.broker(tmp_path / "broker", "--port", str(port)),
                        kill.client(port, "consumer") as reader,
                    ):
                        await nursery.start(consumer.run, reader, OUT)
                        await running.until(lambda s: s["pipelines"][0]["delivered"] > 50)
                    nursery.cancel_scope.cancel()
            nursery.cancel_scope.cancel()

    trio.run(main)

    print(f"core grew by {high / 2**20:.1f} MiB while the broker was away")
    assert high < 32 << 20
