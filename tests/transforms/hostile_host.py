"""A core under attack: one event loop, as in the daemon, with a worker pool, a neighbour pipeline and a link.

The loop runs in a thread of its own; `Host.attack` runs one script through the real stage and says what came
of it and what the attack has reached. Nothing here is faked: zygote, jail, stage, broker, session are the real ones.
"""

from __future__ import annotations

import os
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import trio
from tests.transforms.hostile_scripts import Script

from alloy_agent.bench.mqtt import broker_process
from alloy_agent.config.model import Sandbox, TransformRef, Workers
from alloy_agent.errors import TransformRefusedError
from alloy_agent.mqtt.link import LinkOptions
from alloy_agent.mqtt.session import MqttSession
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_native import CodedError
from alloy_transforms.sandbox.columns import values_of

WALL_S = 0.1
MEMORY_MIB = 32
ATTACK_S = 120.0  # one script, whatever it does
KEEPALIVE_S = 1  # of the links: the broker cuts one whose core is held for half a second more
RATE = 200  # records a second of the neighbour
POLICY = ("ctypes",)  # this device lets scripts load it, so that they can make any call
NEIGHBOUR = b"""
INPUT = {"i": "int"}
OUTPUT = {"i": {"type": "i64"}, "n": {"type": "i64"}}
STATE = {"n": 0}
NEEDS = ("state", "wall_ms:5000")


def transform(i, s):
    s["n"] = s["n"] + 1
    return {"i": i, "n": s["n"]}
"""


@dataclass
class Outcome:
    """What one script was answered with, batch by batch, and everything that came out of its worker."""

    codes: list[str] = field(default_factory=list)
    said: str = ""
    rss_bytes: int = 0
    respawns: int = 0
    effects: list[str] = field(default_factory=list)


class Traps:
    """Everything an attack might touch, around one folder."""

    def __init__(self, folder: Path) -> None:
        self.token = f"canary-{os.urandom(8).hex()}"
        self.folder = folder / "held"
        self.folder.mkdir()
        self.canary = self.folder / "canary"
        self.canary.write_text(self.token)
        self.victim = subprocess.Popen(["sleep", "600"])
        self._sockets: list[socket.socket] = []
        tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)).getsockname()[1]
        udp = self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)).getsockname()[1]
        unix = str(self.folder / "socket")
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, unix)
        self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, "\0" + self.token)
        places = (str(self.canary), f"{self.folder}/new", tcp, udp, unix, self.token, self.victim.pid)
        # Its own name is in the payload, so what must not come out is the text of the file: the token reversed.
        self.secret = self.token[::-1]
        self.canary.write_text(self.secret)
        self.payload = "\n".join(map(str, places)).encode()
        self._before = self._facts()

    def _listen(self, family: int, kind: int, address: Any) -> socket.socket:
        made = socket.socket(family, kind)
        made.setblocking(False)
        made.bind(address)
        if kind == socket.SOCK_STREAM:
            made.listen()
        self._sockets.append(made)
        return made

    def _facts(self) -> tuple[Any, ...]:
        names = sorted(os.listdir(self.folder)), [n for n in os.listdir("/dev/shm") if "alloy-hostile" in n]
        found = self.canary.stat()
        return names, self.canary.read_text(), found.st_mode, found.st_uid, found.st_mtime_ns, found.st_nlink

    def effects(self) -> list[str]:
        """What has been touched since the start."""
        out = [] if self._facts() == self._before else ["the folder or the canary has changed"]
        for trap in self._sockets:
            try:
                trap.accept() if trap.type == socket.SOCK_STREAM else trap.recv(1)
                out.append(f"somebody reached {trap.getsockname()}")
            except BlockingIOError:
                continue
        if self.victim.poll() is not None:
            out.append("the victim process has ended")
        return out

    def close(self) -> None:
        """Give everything back."""
        self.victim.kill()
        self.victim.wait()
        for made in self._sockets:
            made.close()


class WatchedPool(WorkerPool):
    """The pool, which also remembers every worker it forked."""

    def __init__(self, nursery: trio.Nursery) -> None:
        workers = Workers(max=4, memory_mb=MEMORY_MIB)
        super().__init__(nursery, workers, Sandbox(modules=POLICY))
        self.forked: list[WorkerProcess] = []

    async def spawn(
        self, *, memory_bytes: int, modules: Sequence[str] = (), module: NativeModule | None = None
    ) -> WorkerProcess:
        worker = await super().spawn(memory_bytes=memory_bytes, modules=modules, module=module)
        self.forked.append(worker)
        return worker


class Neighbour:
    """The second pipeline: a number every 5 ms, counted by STATE; keeps what came back."""

    def __init__(self, pool: WorkerPool) -> None:
        self.stage = TransformStage(pool, "neighbour", TransformRef("count", "./count.py", NEIGHBOUR, {}))
        self.sent = 0
        self.lost: list[str] = []
        self.longest_s = 0.0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self.stage.start()
        task_status.started()
        due = trio.current_time()
        while True:
            await trio.sleep_until(due)
            reply = await self.stage.run([[self.sent]], 1)
            self.sent += 1
            got = [values_of("i8", column, reply.rows) for column in reply.columns]
            if got != [[self.sent - 1], [self.sent]] or reply.errors:
                self.lost.append(f"number {self.sent - 1}: {got}, {reply.errors}")
            self.longest_s = max(self.longest_s, trio.current_time() - due)
            due += 1 / RATE


