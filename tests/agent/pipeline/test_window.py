"""The window: order, bound, retry, refusal; an entry is sent and settled once, whatever is cancelled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from tests.agent.pipeline.making import BUSY, DISK_FULL, FORBIDDEN, NOBODY, MemorySink
from trio.testing import MockClock, wait_all_tasks_blocked

from alloy_agent.errors import AgentError, LinkError
from alloy_agent.pipeline.window import ENTRY_BYTES, Retry, Window

Body = Callable[[Window, trio.Nursery], Awaitable[None]]


class Told:
    """What a pipeline was told of its blocks, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    async def add(self, window: Window, name: str, *, size: int = 1) -> None:
        async def safe() -> None:
            self.events.append(name)

        async def failed(error: AgentError) -> None:
            self.events.append(f"{name}: {error.code}")

        await window.add([(name.encode() * size,)] * len(window.sinks), safe, failed)


def run(body: Body, *sinks: MemorySink, max_bytes: int = 1 << 20, retry: Retry | None = None) -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            await body(Window(sinks, max_bytes, retry or Retry()), nursery)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_blocks_are_safe_in_order_when_the_sink_answers_out_of_order() -> None:
    told = Told()
    sink = MemorySink("wait", "wait", "wait")

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        for name in "abc":
            await told.add(window, name)
        await wait_all_tasks_blocked()
        sink.slips[2].settle()
        sink.slips[1].settle()
        await wait_all_tasks_blocked()
        assert told.events == []
        sink.slips[0].settle()
        await window.drained()

        assert told.events == ["a", "b", "c"]
        assert sink.blocks == [b"a", b"b", b"c"]
        assert (window.used, window.delivered, len(window)) == (0, 3, 0)

    run(body, sink)


def test_add_waits_when_the_bytes_are_used_up() -> None:
    told = Told()
    sink = MemorySink(*["wait"] * 9)

    async def body(window: Window, nursery: trio.Nursery) -> None:
        async def produce() -> None:
            for name in "abcd":
                await told.add(window, name, size=100)

        nursery.start_soon(window.run)
        nursery.start_soon(produce)
        await wait_all_tasks_blocked()
        assert len(window) == 2
        assert window.used <= window.max_bytes
        sink.slips[0].settle()
        await wait_all_tasks_blocked()

        assert len(window) == 2
        assert told.events == ["a"]
        assert sink.blocks[-1] == b"c" * 100

    run(body, sink, max_bytes=2 * (ENTRY_BYTES + 100))


def test_one_block_larger_than_the_window_passes_alone() -> None:
    told = Told()

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a", size=10_000)
        await told.add(window, "b", size=10_000)
        await window.drained()
        assert told.events == ["a", "b"]

    run(body, MemorySink(), max_bytes=100)


def test_a_refused_block_is_sent_again_with_growing_waits() -> None:
    told = Told()
    sink = MemorySink(BUSY, BUSY, BUSY, None)

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await window.drained()

        assert told.events == ["a"]
        gaps = [round(b - a, 3) for a, b in zip(sink.times, sink.times[1:], strict=False)]
        assert gaps == [0.2, 0.4, 0.8]
        assert window.retried == 3
        assert window.trouble == ""

    run(body, sink)


@pytest.mark.parametrize(
    ("retry", "asked"),
    [
        (Retry(attempts=2), 3),
        (Retry(attempts=0), 1),
        (Retry(attempts=100, first_s=1, max_s=4, timeout_s=10), 4),  # at 0, 1, 3, 7; the next would be at 11
    ],
)
def test_a_block_is_given_up_when_its_attempts_or_its_time_are_spent(retry: Retry, asked: int) -> None:
    told = Told()
    sink = MemorySink(*[BUSY] * asked)

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await window.drained()
        await told.add(window, "b")
        await window.drained()

        assert told.events == ["a: sink.refused", "b"]
        assert sink.blocks.count(b"a") == asked
        assert window.refused == 1

    run(body, sink, retry=retry)


def test_a_block_is_given_up_at_once_when_asking_again_cannot_help() -> None:
    told = Told()
    sink = MemorySink(FORBIDDEN)

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await window.drained()
        assert told.events == ["a: sink.refused"]
        assert trio.current_time() == sink.times[0]

    run(body, sink)


