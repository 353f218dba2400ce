"""The zygote: a small process, exec'ed fresh, that forks jailed children. It runs no untrusted code itself.

The core starts it with a clean environment, `python -P -s -S -B -c BOOT fd entry preload path...`; one
process for each entry. It imports the entry and the preload list once, freezes them for the garbage
collector, and then only waits: for requests on its control channel and for the end of its children.

Control channel: AF_UNIX SOCK_SEQPACKET, one MessagePack map a message, at most MESSAGE_BYTES_MAX.
    core -> zygote  {op: "spawn", id, profile, memory_bytes, cpu_s, modules, nice, oom_score_adj, path,
                    layers, allow_degraded, module}, with the channel's descriptor first and the extra ones after
                    it; `module`: the second one is a native module, opened before the jail closes
    zygote -> core  {op: "ready", pid}
                    {op: "spawned", id, pid}, with a pidfd and a descriptor of the child's /proc/<pid>/status,
                    opened before the child can seal itself: a sealed process may be invisible to the core
                    {op: "sealed", id}                                          (it also comes when a child died)
                    {op: "refused", id, why}
                    {op: "exit", id, pid, status, cpu_s, max_rss_bytes, why}     (status as of waitpid)
When the channel ends the zygote ends, and the kernel kills its children with it.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import msgpack

from alloy_transforms.native import CodedError, jail, module

Entry = Callable[[int, tuple[int, ...]], None]

BOOT: Final = "import sys; sys.path[:0] = sys.argv[4:]; import alloy_transforms.sandbox.zygote as z; z.main()"
MESSAGE_BYTES_MAX: Final = 64 << 10
FDS_MAX: Final = 16  # descriptors of one request
CHILDREN_MAX: Final = 64
WHY_BYTES_MAX: Final = 2048  # of a child's set-up error
EXIT_SETUP: Final = 65  # a module or a layer failed; nothing untrusted has run
EXIT_MEMORY: Final = 66  # MemoryError reached the top
EXIT_FAILED: Final = 67  # any other exception reached the top
OOM_SCORE_ADJ: Final = 1000  # the kernel takes a worker before anything else


@dataclass(slots=True)
class _Child:
    id: int
    pid: int
    pidfd: int
    report: int  # read end of the set-up report; ends without a byte once the child is sealed


def resolve(entry: str) -> Entry:
    """The function named `module:function`.

    Raises:
        ValueError: the name has another form or names no function.
        ImportError: the module cannot be imported.
    """
    module, _, name = entry.partition(":")
    if not module or not name:
        raise ValueError(f"an entry is `module:function`, not {entry!r}")
    function = getattr(importlib.import_module(module), name, None)
    if not callable(function):
        raise ValueError(f"{module} has no function {name!r}")
    return function  # type: ignore[no-any-return]


def main() -> None:
    """Read argv, preload, serve until the core goes."""
    control = int(sys.argv[1])
    # Ctrl-C and a stop of the unit reach the whole group; the core decides when workers end.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.set_inheritable(control, False)
    entry = resolve(sys.argv[2])
    for name in filter(None, sys.argv[3].split(",")):
        importlib.import_module(name)
    gc.collect()
    jail.trim_heap()  # what the imports left free would be copied into every child that allocates
    gc.freeze()  # a collection in a child must not touch, and so copy, the pages it shares with us
    Zygote(control, entry).serve()


class Zygote:
    """Requests in, children out; single-threaded."""

    def __init__(self, control: int, entry: Entry) -> None:
        self._control = control
        self._entry = entry
        self._children: dict[int, _Child] = {}  # by pidfd
        self._sealing: dict[int, _Child] = {}  # by report
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)

    def serve(self) -> None:
        """Wait and answer until the control channel ends."""
        self._send({"op": "ready", "pid": os.getpid()})
        while True:
            # Requests last: a descriptor they open must not be taken for one of the same number that ended.
            for fd, _ in sorted(self._poll.poll(), key=lambda event: event[0] == self._control):
                if fd == self._control:
                    data, fds = jail.receive_message(fd, MESSAGE_BYTES_MAX, FDS_MAX)
                    if not data:
                        return
                    try:
                        self._request(msgpack.unpackb(data), fds)
                    finally:
                        for passed in fds:
                            os.close(passed)
                elif (child := self._sealing.pop(fd, None)) is not None:
                    # What the report says is read when the child is reaped; without a word the jail is closed.
                    self._poll.unregister(fd)
                    self._send({"op": "sealed", "id": child.id})
                elif (child := self._children.get(fd)) is not None:
                    self._reap(child)

    def _send(self, message: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        jail.send_message(self._control, msgpack.packb(message), fds)

    def _request(self, request: dict[str, Any], fds: list[int]) -> None:
        if request.get("op") != "spawn" or not fds:
            self._send({"op": "refused", "id": request.get("id"), "why": "not a spawn request"})
            return
        if len(self._children) >= CHILDREN_MAX:
            why = f"{CHILDREN_MAX} children are alive"
            self._send({"op": "refused", "id": request["id"], "why": why})
            return
        parent = os.getpid()
        report, report_end = os.pipe()
        hold, release = os.pipe()
        try:
            pid = os.fork()
            if pid == 0:
                os.close(release)
                _child(parent, request, fds, report_end, hold, self._entry)
        except OSError as error:
            os.close(report)
            os.close(release)
            self._send({"op": "refused", "id": request["id"], "why": f"fork: {error.strerror}"})
            return
        finally:
            os.close(report_end)
            os.close(hold)
        try:
            status = os.open(f"/proc/{pid}/status", os.O_RDONLY)
        finally:  # without /proc nothing can be sealed or watched: the zygote ends, and its child with it
            os.close(release)  # lets the child go on
        # We alone reap, so the number cannot have been given to another process yet.
        child = _Child(request["id"], pid, os.pidfd_open(pid), report)
        self._children[child.pidfd] = child
        self._sealing[report] = child
        self._poll.register(child.pidfd, select.POLLIN)
        self._poll.register(report, select.POLLIN)
        self._send({"op": "spawned", "id": child.id, "pid": pid}, (child.pidfd, status))
        os.close(status)

    def _reap(self, child: _Child) -> None:
        _, status, usage = os.wait4(child.pid, 0)
        self._poll.unregister(child.pidfd)
        del self._children[child.pidfd]
        if self._sealing.pop(child.report, None) is not None:
            self._poll.unregister(child.report)
            self._send({"op": "sealed", "id": child.id})
        os.close(child.pidfd)
        why = os.read(child.report, WHY_BYTES_MAX).decode("utf-8", "replace")
        os.close(child.report)
        self._send(
            {
                "op": "exit",
                "id": child.id,
                "pid": child.pid,
                "status": status,
                "cpu_s": usage.ru_utime + usage.ru_stime,
                "max_rss_bytes": usage.ru_maxrss * 1024,
                "why": why,
            }
        )


def _child(
    parent: int, request: dict[str, Any], fds: list[int], report: int, hold: int, entry: Entry
) -> NoReturn:
    """The forked child: import by name, seal, run the entry, end. Never returns into the zygote's loop."""
    code = EXIT_SETUP
    try:
        if not jail.die_with_parent(parent):
            os._exit(code)
        os.read(hold, 1)  # until the zygote has opened our /proc/<pid>/status
        for name in request["modules"]:
            importlib.import_module(name)
        if request["nice"]:
            os.nice(request["nice"])
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write(str(request["oom_score_adj"]))
        if request["module"]:
            # Mapped before the seal and counted as part of the process; nothing of it runs before a batch.
            module.open(fds[1])
            os.close(fds.pop(1))
        gc.enable()
        jail.seal(
            request["profile"],
            memory_bytes=request["memory_bytes"],
            cpu_s=request["cpu_s"],
            keep_fds=fds,
            report_fd=report,
            path=request["path"],
            layers=request["layers"] or jail.LAYERS,
            allow_degraded=request["allow_degraded"],
        )
        code = EXIT_FAILED
        entry(fds[0], tuple(fds[1:]))
        code = 0
    except MemoryError:
        code = EXIT_MEMORY if code == EXIT_FAILED else code
    except BaseException as error:
        # The one broad handler of a process that is about to end; before the seal its reason is reported.
        if code == EXIT_SETUP:
            name = error.code if isinstance(error, CodedError) else type(error).__name__
            why = f"{name}: {error}".encode("utf-8", "replace")
            os.write(report, why[:WHY_BYTES_MAX])
    finally:
        os._exit(code)
