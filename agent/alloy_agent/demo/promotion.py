"""The promotion in the demo: a transform is compiled beside the running daemon and swapped in while records flow.

Without cargo this part is left out and says so. Rates are what the accounts of the stage say: records that went
through, and CPU time its workers took for them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import trio

from alloy_agent.core.control import ask
from alloy_agent.errors import AgentError
from alloy_agent.native import CodedError

from . import scene

LABEL = "survey/nmea"
RATE = 2_000  # sentences per second
TICK_S = 0.02
MEASURED_S = 2.0
BUILT_S = 120.0
PROMOTED_S = 60.0


@dataclass(frozen=True, slots=True)
class Rate:
    """What one tier did in `MEASURED_S`.

    Attributes:
        records_s: records that went through each second.
        cpu_records_s: records for each second of CPU time of its worker.
    """

    tier: str
    records_s: float
    cpu_records_s: float

    def __str__(self) -> str:
        return f"{self.tier:<8} {self.records_s:>7,.0f} records/s, {self.cpu_records_s:>10,.0f} for each second of CPU"


@dataclass(slots=True)
class Promotion:
    """What was seen; `left_out` says why there is nothing to see."""

    left_out: str = ""
    before: Rate | None = None
    after: Rate | None = None
    answer: dict[str, Any] | None = None

    @property
    def ended(self) -> bool:
        """Nothing more will be seen."""
        return bool(self.left_out) or self.after is not None

    def lines(self) -> list[str]:
        """For people."""
        if self.left_out or self.before is None or self.after is None:
            return [f"promotion left out: {self.left_out or 'the show was too short'}"]
        faster = self.after.cpu_records_s / max(self.before.cpu_records_s, 1e-9)
        return [
            f"{LABEL} was compiled and swapped in while records flowed:",
            f"  {self.before}",
            f"  {self.after}   ({faster:.0f} times)",
        ]

    def facts(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


@asynccontextmanager
async def receiver() -> AsyncIterator[int]:
    """A survey receiver that replays a recording to whoever connects; yields its port."""
    sentences = scene.samples().joinpath("rx210.log").read_bytes().splitlines(keepends=True)
    each = round(RATE * TICK_S)

    async def serve(stream: trio.SocketStream) -> None:
        at = 0
        due = trio.current_time()
        try:
            while True:
                await stream.send_all(b"".join(sentences[(at + k) % len(sentences)] for k in range(each)))
                at += each
                due = max(due + TICK_S, trio.current_time() - 1.0)
                await trio.sleep_until(due)
        except trio.BrokenResourceError:
            pass  # the daemon has gone

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def promote(folder: Path, seen: Promotion) -> None:
    """Build the module into the daemon's store, promote, and measure both tiers; what goes wrong is said in `seen`."""
    from alloy_agent.build import toolchain

    try:
        toolchain.find(toolchain.machine())
    except CodedError as error:
        seen.left_out = str(error)
        return
    control = folder / "run" / "control.sock"
    try:
        await _built(folder)
        seen.before = await _rate(control)
        with trio.fail_after(PROMOTED_S):
            answer = await ask(control, "transform.promote", {"transform": LABEL}, PROMOTED_S)
        if not answer.ok:
            failure = answer.error
            seen.left_out = f"{failure.code}: {failure.message}" if failure is not None else "no reason given"
            return
        seen.answer = answer.result[0] if isinstance(answer.result, list) else answer.result
        seen.after = await _rate(control)
    except (AgentError, trio.TooSlowError) as error:
        seen.left_out = str(error)


async def _built(folder: Path) -> None:
    arguments = ("build", "nmea", "--out", str(folder / "modules"), "--store", str(folder / "state"))
    async with scene.child(*arguments, log=folder / "build.log") as (process, _):
        with trio.fail_after(BUILT_S):
            await process.wait()
    if process.returncode:
        raise AgentError("demo.child", "`alloy-edge build` failed", where=str(folder / "build.log"))


async def _accounts(control: Path) -> tuple[str, int, int]:
    """Tier, records so far and CPU time so far [us]."""
    status = (await ask(control, "status")).result
    for pipeline in status["pipelines"] if isinstance(status, dict) else ():
        for transform in pipeline["transforms"]:
            if transform["transform"] == LABEL:
                account = transform["accounting"]
                return transform["tier"], account["inputs"], account["cpu_us"]
    raise AgentError("demo.child", f"the daemon has no transform {LABEL}", where=str(control))


async def _rate(control: Path) -> Rate:
    _, inputs, cpu_us = await _accounts(control)
    began = trio.current_time()
    await trio.sleep(MEASURED_S)
    tier, inputs_then, cpu_us_then = await _accounts(control)
    records = inputs_then - inputs
    return Rate(tier, records / (trio.current_time() - began), records * 1e6 / max(cpu_us_then - cpu_us, 1))
