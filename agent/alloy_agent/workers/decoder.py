"""Decode science files in disposable jailed workers: one file, one process; the core parses nothing.

The zygote (with h5py loaded, tens of megabytes) is started for the first file and ends when no file has come
for a while, so its memory goes back. A worker that crashes, hangs or balloons costs its file only.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from alloy_agent.errors import AgentError, WorkerDiedError
from alloy_agent.patience import within
from alloy_agent.workers.launch import BULK
from alloy_agent.workers.zygote import WorkerProcess, Zygote
from alloy_devices.errors import FormatError
from alloy_devices.formats.engine import Run
from alloy_devices.formats.model import Limits
from alloy_devices.formats.protocol import REPLY_BYTES_MAX, request
from alloy_devices.formats.reply import Replies
from alloy_devices.source import FileInput
from alloy_transforms.record import Chunk, Descriptor, Manifest

ENTRY: Final = "alloy_devices.formats.worker:serve"
PRELOAD: Final = ("numpy", "h5py")
_CODES: Final = {
    "script.crash": "format.crash",
    "script.memory": "format.memory",
    "script.cpu": "format.time",
    "script.wall": "format.time",
    "violation.protocol": "format.protocol",
}
_HINTS: Final = {
    "format.crash": "the file is damaged or hostile; open a copy on another machine before trusting it",
    "format.memory": "one object asks for more memory than a decoder has",
    "format.time": "ask the instrument for smaller files; the limits of a decoder are in docs/formats.md",
}


@dataclass(frozen=True, slots=True)
class DecoderLimits:
    """What decoding one file may cost.

    Attributes:
        wall_s: time the core waits for the worker, all frames together; the pipeline's own time is not counted.
        silence_s: time between two frames.
        memory_bytes: beyond the size after the fork.
        cpu_s: CPU time of the worker.
        workers: files decoded at the same time.
        idle_s: after so long without a file the zygote ends.
    """

    wall_s: float = 600.0
    silence_s: float = 60.0
    memory_bytes: int = 96 * 1024 * 1024
    cpu_s: int = 600
    workers: int = 1
    idle_s: float = 30.0
    file: Limits = field(default_factory=Limits)


class DecoderPool:
    """Starts decoder workers on demand; one for the whole daemon.

    Args:
        nursery: where the zygote and the idle watch run.
    """

    def __init__(self, nursery: trio.Nursery, limits: DecoderLimits | None = None) -> None:
        self.limits = limits or DecoderLimits()
        self.files = 0  # decoded to the end
        self.failed = 0  # ended with a coded error
        self._nursery = nursery
        self._zygote: Zygote | None = None
        self._starting = trio.Lock()
        self._places = trio.CapacityLimiter(self.limits.workers)
        self._busy = 0
        self._workers: dict[int, str] = {}
        self._watch = trio.CancelScope()

    @property
    def zygote_pid(self) -> int | None:
        """Process id of the running zygote; None while there is none."""
        return self._zygote.pid if self._zygote is not None and self._zygote.alive else None

    @asynccontextmanager
    async def decode(
        self, file: FileInput, *, run: str = "file"
    ) -> AsyncGenerator[AsyncIterator[Descriptor | Chunk | Manifest], None]:
        """Decode one file: `async with pool.decode(file) as items`, then a descriptor, chunks, a manifest.

        The descriptor of the file stays the caller's. What came before an error is sound as far as it goes;
        without a manifest the run is not complete.

        Args:
            run: id of the run, stamped on every block.

        Raises:
            FormatError: `format.*`; the file's own fault, it will fail again.
            AgentError: `worker.*`, retryable: no worker could be started.
        """
        said = Run(run, file.name, file.size, file.mtime_ns, file.received_ns, file.clock)
        place = object()
        await self._places.acquire_on_behalf_of(place)
        self._busy += 1
        self._watch.cancel()
        try:
            async with await self._spawn(file.fd) as worker, aclosing(self._items(worker, said)) as items:
                self._workers[worker.pid] = file.name
                try:
                    yield items
                finally:
                    self._workers.pop(worker.pid, None)
        finally:
            self._busy -= 1
            self._places.release_on_behalf_of(place)
            if not self._busy:
                self._nursery.start_soon(self._end_when_idle)

    async def _items(
        self, worker: WorkerProcess, said: Run
    ) -> AsyncGenerator[Descriptor | Chunk | Manifest, None]:
        replies = Replies(said)
        left = self.limits.wall_s
        try:
            await worker.send(request(said, self.limits.file))
            while not replies.done:
                before = trio.current_time()
                body = await self._receive(worker, left, said.source)
                left -= min(trio.current_time() - before, self.limits.silence_s)  # a standstill is not its
                yield replies.read(body)
            self.files += 1
        except FormatError:
            self.failed += 1
            raise
        except WorkerDiedError as error:
            self.failed += 1
            raise _explained(error, said.source) from error

    def process_names(self) -> dict[int, str]:
        """Pid -> what it is for."""
        names = {pid: f"decoder of {name}" for pid, name in self._workers.items()}
        return names if self.zygote_pid is None else {self.zygote_pid: "decoder zygote", **names}

    async def aclose(self) -> None:
        """End the zygote and with it every worker."""
        zygote, self._zygote = self._zygote, None
        if zygote is not None:
            await zygote.aclose()

    async def _receive(self, worker: WorkerProcess, left_s: float, name: str) -> bytes:
        limit_s = max(0.0, min(left_s, self.limits.silence_s))
        try:
            return await within(limit_s, lambda: worker.receive(REPLY_BYTES_MAX))
        except trio.TooSlowError:
            worker.kill("script.wall")
            raise FormatError(
                "format.time",
                "decoding took too long; the decoder was killed",
                where=name,
                expected=f"an answer within {limit_s:.0f} s",
                hint=_HINTS["format.time"],
            ) from None

    async def _spawn(self, fd: int) -> WorkerProcess:
        """A sealed worker that holds the file; the zygote is started where there is none."""
        async with self._starting:
            if self._zygote is None or not self._zygote.alive:
                self._zygote = await Zygote.start(
                    self._nursery, name="decoder", entry=ENTRY, preload=PRELOAD, environment=BULK
                )
            zygote = self._zygote
        worker = await zygote.spawn(
            profile="decoder", memory_bytes=self.limits.memory_bytes, cpu_s=self.limits.cpu_s, fds=(fd,)
        )
        await worker.verify()
        return worker

    async def _end_when_idle(self) -> None:
        with trio.CancelScope() as scope:
            self._watch = scope
            await trio.sleep(self.limits.idle_s)
            if not self._busy:
                await self.aclose()


def _explained(error: WorkerDiedError, name: str) -> AgentError | FormatError:
    """The death of a worker as the fault of the file it read; what the host did stays what it is."""
    code = _CODES.get(error.code)
    if code is None:
        return error
    return FormatError(
        code,
        "the decoder ended before the file did",
        where=name,
        got=error.got,
        hint=_HINTS.get(code, ""),
        context=error.context,
    )