class Host:
    """The core, in a thread of its own; use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self.traps = Traps(folder)
        self.longest_ping_s = 0.0
        self.pings = 0
        self._up = threading.Event()
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._main, name="core")

    def __enter__(self) -> Host:
        os.environ["ALLOY_CANARY"] = self.traps.secret  # nothing of the core's environment may show
        self._thread.start()
        self._up.wait()
        if self._failed is not None:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join()
        self.traps.close()
        del os.environ["ALLOY_CANARY"]
        if self._failed is not None:
            raise self._failed

    def _main(self) -> None:
        try:
            with broker_process() as port:
                trio.run(self._core, port)
        except BaseException as error:  # raised in the thread of the tests
            self._failed = error
        finally:
            self._up.set()

    async def _core(self, port: int) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stop = trio.Event()
        async with trio.open_nursery() as nursery:
            self.pool = WatchedPool(nursery)
            self.neighbour = Neighbour(self.pool)
            self.quiet = await self._link(nursery, port, "quiet")  # nothing but its keep-alive
            self.asked = await self._link(nursery, port, "asked")
            self.asker = await self._link(nursery, port, "asker")
            await nursery.start(self._answer_pings)
            await nursery.start(self._ping)
            await nursery.start(self.neighbour.run)
            self._up.set()
            await self._stop.wait()
            await self.pool.aclose()
            nursery.cancel_scope.cancel()

    async def _link(self, nursery: trio.Nursery, port: int, name: str) -> MqttSession:
        link = MqttSession(LinkOptions("127.0.0.1", port, name, keepalive_s=KEEPALIVE_S, backoff_first_s=5.0))
        nursery.start_soon(link.run)
        await link.wait_connected()
        return link

    async def _answer_pings(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        requests = await self.asked.subscribe("ping")
        task_status.started()
        async for message in requests:
            message.acknowledge()
            await self.asked.send("pong", message.payload)

    async def _ping(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        answers = await self.asker.subscribe("pong")
        task_status.started()
        while True:
            began = trio.current_time()
            await self.asker.send("ping", str(self.pings).encode())
            message = await answers.__anext__()
            message.acknowledge()
            assert message.payload == str(self.pings).encode()
            self.pings += 1
            self.longest_ping_s = max(self.longest_ping_s, trio.current_time() - began)
            await trio.sleep(0.02)

    def attack(self, script: Script, wall_s: float = WALL_S) -> Outcome:
        """Run one script to its end, in the core's loop.

        Args:
            wall_s: each step may take so long.
        """
        return trio.from_thread.run(self._attack, script, wall_s, trio_token=self._token)

    async def _attack(self, script: Script, wall_s: float) -> Outcome:
        out = Outcome()
        heard: list[object] = []
        self.pool.forked.clear()
        ref = TransformRef("hostile", f"./{Path(script.name).name}.py", script.source, {})
        self.pool.limits = replace(self.pool.limits, wall_s=wall_s, first_wall_s=wall_s)
        stage = TransformStage(self.pool, "attack", ref, on_log=heard.append)
        try:
            with trio.fail_after(ATTACK_S):
                await self._batches(stage, script, out, heard)
        finally:
            await stage.aclose()
        with trio.fail_after(ATTACK_S):
            for worker in self.pool.forked:
                await worker.wait()  # on a slow host it may be reaped later than it was closed
        out.said = " ".join(map(str, heard))
        out.respawns = stage.accounting.respawns
        out.rss_bytes = max((w.status.max_rss_bytes for w in self.pool.forked if w.status), default=0)
        out.effects = self.traps.effects()
        if self.traps.secret in out.said:
            out.effects.append("the canary's text came out")
        out.effects += self.strangers()
        return out

    async def _batches(
        self, stage: TransformStage, script: Script, out: Outcome, heard: list[object]
    ) -> None:
        try:
            await stage.start()
            for number in range(script.batches):
                payload = self.traps.payload + b"\n#%d" % number
                reply = await stage.run([[payload], *([0] for _ in stage.contract.inputs[1:])], 1)
                out.codes.append(reply.errors[0].code if reply.errors else "answer")
                heard += [*reply.errors, *(bytes(c.arena) + bytes(c.values) for c in reply.columns)]
        except TransformRefusedError as error:
            out.codes.append(error.problems[0].code)
            heard += [error, *error.problems]
        except CodedError as error:
            out.codes.append(error.code)
            heard.append(error)

    def strangers(self) -> list[str]:
        """Processes of the zygote's session that nobody knows."""
        known = set(self.pool.process_names())
        (zygote,) = [pid for pid, name in self.pool.process_names().items() if name == "transform zygote"]
        found = []
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.getsid(int(entry)) == zygote and int(entry) not in known:
                    found.append(f"process {entry} is left")
            except ProcessLookupError:
                continue
        return found

    def address_space(self) -> int:
        """Of the zygote [bytes]; a worker's limit is counted from there."""
        (zygote,) = [pid for pid, name in self.pool.process_names().items() if name == "transform zygote"]
        with open(f"/proc/{zygote}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[0]) * os.sysconf("SC_PAGESIZE")

    def wait_quiet(self, seconds: float) -> None:
        """Let the core live for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            before = self.pings
            threading.Event().wait(0.05)
            assert self.pings >= before
