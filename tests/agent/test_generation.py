"""Versions, idle stop, device policy and notices of a transform, in the real jail."""

from __future__ import annotations

import os
import time
from typing import Any

import pytest
import trio
from tests.fakes.stages import COUNT, HEAD, exactly_once, numbered, ref, values, with_stage

from alloy_agent.config.model import Capabilities, Sandbox, Workers
from alloy_agent.errors import (
    ForbiddenError,
    TransformDisabledError,
    TransformRefusedError,
    WorkerDiedError,
    WorkerError,
)
from alloy_agent.native import CodedError
from alloy_agent.workers.notices import Notice
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.protocol import decode_state

EXAMPLE = "EXAMPLES = ({'in': {'payload': b'7'}, 'out': ({'v': 7000},)},)\n"
FAILING = HEAD + "def transform(payload):\n    return nothing\n"
WORKING = HEAD + "def transform(payload):\n    return {'v': int(payload)}\n"
OTHER_FIELD = (
    "STATE = {'n': 0}\nOUTPUT = {'w': {'type': 'i64'}}\ndef transform(payload, s):\n    return {'w': 1}\n"
)
LOUD = COUNT + "    print(1)\n    return {'v': 1}\n"
ATTACK = "import json\njson.codecs.__builtins__['__import__']('posix').mkfifo('/x')\n" + WORKING
SWAPS = 20


def version(number: int) -> str:
    """One that tells its own number beside the input's."""
    return COUNT + f"    return {{'v': int(payload) * 1000 + {number}}}\n"


