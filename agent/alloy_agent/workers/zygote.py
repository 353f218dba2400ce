"""The trio face of a zygote: start it, have it fork jailed workers, learn how they ended.

A zygote that dies takes its workers with it: every call then raises `ZygoteDiedError` (retryable) and the
owner starts a new one. Nothing here restarts by itself, so that back-off has one owner, the supervisor.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, Self

import msgpack
import trio

from alloy_agent.errors import SpawnError, ZygoteDiedError
from alloy_agent.patience import within
from alloy_agent.workers.exits import HINTS, ExitStatus
from alloy_agent.workers.launch import ENVIRONMENT, command
from alloy_agent.workers.process import WorkerProcess, pss_bytes
from alloy_transforms.sandbox.zygote import FDS_MAX, MESSAGE_BYTES_MAX, OOM_SCORE_ADJ

START_S: Final = 20.0  # from exec to ready, preload included, on a slow and busy board
STOP_S: Final = 5.0  # from SIGKILL to reaped
STDERR_BYTES_MAX: Final = 4096  # kept for the message when it dies
CPU_S_DEFAULT: Final = 600  # of one worker's life; the note's recycle time
PASSED_FDS_MAX: Final = 4  # descriptors in one message from the zygote

__all__ = ["ExitStatus", "WorkerProcess", "Zygote", "pss_bytes"]


class Zygote:
    """A running zygote; made by `start`, ended by `aclose` or with its nursery."""

    def __init__(self, name: str, control: trio.socket.SocketType, process: trio.Process) -> None:
        self.name = name
        self._control = control
        self._process = process
        self._sending = trio.Lock()
        self._ids = itertools.count(1)
        self._workers: dict[int, WorkerProcess] = {}
        self._answers: dict[int, _Answer] = {}
        self._ready = trio.Event()
        self._died = trio.Event()
        self._stopped = trio.Event()
        self._stderr = b""

    @classmethod
    async def start(
        cls,
        nursery: trio.Nursery,
        *,
        name: str,
        entry: str,
        preload: Sequence[str] = (),
        paths: Sequence[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Exec a zygote whose children run `entry` ("module:function"); returns when it is ready.

        Args:
            nursery: where its listener runs; when that is cancelled the zygote ends.
            name: for messages.
            entry: called in each sealed child as `function(channel_fd, fds)`.
            preload: modules imported once, before any fork.
            paths: sys.path entries; None: found from the packages named here.
            environment: variables beside `launch.ENVIRONMENT`, for instance `launch.BULK`.

        Raises:
            ZygoteDiedError: `worker.zygote`, it did not come up; the end of its stderr is in the message.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                process = await trio.lowlevel.open_process(
                    command(theirs.fileno(), entry, preload, paths),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    pass_fds=(theirs.fileno(),),
                    env={**ENVIRONMENT, **(environment or {})},
                    cwd="/",
                    start_new_session=True,  # the terminal's Ctrl-C is the core's business
                )
            except BaseException as error:
                ours.close()
                if isinstance(error, OSError):
                    what = "the zygote could not be started"
                    raise ZygoteDiedError(
                        "worker.zygote", what, where=name, got=str(error), retryable=True
                    ) from error
                raise
        self = cls(name, trio.socket.from_stdlib_socket(ours), process)
        nursery.start_soon(self._run)
        try:
            await within(START_S, self._ready.wait)
        except trio.TooSlowError:
            self._end()
        except BaseException:
            self._end()  # cancelled: nobody will hold a handle
            raise
        if self._died.is_set():
            await self.aclose()
            raise self._gone()
        return self

    @property
    def pid(self) -> int:
        """Process id of the zygote itself."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """False once it has died or was closed."""
        return not self._died.is_set()

    async def wait_died(self) -> None:
        """Wait until it is of no more use."""
        await self._died.wait()

    async def spawn(
        self,
        *,
        profile: str,
        memory_bytes: int,
        modules: Sequence[str] = (),
        fds: Sequence[int] = (),
        cpu_s: int = CPU_S_DEFAULT,
        nice: int = 0,
        oom_score_adj: int = OOM_SCORE_ADJ,
        path: str = "",
        layers: Sequence[str] = (),
        allow_degraded: bool = False,
        module_fd: int = -1,
    ) -> WorkerProcess:
        """Fork a jailed worker; returns as soon as it exists (it may still be importing and sealing).

        Args:
            profile: `transform`, `decoder` or `reference`.
            memory_bytes: budget beyond the size after the fork.
            modules: trusted modules to import by name before the seal.
            fds: descriptors to pass; the caller keeps and closes its own.
            cpu_s: CPU seconds of its whole life, a second net behind the wall clock.
            nice: added to the priority.
            oom_score_adj: 0..1000; the kernel takes the highest first.
            path: `reference` only: the one file it may open.
            layers: jail layers to apply, empty for all; for tests of single layers.
            allow_degraded: run even where the host has no seccomp.
            module_fd: a sealed memfd with a native module, mapped before the jail closes; -1: none.

        Raises:
            ZygoteDiedError: `worker.zygote`.
            SpawnError: `worker.spawn`, the zygote refused.
        """
        fds = [module_fd, *fds] if module_fd >= 0 else list(fds)
        if len(fds) >= FDS_MAX:
            raise ValueError(f"at most {FDS_MAX - 1} descriptors can be passed, not {len(fds)}")
        number = next(self._ids)
        request = {
            "op": "spawn",
            "id": number,
            "profile": profile,
            "memory_bytes": memory_bytes,
            "cpu_s": cpu_s,
            "modules": list(modules),
            "nice": nice,
            "oom_score_adj": oom_score_adj,
            "path": path,
            "layers": list(layers),
            "allow_degraded": allow_degraded,
            "module": module_fd >= 0,
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        worker = WorkerProcess(f"{self.name}/{number}", ours.detach(), cpu_s, partial(self._forget, number))
        answer = self._answers[number] = _Answer()
        self._workers[number] = worker
        try:
            with theirs:
                await self._send(msgpack.packb(request), [theirs.fileno(), *fds])
            await answer.event.wait()
        except BaseException:
            worker.abandon()
            raise
        finally:
            self._answers.pop(number, None)
        if worker.pid:
            return worker
        worker.abandon()
        if not self.alive:
            raise self._gone()
        raise SpawnError("worker.spawn", "the zygote refused a worker", where=self.name, got=answer.why)

    async def aclose(self) -> None:
        """End the zygote and so all of its workers; returns when it is reaped. Harmless when repeated."""
        self._end()
        with trio.CancelScope(deadline=trio.current_time() + STOP_S, shield=True):
            await self._stopped.wait()

    # --- inside ---
    def _forget(self, number: int) -> None:
        self._workers.pop(number, None)

    async def _send(self, data: bytes, fds: list[int]) -> None:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, b"".join(fd.to_bytes(4, _ORDER) for fd in fds))]
        if self._died.is_set():
            raise self._gone()
        try:
            async with self._sending:
                await self._control.sendmsg([data], rights)
        except (OSError, trio.ClosedResourceError) as error:
            raise self._gone() from error

    async def _run(self) -> None:
        """Until the control channel ends: hand on what the zygote says. Then reap it."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_stderr)
                await self._listen()
                nursery.cancel_scope.deadline = trio.current_time() + 0.5  # for its last words
        finally:
            self._end()
            with trio.CancelScope(shield=True), contextlib.suppress(trio.TooSlowError):
                await within(STOP_S, self._process.wait)
            if self._process.stderr is not None:
                with trio.CancelScope(shield=True):
                    await self._process.stderr.aclose()
            self._stopped.set()

    async def _listen(self) -> None:
        space = socket.CMSG_SPACE(PASSED_FDS_MAX * 4)
        while True:
            try:
                data, ancillary, _, _ = await self._control.recvmsg(MESSAGE_BYTES_MAX, space)
            except (OSError, trio.ClosedResourceError):
                return
            if not data:
                return
            fds = [
                int.from_bytes(rights[i : i + 4], _ORDER)
                for level, kind, rights in ancillary
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS
                for i in range(0, len(rights) - 3, 4)
            ]
            self._message(msgpack.unpackb(data), fds)

    def _message(self, message: dict[str, Any], fds: list[int]) -> None:
        operation, number = message["op"], message.get("id", 0)
        worker = self._workers.get(number)
        if operation == "ready":
            self._ready.set()
        elif operation == "spawned":
            pidfd = fds.pop(0)
            if worker is None:  # given up while the request was under way
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                os.close(pidfd)
            else:
                worker.started(message["pid"], pidfd, fds.pop(0) if fds else -1)
        elif operation == "sealed" and worker is not None:
            worker.sealed()
        elif operation == "exit" and worker is not None:
            self._forget(number)  # now, not when it is closed: a report may come later than that
            worker.finished(
                ExitStatus(
                    signal=os.WTERMSIG(message["status"]) if os.WIFSIGNALED(message["status"]) else 0,
                    code=os.WEXITSTATUS(message["status"]) if os.WIFEXITED(message["status"]) else -1,
                    cpu_s=message["cpu_s"],
                    max_rss_bytes=message["max_rss_bytes"],
                    why=message["why"],
                )
            )
        if operation in {"spawned", "refused"} and (answer := self._answers.get(number)) is not None:
            answer.why = message.get("why", "")
            answer.event.set()
        for fd in fds:
            os.close(fd)

    async def _keep_stderr(self) -> None:
        assert self._process.stderr is not None
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for chunk in self._process.stderr:
                self._stderr = (self._stderr + bytes(chunk))[-STDERR_BYTES_MAX:]

    def _end(self) -> None:
        """Mark everything as dead; kill what may still live."""
        if self._died.is_set():
            return
        self._died.set()
        self._ready.set()
        self._control.close()
        self._process.kill()
        for worker in tuple(self._workers.values()):
            worker.kill("worker.zygote")
            worker.finished(ExitStatus(signal.SIGKILL, -1, why="its zygote ended"))
        for answer in self._answers.values():
            answer.event.set()

    def _gone(self) -> ZygoteDiedError:
        lines = self._stderr.decode("utf-8", "replace").strip().splitlines()
        return ZygoteDiedError(
            "worker.zygote",
            "the zygote is not running",
            where=self.name,
            got=lines[-1][:200] if lines else "no word from it",
            hint=HINTS["worker.zygote"],
            retryable=True,
        )


class _Answer:
    """What a spawn waits for."""

    __slots__ = ("event", "why")

    def __init__(self) -> None:
        self.event = trio.Event()
        self.why = ""


_ORDER: Final = sys.byteorder  # of descriptors in SCM_RIGHTS
