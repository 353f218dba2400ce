"""One transform zygote for all stages of the daemon, started on demand and again after it died."""

from __future__ import annotations

from collections.abc import Sequence

import trio

from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.stage import ENTRY
from alloy_agent.workers.zygote import Zygote


class SharedZygote:
    """A `Spawner`; whoever asks for a worker while there is no zygote waits for a new one.

    Args:
        nursery: where the zygote's listener runs.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self.starts = 0
        self._nursery = nursery
        self._zygote: Zygote | None = None
        self._starting = trio.Lock()

    @property
    def alive(self) -> bool:
        """False after it died, until somebody asks for a worker."""
        return self._zygote is not None and self._zygote.alive

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._zygote.pid if self._zygote is not None and self._zygote.alive else None

    async def spawn(self, *, profile: str, memory_bytes: int, modules: Sequence[str] = ()) -> WorkerProcess:
        """A new jailed worker.

        Raises:
            ZygoteDiedError: `worker.zygote` (retryable), it does not come up.
            SpawnError: the fork failed.
        """
        async with self._starting:
            if self._zygote is None or not self._zygote.alive:
                await self.aclose()
                self._zygote = await Zygote.start(self._nursery, name="transforms", entry=ENTRY)
                self.starts += 1
            zygote = self._zygote
        return await zygote.spawn(profile=profile, memory_bytes=memory_bytes, modules=modules)

    async def aclose(self) -> None:
        """End the zygote and with it every worker."""
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await zygote.aclose()
