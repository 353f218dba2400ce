"""One jailed worker as the core sees it: frames in and out, kill, and how it ended.

Raw non-blocking reads and writes come first and the event loop is asked only when they would block: a round
trip costs one wake-up. One task at a time may send and one may receive.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Sequence
from typing import Final, Self

import trio

from alloy_agent.errors import WorkerDiedError
from alloy_agent.patience import within
from alloy_agent.workers.exits import HINTS, ExitStatus, error_code
from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.frames import READ_BYTES, Buffer, FrameSplitter, frame_parts

REAP_S: Final = 5.0  # closing waits no longer for a killed process to be reaped
LINGER_S: Final = 1.0  # between the end of a channel and the end of its process
SETUP_S: Final = 10.0  # from fork to the closed jail: trusted imports on a slow and busy board
SEAL_LOOKS_S: Final = tuple(0.0002 * 2**k for k in range(13))  # 1.6 s together
STATUS_BYTES: Final = 8192  # of /proc/<pid>/status; it is about 1.5 KB
SEALED: Final = {"Seccomp": "2", "NoNewPrivs": "1"}  # as proc(5) writes them


class WorkerProcess:
    """A jailed process of a zygote; made by `Zygote.spawn`. Close it: it owns two descriptors."""

    def __init__(self, name: str, channel: int, cpu_limit_s: int, forget: Callable[[], None]) -> None:
        self.name = name
        self.pid = 0
        self._channel = channel
        self._pidfd = -1
        self._status_fd = -1
        self._sealed = trio.Event()
        self._cpu_limit_s = cpu_limit_s
        self._forget = forget
        self._splitter = FrameSplitter()
        self._killed_as = ""
        self._status: ExitStatus | None = None
        self._ended = trio.Event()
        self._closed = False

    async def send(self, *buffers: Buffer) -> None:
        """Write one frame; returns when the kernel has all of it. Cancelled half-way, it spoils the channel.

        Raises:
            WorkerDiedError: the worker has ended.
        """
        await self._write(_views(buffers))

    async def ask(self, *buffers: Buffer, max_bytes: int, limit_s: float) -> bytes:
        """Send one frame and wait for the body of the next one that comes.

        Raises:
            trio.TooSlowError: it took longer than `limit_s`, standstills of the host left out (`patience.py`);
                the worker still runs: kill it.
            WorkerDiedError: as `send` and `receive`.
        """
        unsent = _views(buffers)

        async def exchange() -> bytes:
            await self._write(unsent)
            return await self.receive(max_bytes)

        return await within(limit_s, exchange)

    async def _write(self, unsent: list[memoryview]) -> None:
        """Write all of `unsent`; what is left in it when this is cancelled is what was not written."""
        await trio.lowlevel.checkpoint_if_cancelled()
        while unsent:
            try:
                unsent[0] = unsent[0][os.write(self._fd(), unsent[0]) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self._fd())
            except (BrokenPipeError, ConnectionResetError):
                raise await self._death() from None
            if not unsent[0]:
                del unsent[0]

    async def receive(self, max_bytes: int) -> bytes:
        """The body of the next frame. Other tasks have their turn meanwhile, also where it is there already.

        Raises:
            WorkerDiedError: the worker has ended (code by its exit), or its frame is longer than `max_bytes`
                (`violation.protocol`; it is killed).
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        waited = False
        while True:
            try:
                body = self._splitter.pop(max_bytes)
            except ViolationError as error:
                self.kill(error.code)
                raise await self._death(error) from error
            if body is not None:
                if not waited:
                    # A worker on the same core may answer before this process runs again, every time.
                    await trio.lowlevel.cancel_shielded_checkpoint()
                return body
            wanted = self._splitter.missing()
            try:
                data = os.read(self._fd(), READ_BYTES if wanted > READ_BYTES else max(wanted, 4096))
            except BlockingIOError:
                waited = True
                await trio.lowlevel.wait_readable(self._fd())
                continue
            except ConnectionResetError:
                data = b""
            if not data:
                raise await self._death()
            self._splitter.feed(data)

    async def verify(self, *, degraded: bool = False) -> None:
        """Wait until the worker has closed its jail and ask the kernel whether that is so; call before first use.

        A worker that fails is killed and closed.

        Args:
            degraded: accept a worker without system call filter; `sandbox.allow_degraded` on a host without.

        Raises:
            WorkerDiedError: it ended first (`worker.setup` and others), or it runs without its jail
                (`worker.unsealed`; it is killed).
        """
        try:
            await self._verified(degraded)
        except BaseException:
            await self.aclose()
            raise

    async def _verified(self, degraded: bool) -> None:
        try:
            await within(SETUP_S, self._sealed.wait)
        except trio.TooSlowError:
            self.kill("worker.setup")
            raise await self._death() from None
        layers: dict[str, str] = {}
        for delay_s in SEAL_LOOKS_S:  # the word comes just before the last layer, which forbids to say more
            layers = self.proc_status()
            if layers.get("NoNewPrivs") == "1" and (degraded or layers.get("Seccomp") == "2"):
                return
            with trio.move_on_after(delay_s):
                await self._ended.wait()
                raise await self._death()  # the same word comes when it died before
        self.kill("worker.unsealed")
        await self.wait()
        raise WorkerDiedError(
            "worker.unsealed",
            "the worker runs without its jail",
            where=self.name,
            got=", ".join(f"{name} {layers.get(name, '?')}" for name in SEALED),
            expected=", ".join(f"{name} {value}" for name, value in SEALED.items()),
            hint=HINTS["worker.unsealed"],
        )

    def proc_status(self) -> dict[str, str]:
        """`/proc/<pid>/status`; empty once the process is gone or where the host has no /proc."""
        try:
            data = os.pread(self._status_fd, STATUS_BYTES, 0) if self._status_fd >= 0 else b""
        except ProcessLookupError:
            return {}
        pairs = (line.partition(":") for line in data.decode("utf-8", "replace").splitlines())
        return {name: value.strip() for name, _, value in pairs}

    def resident(self) -> tuple[int, int] | None:
        """Resident size now and at its largest [bytes], shared pages included; None once it is gone."""
        status = self.proc_status()
        try:
            now, high = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
        except KeyError:  # gone, or a zombie
            return None
        return now, high

    def kill(self, code: str = "script.wall") -> None:
        """SIGKILL through the pidfd, so never another process; `code` is what the death will be called."""
        if self._status is None and not self._killed_as:
            self._killed_as = code
        if self._pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):  # ended already; the report is on its way
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def fileno(self) -> int:
        """The channel's descriptor, for measurements that leave the event loop out."""
        return self._fd()

    async def wait(self) -> ExitStatus:
        """Wait until the worker has ended and was reaped."""
        await self._ended.wait()
        assert self._status is not None
        return self._status

    @property
    def status(self) -> ExitStatus | None:
        """How it ended; None while it runs."""
        return self._status

    async def aclose(self) -> None:
        """Kill it if it runs, wait until it is reaped, close its descriptors. Harmless when repeated.

        On a host that stalls for seconds it returns before the report came; `status` is set when it comes.
        """
        if self._closed:
            await trio.lowlevel.checkpoint()
            return
        self._closed = True
        self.kill("worker.closed")
        trio.lowlevel.notify_closing(self._channel)
        os.close(self._channel)
        self._channel = -1
        with trio.CancelScope(deadline=trio.current_time() + REAP_S, shield=True):
            await self._ended.wait()
        for fd in (self._pidfd, self._status_fd):
            if fd >= 0:
                os.close(fd)
        self._pidfd = self._status_fd = -1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def _fd(self) -> int:
        if self._channel < 0:
            raise trio.ClosedResourceError("this worker was closed")
        return self._channel

    async def _death(self, cause: ViolationError | None = None) -> WorkerDiedError:
        """The error for an ended channel; who shut it without ending is killed as a liar."""
        try:
            await within(LINGER_S, self._ended.wait)
        except trio.TooSlowError:
            self.kill("violation.protocol")
        status = await self.wait()
        code = error_code(status, killed_as=self._killed_as, cpu_limit_s=self._cpu_limit_s)
        return WorkerDiedError(
            code,
            cause.what if cause else "the worker ended",
            where=self.name,
            got=cause.got if cause else status.describe(),
            expected=cause.expected if cause else "a reply",
            hint=HINTS.get(code, ""),
            context={"pid": self.pid, "signal": status.signal, "exit_code": status.code},
        )

    # --- for the zygote's listener only ---
    def started(self, pid: int, pidfd: int, status_fd: int) -> None:
        """The process exists; the worker owns both descriptors from now on."""
        self.pid = pid
        self._pidfd, self._status_fd = pidfd, status_fd
        if self._killed_as:
            self.kill()

    def sealed(self) -> None:
        """Its jail is closed, or it died before."""
        self._sealed.set()

    def finished(self, status: ExitStatus) -> None:
        """It was reaped, or its zygote died; the first report counts."""
        if self._status is None:
            self._status = status
            self._ended.set()
            self._sealed.set()

    def abandon(self) -> None:
        """Give up on a worker that nobody was handed: kill, close, forget, without waiting."""
        self.kill("worker.closed")
        self._closed = True
        self._forget()
        for fd in (self._channel, self._pidfd, self._status_fd):
            if fd >= 0:
                os.close(fd)
        self._channel = self._pidfd = self._status_fd = -1


def _views(buffers: Sequence[Buffer]) -> list[memoryview]:
    """The bytes of one frame."""
    return [view for part in frame_parts(*buffers) if (view := memoryview(part).cast("B"))]


def pss_bytes(pid: int) -> int:
    """Proportional set size of a process [bytes], from `/proc/<pid>/smaps_rollup`.

    A sealed worker is not dumpable, so only a privileged reader may see its maps; another one gets its
    anonymous pages instead (resident minus file-backed, `/proc/<pid>/statm`). Those shared with the zygote
    are then counted in full: too much rather than too little.

    Raises:
        ProcessLookupError: no such process.
    """
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            for line in rollup:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except PermissionError:
        pass  # not dumpable; the fallback below
    except FileNotFoundError as error:
        raise ProcessLookupError(f"no process {pid}") from error
    with open(f"/proc/{pid}/statm", encoding="ascii") as statm:
        fields = statm.read().split()
    return (int(fields[1]) - int(fields[2])) * os.sysconf("SC_PAGESIZE")
