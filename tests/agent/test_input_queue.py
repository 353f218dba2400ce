"""The input queue is bounded, ordered, and batches what is there."""

from __future__ import annotations

import trio
import trio.testing

from alloy_agent.pipeline.queue import BatchLimits, InputQueue
from alloy_devices.source import Input
from alloy_transforms.record import ClockState


def make(number: int, size: int = 10) -> Input:
    return Input(number.to_bytes(size, "big"), number, ClockState.FREE)


async def take_all(queue: InputQueue, limits: BatchLimits) -> list[list[int]]:
    batches = []
    while batch := await queue.take(limits):
        batches.append([item.received_ns for item in batch])
    return batches


def test_inputs_come_out_in_order_when_the_producer_is_faster() -> None:
    async def main() -> None:
        queue = InputQueue(8, 1 << 20)
        batches: list[list[int]] = []

        async def produce() -> None:
            for start in range(0, 100, 10):
                await queue.put([make(start + i) for i in range(10)])
                assert len(queue) <= 8
            queue.close()

        async def consume() -> None:
            batches.extend(await take_all(queue, BatchLimits(rows=4, wait_s=0)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(produce)
            nursery.start_soon(consume)

        assert [n for batch in batches for n in batch] == list(range(100))
        assert max(map(len, batches)) <= 4

    trio.run(main)


def test_put_waits_when_the_bytes_are_used_up() -> None:
    async def main() -> None:
        queue = InputQueue(100, 1000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.put, [make(i, 300) for i in range(5)])
            await trio.testing.wait_all_tasks_blocked()

            assert len(queue) == 2
            assert queue.bytes <= 1000
            nursery.cancel_scope.cancel()


def test_nothing_that_was_taken_is_lost_when_put_is_cancelled() -> None:
    async def main() -> None:
        queue = InputQueue(2, 1 << 20)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.put, [make(i) for i in range(5)])
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        queue.close()

        assert await take_all(queue, BatchLimits(rows=10)) == [[0, 1, 2, 3, 4]]
        assert queue.bytes == 0

    trio.run(main)


def test_put_goes_on_in_order_when_there_is_room_again() -> None:
    async def main() -> None:
        queue = InputQueue(100, 1000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(queue.put, [make(i, 300) for i in range(5)])
            await trio.testing.wait_all_tasks_blocked()
            first = await queue.take(BatchLimits(wait_s=0))
            await trio.testing.wait_all_tasks_blocked()
            second = await queue.take(BatchLimits(wait_s=0))
            await trio.testing.wait_all_tasks_blocked()

        assert [item.received_ns for item in first + second] == [0, 1, 2, 3]

    trio.run(main)


def test_a_batch_waits_for_company_no_longer_than_the_limit() -> None:
    async def main() -> None:
        queue = InputQueue(100, 10_000)
        await queue.put([make(1)])

        batch = await queue.take(BatchLimits(rows=10, wait_s=0.5))

        assert [item.received_ns for item in batch] == [1]

    from trio.testing import MockClock

    trio.run(main, clock=MockClock(autojump_threshold=0))


def test_take_returns_nothing_when_closed_and_empty() -> None:
    async def main() -> None:
        queue = InputQueue(4, 100)
        queue.close()

        assert await queue.take(BatchLimits()) == []

    trio.run(main)


def test_one_input_larger_than_the_bound_passes_alone() -> None:
    async def main() -> None:
        queue = InputQueue(4, 100)

        await queue.put([make(1, 5000)])

        assert len((await queue.take(BatchLimits(wait_s=0)))[0].payload) == 5000

    trio.run(main)


def test_every_producer_goes_on_when_several_waited_for_room() -> None:
    async def main() -> None:
        queue = InputQueue(2, 1 << 20)
        taken: list[int] = []
        async with trio.open_nursery() as nursery:
            for first in (0, 10, 20):
                nursery.start_soon(queue.put, [make(first + i) for i in range(3)])
            await trio.testing.wait_all_tasks_blocked()
            while len(taken) < 9:
                taken += [item.received_ns for item in await queue.take(BatchLimits(rows=1, wait_s=0))]

        assert sorted(taken) == [0, 1, 2, 10, 11, 12, 20, 21, 22]

    trio.run(main)