@pytest.mark.slow
def test_nothing_is_lost_or_doubled_when_versions_are_replaced_under_load() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        n = 32
        answered: list[int] = []
        used: set[int] = set()
        waits: list[float] = []
        swaps = []
        done = trio.Event()

        async def load() -> None:
            while not done.is_set():
                began = time.perf_counter()
                reply = await stage.run(numbered(len(answered), n), n)
                waits.append(time.perf_counter() - began)
                exactly_once(reply, n)
                for value in values(reply):
                    answered.append(value // 1000)
                    used.add(value % 1000)
                await trio.lowlevel.checkpoint()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(load)
            for number in range(1, SWAPS + 1):
                swaps += [await stage.replace(ref(EXAMPLE + version(number)))]
            done.set()

        assert answered == list(range(len(answered)))
        assert decode_state(stage.state) == {"n": len(answered)}  # no input was counted twice, none left out
        assert {0, SWAPS - 1} <= used
        assert [s.digest for s in swaps[:-1]] == [s.digest_before for s in swaps[1:]]
        assert {s.state for s in swaps} == {"kept"}
        assert pool.taken == 1
        assert stage.accounting.generations == SWAPS + 1
        assert stage.accounting.respawns == 0
        waits.sort()
        print(
            f"{SWAPS} swaps, {len(answered)} inputs; held {max(s.held_ns for s in swaps) / 1000:.0f} us at most; "
            f"batches of {n}: median {waits[len(waits) // 2] * 1e3:.2f} ms, "
            f"p99 {waits[len(waits) * 99 // 100] * 1e3:.2f} ms, longest {waits[-1] * 1e3:.2f} ms"
        )

    with_stage(EXAMPLE + version(0), body)


def test_next_version_is_refused_when_the_stage_was_closed() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.aclose()

        with pytest.raises(WorkerError) as caught:
            await stage.replace(ref(EXAMPLE + version(1)))

        assert caught.value.code == "worker.closed"
        assert pool.taken == 0

    with_stage(EXAMPLE + version(0), body)


@pytest.mark.parametrize(
    ("source", "error", "code"),
    [
        ("def (", TransformRefusedError, "build.syntax"),
        (OTHER_FIELD, WorkerError, "transform.contract"),
        (EXAMPLE + COUNT + "    while True:\n        pass\n", WorkerDiedError, "script.wall"),
        (ATTACK, ViolationError, "violation.syscall"),
        (LOUD, ForbiddenError, "transform.forbidden"),
    ],
)
def test_present_version_goes_on_when_the_next_one_fails(
    source: str, error: type[CodedError], code: str
) -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run(numbered(0, 4), 4)
        before = stage.pid, stage.contract, stage.state

        with pytest.raises(error) as caught:
            await stage.replace(ref(source))

        assert caught.value.code == code
        assert (stage.pid, stage.contract, stage.state) == before
        assert values(await stage.run(numbered(4, 1), 1)) == [4000]
        assert len([name for name in pool.process_names().values() if "transform p/t" in name]) == 1

    workers = Workers(max=1, wall_ms=300, first_wall_ms=1000)
    with_stage(version(0), body, workers=workers, sandbox=Sandbox(capabilities=Capabilities(log=False)))


def test_state_starts_anew_when_the_next_version_declares_another() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run(numbered(0, 4), 4)

        swap = await stage.replace(
            ref(COUNT.replace("'n': 0", "'n': 10, 'm': 0") + "    return {'v': s['n']}\n")
        )

        assert swap.state == "reset"
        assert values(await stage.run(numbered(0, 1), 1)) == [11]
        assert (await stage.replace(ref(WORKING))).state == "none"
        assert stage.state == b""

    with_stage(COUNT + "    return {'v': s['n']}\n", body)


def test_nothing_is_counted_when_a_version_is_warmed_before_it_takes_over() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run(numbered(0, 4), 4)
        before = stage.accounting.inputs, stage.accounting.rows, stage.accounting.calls

        await stage.replace(ref(EXAMPLE + version(1)))

        assert (stage.accounting.inputs, stage.accounting.rows, stage.accounting.calls) == before == (4, 4, 1)

    with_stage(version(0), body)


def test_version_before_takes_over_when_the_present_one_is_disabled() -> None:
    notices: list[Notice] = []

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        for _ in range(3):
            exactly_once(await stage.run([[b"1"]], 1), 1)
        assert stage.policy.state == "disabled"
        assert stage.pid == 0

        assert values(await stage.run([[b"7"]], 1)) == [7]
        assert stage.ref.source == WORKING.encode()
        assert [n.name for n in notices if n.kind == "audit"] == [
            "transform.disabled", "transform.replaced", "transform.fell_back",
        ]  # fmt: skip

    with_stage(FAILING, body, fallback=ref(WORKING), on_notice=notices.append)


def test_transform_stays_out_of_use_when_the_version_before_fails_too() -> None:
    notices: list[Notice] = []

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        for _ in range(3):
            await stage.run([[b"1"]], 1)
        for _ in range(2):
            with pytest.raises(TransformDisabledError):
                await stage.run([[b"1"]], 1)
        assert [n.name for n in notices][-1] == "transform.fallback_failed"

    with_stage(FAILING, body, fallback=ref("def ("), on_notice=notices.append)


def test_nothing_takes_its_place_when_an_operator_disables_it() -> None:
    notices: list[Notice] = []

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        stage.disable("the sensor is being moved")
        with pytest.raises(TransformDisabledError) as caught:
            await stage.run([[b"1"]], 1)
        assert caught.value.got == "the sensor is being moved"
        facts = stage.facts()
        assert (facts["state"], facts["why"]) == ("disabled", "the sensor is being moved")
        assert facts["since_ns"] > 0
        stage.enable()
        assert values(await stage.run([[b"1"]], 1)) == [1]
        assert [n.name for n in notices] == ["transform.disabled", "transform.enabled"]

    with_stage(WORKING, body, fallback=ref(FAILING), on_notice=notices.append)


def test_worker_ends_when_nothing_comes_and_is_back_with_its_state() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run(numbered(0, 5), 5)
        pid = stage.pid
        with trio.fail_after(60):
            while stage.pid:  # noqa: ASYNC110 - nothing tells when an idle worker has ended
                await trio.sleep(0.005)

        assert values(await stage.run(numbered(0, 1), 1)) == [6]
        assert stage.pid != pid
        account = stage.accounting
        assert (account.idle_stops, account.respawns, account.deaths) == (1, 0, 0)
        assert account.memory_high_bytes > 1 << 20

    workers = Workers(max=1, wall_ms=300, first_wall_ms=5000, idle_stop_s=0.05)
    with_stage(COUNT + "    return {'v': s['n']}\n", body, workers=workers)


def test_memory_is_seen_while_the_worker_lives() -> None:
    source = HEAD + "def transform(payload):\n    return {'v': len(bytearray(16 << 20))}\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run([[b"1"]], 1)

        account = stage.accounting
        assert account.memory_high_bytes > 16 << 20  # freed again: the kernel keeps the peak
        assert 0 < account.memory_bytes < account.memory_high_bytes
        assert stage.facts()["accounting"]["wall_max_us"] > 0

    with_stage(source, body)


ELEMENTS = 'OUTPUT = {"y": {"type": "f64"}}\n\n\ndef f(x: float) -> float:\n    return x\n'


@pytest.mark.parametrize(
    ("source", "policy", "need"),
    [
        (version(0), Capabilities(state=False), "state"),
        (ELEMENTS, Capabilities(array=False), "array"),
    ],
)
def test_nothing_of_a_file_runs_when_it_needs_what_is_forbidden(
    source: str, policy: Capabilities, need: str
) -> None:
    spawned: list[tuple[str, ...]] = []

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery, Workers(), Sandbox(capabilities=policy))
            real = pool.spawn

            async def spawn(**options: Any) -> WorkerProcess:
                spawned.append(tuple(options.get("modules", ())))
                return await real(**options)

            pool.spawn = spawn  # type: ignore[method-assign]
            try:
                with pytest.raises(ForbiddenError) as caught:
                    await TransformStage(pool, "p", ref(source)).start()
                assert caught.value.code == "transform.forbidden"
                assert (caught.value.got, pool.taken) == (need, 0)
            finally:
                await pool.aclose()

    trio.run(main)
    assert spawned == [("alloy_transforms.lang.check",)]  # the checker alone, which reads and does not run


def test_worker_is_killed_when_the_kernel_does_not_confirm_its_jail(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same worker, sealed without seccomp: what a kernel without it would give."""

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            pool = WorkerPool(nursery)
            zygote = await pool._running()
            layers = ("close_fds", "rlimits", "dumpable", "no_new_privs")
            worker = await zygote.spawn(profile="transform", memory_bytes=32 << 20, layers=layers)
            with pytest.raises(WorkerDiedError) as caught:
                await worker.verify()
            assert caught.value.code == "worker.unsealed"
            assert caught.value.got == "Seccomp 0, NoNewPrivs 1"
            assert worker.status is not None
            before = len(os.listdir("/proc/self/fd"))
            worker = await zygote.spawn(profile="transform", memory_bytes=32 << 20, layers=layers)
            await worker.verify(degraded=True)
            await worker.aclose()
            assert len(os.listdir("/proc/self/fd")) == before
            await pool.aclose()

    monkeypatch.setattr("alloy_agent.workers.process.SEAL_LOOKS_S", (0.001,) * 3)
    trio.run(main)
