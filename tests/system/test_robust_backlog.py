"""What waits while nobody takes it: a serial line, an MQTT source, a slow consumer; and a broker that cuts."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
from tests.fakes.brokers import Proxy
from tests.fakes.trio_run import until
from tests.system import kill

from alloy_devices.sims.pty import PtyPort

OUT = "alloy/1/test/dev/data/good/out"
TRANSFORM = "transform: ./number.py\n"
FROM_MQTT = "source: {mqtt: {topic: in/#}}\n" + TRANSFORM
SMALL = "spool: {window: 256KiB}\n"
"""The smallest share of one pipeline, so that a backlog is complete in a second."""
GROWTH = 24 << 20


def small_window(conf: Path) -> Path:
    """The configuration with a small window."""
    agent = conf / "agent.yaml"
    agent.write_text(agent.read_text() + SMALL)
    return conf


class Line:
    """Numbers as lines into a pseudo-terminal; `sent` of them so far."""

    def __init__(self, port: PtyPort) -> None:
        self.port = port
        self.sent = 0
        self.wanted = 1 << 30

    async def run(self) -> None:
        while self.sent < self.wanted:
            await self.port.write(b"%d\n" % self.sent)
            self.sent += 1

    async def stuck(self) -> None:
        """Wait until the reader has stopped: nothing was taken at six looks; a standstill of the host is one."""
        before, looks = -1, 0
        while looks < 6:
            looks = looks + 1 if before == self.sent else 0
            before = self.sent
            await trio.sleep(0.2)


@pytest.mark.slow
def test_a_serial_line_waits_in_order_while_the_broker_is_away(tmp_path: Path) -> None:
    """Read until the window is full, then left in the kernel's buffer; all of it arrives once the broker is back."""
    consumer = kill.Consumer()
    pty = PtyPort(tmp_path / "tty")
    pty.plug()
    line = Line(pty)

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            trio.open_nursery() as nursery,
        ):
            proxy = Proxy(port)
            await nursery.start(proxy.run)
            source = f"source: {{lines: {{port: {pty.path}, framing: {{delimiter: {{}}}}}}}}\n"
            sink = "sink: {mqtt: {stream: out}}\n"
            conf = kill.config(tmp_path / "config", proxy.port, good=source + TRANSFORM + sink)
            await nursery.start(consumer.run, reader, OUT)
            async with kill.daemon(small_window(conf), tmp_path / "daemon") as running:
                await running.ready()
                await pty.wait_ready()
                nursery.start_soon(line.run)
                await until(lambda: len(consumer.values) > 100)
                before = kill.pss(running.pid)

                proxy.open = False
                await proxy.cut()
                await running.until(lambda s: not s["link"]["connected"])
                await line.stuck()

                status = await running.status()
                assert status["link"]["last_error"]
                assert status["pipelines"][0]["unacknowledged"] > 0
                assert status["pipelines"][0]["queued"] > 0  # window, then queue, then the kernel
                assert line.sent > len(consumer.values) + 1000
                assert kill.pss(running.pid) - before < GROWTH

                line.wanted = line.sent + 100
                proxy.open = True
                await until(lambda: line.sent == line.wanted)
                await consumer.complete(line.wanted, running)
                assert (await running.pipeline("good"))["source"]["dropped_bytes"] == 0
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert consumer.values == list(range(line.wanted))


@pytest.mark.slow
def test_inputs_wait_at_the_broker_until_a_consumer_subscribes_when_one_is_required(tmp_path: Path) -> None:
    consumer = kill.Consumer()
    count = 500
    accepted: list[int] = []

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            kill.client(port, "publisher") as writer,
            trio.open_nursery() as nursery,
        ):
            sink = "sink: {mqtt: {stream: out, require_consumer: true}}\n"
            conf = kill.config(tmp_path / "config", port, good=FROM_MQTT + sink)
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                await kill.publish(writer, "in/a", range(count), accepted)
                status = await running.until(lambda s: "sink.no_consumer" in s["pipelines"][0]["reason"])
                assert status["pipelines"][0]["delivered"] == 0
                running.process.kill()  # nothing was acknowledged: the broker gives it to the next daemon
                await running.process.wait()
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                await running.until(lambda s: "sink.no_consumer" in s["pipelines"][0]["reason"])

                await nursery.start(consumer.run, reader, OUT)
                await consumer.complete(count, running)

                idle = await running.until(lambda s: not s["pipelines"][0]["unacknowledged"])
                assert (idle["pipelines"][0]["reason"], idle["pipelines"][0]["refused"]) == ("", 0)
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert len(accepted) == count
    assert sorted(consumer.values) == list(range(count))


@pytest.mark.slow
def test_memory_stays_bounded_when_the_only_consumer_does_not_read(tmp_path: Path) -> None:
    """The broker's queue for the consumer fills and it says so (reason 0x97); the source waits instead of losing."""
    consumer = kill.Consumer()
    count = 10_000

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker") as (_, port),
            kill.client(port, "consumer") as reader,
            trio.open_nursery() as nursery,
        ):
            feed = kill.Feed()
            await nursery.start(feed.run)
            source = f"source: {{lines: {{tcp: '127.0.0.1:{feed.port}', framing: {{delimiter: {{}}}}}}}}\n"
            text = source + TRANSFORM + "batch: {rows: 4, wait: 0ms}\nsink: {mqtt: {stream: out}}\n"
            conf = kill.config(tmp_path / "config", port, good=text)
            subscription = await reader.subscribe(OUT, qos=1)
            async with kill.daemon(small_window(conf), tmp_path / "daemon") as running:
                await running.ready()
                before = kill.pss(running.pid)
                nursery.start_soon(feed.send, range(count))
                await running.until(lambda s: "sink.refused" in s["pipelines"][0]["reason"])
                assert kill.pss(running.pid) - before < GROWTH

                async def read() -> None:
                    async for message in subscription:
                        consumer.take(message.payload)
                        message.acknowledge()

                nursery.start_soon(read)
                await consumer.complete(count, running)
                assert (await running.pipeline("good"))["refused"] == 0
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert sorted(consumer.values) == list(range(count))


@pytest.mark.slow
def test_every_record_arrives_when_the_broker_cuts_each_connection_again_and_again(tmp_path: Path) -> None:
    """The broker's own fault: it takes the 25th publish of a connection, does not answer it, and hangs up."""
    consumer = kill.Consumer()
    count = 600
    accepted: list[int] = []

    async def main() -> None:
        async with (
            kill.broker(tmp_path / "broker", "--drop-after", "25") as (_, port),
            kill.client(port, "consumer") as reader,
            kill.client(port, "publisher") as writer,
            trio.open_nursery() as nursery,
        ):
            sink = "batch: {rows: 8, wait: 0ms}\nsink: {mqtt: {stream: out}}\n"
            conf = kill.config(tmp_path / "config", port, good=FROM_MQTT + sink)
            await nursery.start(consumer.run, reader, OUT)
            async with kill.daemon(conf, tmp_path / "daemon") as running:
                await running.ready()
                await kill.publish(writer, "in/a", range(count), accepted)
                await consumer.complete(count, running)
                status = await running.until(lambda s: not s["pipelines"][0]["unacknowledged"])
                assert status["link"]["connects"] > 2
                assert await running.end() == 0
            nursery.cancel_scope.cancel()

    trio.run(main)

    assert len(accepted) == count
    assert set(consumer.values) == set(range(count))
    assert consumer.repeats + len(consumer.values) >= count
