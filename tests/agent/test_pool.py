"""The pool starts its zygote again with growing waits, and looks after idle workers only as long as it lives."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from alloy_agent.config.model import Workers
from alloy_agent.errors import ZygoteDiedError
from alloy_agent.workers.pool import BACKOFF_MAX_S, WorkerPool
from alloy_agent.workers.zygote import Zygote


class Tenant:
    """Counts how often it was looked at."""

    label = "p/t"
    pid = 0

    def __init__(self) -> None:
        self.looks: list[float] = []

    async def rest(self, idle_s: float) -> None:
        assert idle_s == 8.0
        self.looks.append(trio.current_time())


def test_waits_grow_to_their_bound_when_the_zygote_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    async def start(*_: object, **__: object) -> Zygote:
        raise ZygoteDiedError("worker.zygote", "it did not come up", retryable=True)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery)
            for _ in range(12):
                began = trio.current_time()
                with pytest.raises(ZygoteDiedError) as caught:
                    await pool._running()
                waits.append(round(trio.current_time() - began, 6))
                assert caught.value.retryable
            assert pool.zygotes == 0

    waits: list[float] = []
    monkeypatch.setattr(Zygote, "start", start)
    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert waits == [0.0, *(min(0.1 * 2**k, BACKOFF_MAX_S) for k in range(11))]


def test_tenants_are_looked_at_until_the_pool_is_closed() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, Workers(idle_stop_s=8.0))
            tenant = Tenant()
            pool.take(tenant)
            await trio.sleep(7)
            pool.give_back(tenant)
            pool.give_back(tenant)
            await trio.sleep(7)
            await pool.aclose()
            await pool.aclose()
        assert tenant.looks == [2.0, 4.0, 6.0]

    trio.run(main, clock=MockClock(autojump_threshold=0))
