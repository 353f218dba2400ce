"""What the transform stages of a daemon share: the zygote, started on demand and again when it dies, and the
places of `workers.max`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import trio

from alloy_agent.config.model import Sandbox, Workers
from alloy_agent.errors import WorkerDiedError, WorkerError, ZygoteDiedError
from alloy_agent.native import jail
from alloy_agent.workers.capabilities import Limits
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.stage import ENTRY
from alloy_agent.workers.zygote import Zygote

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 30.0
STEADY_S = 60.0  # a zygote that lived this long starts the back-off anew
LOOKS = 4  # at idle workers, in the time after which they end
LOOK_MAX_S = 15.0


class Tenant(Protocol):
    """Who holds a place."""

    @property
    def label(self) -> str:
        """For messages and process lists."""
        ...

    @property
    def pid(self) -> int:
        """Of its worker; 0 while it has none."""
        ...

    async def rest(self, idle_s: float) -> None:
        """End the worker if nothing was asked of it for `idle_s`."""
        ...


class WorkerPool:
    """Forks jailed workers for at most `workers.max` stages.

    A stage checks its file in a worker that ends before its own begins, so one place is enough for both. Only
    while a version is replaced does a stage have two workers; `replacing` lets one stage at a time do so.

    Args:
        nursery: where the zygote's listener runs.
        workers: `workers:` of agent.yaml.
        sandbox: `sandbox:` of agent.yaml.
    """

    def __init__(
        self, nursery: trio.Nursery, workers: Workers | None = None, sandbox: Sandbox | None = None
    ) -> None:
        workers, sandbox = workers or Workers(), sandbox or Sandbox()
        self.maximum = workers.max
        self.modules = sandbox.modules
        self.sandbox = sandbox
        self.limits = Limits.of(workers, sandbox)
        self.replacing = trio.Lock()
        self.backoff_max_s = BACKOFF_MAX_S
        self.zygotes = 0  # started so far
        # Asked of the kernel only on a host without seccomp; elsewhere a worker without it is never accepted.
        self._degraded = sandbox.allow_degraded and not jail.probe()["seccomp"]
        self._idle_s = workers.idle_stop_s
        self._watch: trio.CancelScope | None = None
        self._nursery = nursery
        self._zygote: Zygote | None = None
        self._starting = trio.Lock()
        self._started_at = 0.0
        self._failures = 0
        self._tenants: list[Tenant] = []

    @property
    def taken(self) -> int:
        """Places in use."""
        return len(self._tenants)

    def take(self, tenant: Tenant) -> None:
        """Take a place.

        Raises:
            WorkerError: `worker.limit`, all are taken.
        """
        if len(self._tenants) >= self.maximum:
            raise WorkerError(
                "worker.limit",
                "there is no place for another worker",
                where=tenant.label,
                got=f"{len(self._tenants)} in use",
                expected=f"at most {self.maximum}",
                hint="raise `workers.max` in agent.yaml; each worker takes about 2 MB",
            )
        self._tenants.append(tenant)
        if self._watch is None:
            self._watch = trio.CancelScope()
            self._nursery.start_soon(self._end_idle, self._watch)

    def give_back(self, tenant: Tenant) -> None:
        """Return a place; harmless when repeated."""
        if tenant in self._tenants:
            self._tenants.remove(tenant)

    async def spawn(
        self, *, memory_bytes: int, modules: Sequence[str] = (), module: NativeModule | None = None
    ) -> WorkerProcess:
        """A new worker whose jail is closed: the kernel was asked.

        Args:
            memory_bytes: budget beyond the size after the fork, the native module included.
            modules: trusted Python modules to import before the seal.
            module: native module to open before the seal.

        Raises:
            ZygoteDiedError: `worker.zygote`, the zygote does not come up (retryable).
            SpawnError: it refused.
            WorkerDiedError: the worker ended before it was sealed (`worker.setup`; `load.*`: it refused the
                native module), or is not (`worker.unsealed`).
        """
        for attempt in range(2):  # a zygote may die between two calls; a second one that does is a fault
            zygote = await self._running()
            try:
                worker = await zygote.spawn(
                    profile="transform",
                    memory_bytes=memory_bytes,
                    modules=modules,
                    allow_degraded=self.sandbox.allow_degraded,
                    module_fd=-1 if module is None else module.fileno(),
                )
                await worker.verify(degraded=self._degraded)
                return worker
            except ZygoteDiedError:
                if attempt:
                    raise
            except WorkerDiedError as error:
                if error.code != "worker.zygote":
                    raise
                if attempt:
                    raise ZygoteDiedError(
                        error.code, error.what, where=error.where, got=error.got, retryable=True
                    ) from error
        raise RuntimeError("unreachable: the loop returns or raises")

    async def _end_idle(self, scope: trio.CancelScope) -> None:
        """Until `aclose`: let workers that have nothing to do end."""
        with scope:
            while True:
                await trio.sleep(min(self._idle_s / LOOKS, LOOK_MAX_S))
                for tenant in tuple(self._tenants):
                    await tenant.rest(self._idle_s)

    async def _running(self) -> Zygote:
        async with self._starting:
            if self._zygote is not None and self._zygote.alive:
                return self._zygote
            if self._zygote is not None:
                steady = trio.current_time() - self._started_at > STEADY_S
                self._failures = 0 if steady else self._failures + 1
                await self._zygote.aclose()
                self._zygote = None
            if self._failures:
                await trio.sleep(min(BACKOFF_FIRST_S * 2 ** (self._failures - 1), self.backoff_max_s))
            try:
                self._zygote = await Zygote.start(self._nursery, name="transform", entry=ENTRY)
            except ZygoteDiedError:
                self._failures += 1
                raise
            self._started_at = trio.current_time()
            self.zygotes += 1
            return self._zygote

    def process_names(self) -> dict[int, str]:
        """Pid -> what it is for."""
        names = {t.pid: f"transform {t.label}" for t in self._tenants if t.pid}
        if self._zygote is not None and self._zygote.alive:
            names[self._zygote.pid] = "transform zygote"
        return names

    async def aclose(self) -> None:
        """End the zygote and every worker with it. Harmless when repeated."""
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await zygote.aclose()