def test_a_block_without_consumer_is_kept_beyond_every_limit() -> None:
    told = Told()
    sink = MemorySink(*[NOBODY] * 50)

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await trio.sleep(100)
        assert told.events == []
        assert "sink.no_consumer" in window.trouble
        await window.drained()

        assert told.events == ["a"]
        assert sink.asked == 51

    run(body, sink, retry=Retry(attempts=1, timeout_s=1))


def test_what_waits_goes_out_without_pauses_when_the_consumer_is_back() -> None:
    told = Told()
    sink = MemorySink(*[NOBODY] * 20)

    async def body(window: Window, nursery: trio.Nursery) -> None:
        for number in range(20):
            await told.add(window, f"{number} ")
        nursery.start_soon(window.run)
        await window.drained()

        assert told.events == [f"{n} " for n in range(20)]
        assert sink.times[-1] - sink.times[20] == 0  # only the first had to find out

    run(body, sink)


def test_a_full_disk_is_waited_out_and_nothing_overtakes() -> None:
    told = Told()
    sink = MemorySink()
    sink.full = DISK_FULL

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await told.add(window, "b")
        await trio.sleep(600)
        assert told.events == []
        assert "the disk is full" in window.trouble
        sink.full = None
        await window.drained()

        assert sink.blocks == [b"a", b"b"]
        assert told.events == ["a", "b"]
        assert window.trouble == ""

    run(body, sink)


def test_a_block_that_the_link_will_not_take_is_refused_and_the_next_passes() -> None:
    told = Told()
    sink = MemorySink()
    sink.full = LinkError("mqtt.packet_too_large", "too large")

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await window.drained()
        sink.full = None
        await told.add(window, "b")
        await window.drained()
        assert told.events == ["a: mqtt.packet_too_large", "b"]

    run(body, sink)


def test_a_block_is_safe_only_when_every_sink_has_it() -> None:
    told = Told()
    one, two = MemorySink(), MemorySink("wait")

    async def body(window: Window, nursery: trio.Nursery) -> None:
        nursery.start_soon(window.run)
        await told.add(window, "a")
        await wait_all_tasks_blocked()
        assert told.events == []
        two.slips[0].settle()
        await window.drained()
        assert told.events == ["a"]
        assert len(one.blocks) == len(two.blocks) == 1

    run(body, one, two)


def test_the_end_of_the_link_ends_the_window_and_gives_nothing_up() -> None:
    told = Told()
    sink = MemorySink()
    sink.full = LinkError("mqtt.closed", "the link has ended")

    async def body(window: Window, nursery: trio.Nursery) -> None:
        await told.add(window, "a")
        with pytest.raises(BaseExceptionGroup):
            await window.run()
        assert told.events == []
        assert len(window) == 1

    run(body, sink)


@pytest.mark.parametrize("steps", range(12))
def test_nothing_is_sent_or_settled_twice_when_the_window_is_cancelled_anywhere(steps: int) -> None:
    """`run` is cancelled after every number of scheduler steps and started again."""
    told = Told()
    one, two = MemorySink(), MemorySink()

    async def body(window: Window, nursery: trio.Nursery) -> None:
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as inner:
                inner.start_soon(window.run)
                for name in "abc":
                    await told.add(window, name)
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                scope.cancel()
        nursery.start_soon(window.run)
        await window.drained()

        assert told.events == ["a", "b", "c"]
        assert one.blocks == two.blocks == [b"a", b"b", b"c"]
        assert window.used == 0

    run(body, one, two)


def test_add_leaves_no_trace_when_it_is_cancelled_while_it_waits() -> None:
    told = Told()

    async def body(window: Window, nursery: trio.Nursery) -> None:
        await told.add(window, "a", size=50)
        before = window.used
        with trio.move_on_after(1) as scope:
            await told.add(window, "b", size=50)
        assert scope.cancelled_caught
        assert (window.used, len(window)) == (before, 1)

    run(body, MemorySink(), max_bytes=ENTRY_BYTES + 60)
