"""A transform in the real jail: nothing is lost or doubled, whatever a worker does."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
import trio
from tests.fakes.stages import HEAD, exactly_once, only, values, with_stage

from alloy_agent.config.model import Workers
from alloy_agent.errors import TransformDisabledError, TransformRefusedError, WorkerError
from alloy_agent.workers.policy import Policy
from alloy_agent.workers.transform import TransformStage, WorkerPool
from alloy_transforms.errors import ViolationError
from alloy_transforms.sandbox.protocol import decode_state


def test_rows_come_from_a_sealed_process_when_a_batch_is_run() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        reply = await stage.run([[b"1", b"x", b"3"]], 3)

        assert values(reply) == [1, 3]
        assert [(e.index, e.code, e.line) for e in reply.errors] == [(1, "data.value", 4)]
        assert stage.contract.name == "t"
        assert len(stage.contract.digest) == 64
        assert stage.accounting.calls == 1
        assert stage.accounting.errors["data.value"] == 1
        assert logged == ["b'1'\nb'x'\nb'3'\n"]

    logged: list[str] = []
    source = HEAD + "def transform(payload):\n    return {'v': (print(payload), int(payload))[1]}\n"
    with_stage(source, body, on_log=logged.append)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("poison", "code"),
    [
        ("while True: pass", "script.wall"),
        ("import os; os.kill(os.getpid(), 11)", "data"),
        ("ctypes_free_crash()", "script.crash"),
    ],
)
def test_poison_input_is_found_and_all_others_are_answered(poison: str, code: str) -> None:
    # A crash without any module: a code object that the interpreter cannot run.
    crash = (
        "def ctypes_free_crash():\n"
        "    f = lambda: 1\n"
        "    f.__code__ = f.__code__.replace(co_code=b'\\x64\\xff' * 8, co_consts=(), co_stacksize=0)\n"
        "    return f()\n"
    )
    source = (
        "PROFILE = 'gateway'\n" + HEAD + crash + "def transform(payload):\n"
        f"    if payload == b'13':\n        {poison.replace('import os; ', '__import__(chr(111) + chr(115)); ')}\n"
        "    return {'v': int(payload)}\n"
    )
    n = 16

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run([[b"0"]], 1)  # the first call of a stage may take longer
        reply = await stage.run([[str(i).encode() for i in range(n)]], n)

        exactly_once(reply, n)
        assert values(reply) == [i for i in range(n) if i != 13]
        (error,) = reply.errors
        assert error.index == 13
        assert error.code.startswith(code) or code == "data"
        assert stage.policy.script_batches == 0  # one poison record does not switch a transform off

    with_stage(source, body)


@pytest.mark.slow
def test_state_goes_on_from_the_last_boundary_when_a_worker_is_killed() -> None:
    source = (
        "STATE = {'n': 0}\n" + HEAD + "def transform(payload, s):\n    s['n'] = s['n'] + 1\n"
        "    while payload == b'loop':\n        pass\n    return {'v': s['n']}\n"
    )

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        first = await stage.run([[b"a"] * 5], 5)
        poisoned = await stage.run([[b"a", b"a", b"loop", b"a"]], 4)
        os.kill(stage.pid, signal.SIGKILL)  # between two batches
        last = await stage.run([[b"a"]], 1)

        assert values(first) == [1, 2, 3, 4, 5]
        assert values(poisoned) == [6, 7, 8]
        assert [(e.index, e.code) for e in poisoned.errors] == [(2, "script.wall")]
        assert values(last) == [9]
        assert decode_state(stage.state) == {"n": 9}
        assert stage.accounting.respawns >= 3
        assert stage.accounting.memory_high_bytes > 1 << 20

    with_stage(source, body)


def test_inputs_are_answered_exactly_once_when_workers_are_killed_at_random() -> None:
    source = HEAD + "def transform(payload):\n    return {'v': int(payload)}\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        n = 600
        stop = trio.Event()

        async def killer() -> None:
            for _ in range(6):
                worker = stage.generation.worker
                if worker is not None and worker.pid:
                    worker.kill("script.memory")
                await trio.lowlevel.checkpoint()
                with trio.move_on_after(0.003):
                    await stop.wait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(killer)
            out: list[Any] = []
            for at in range(0, n, 100):
                reply = await stage.run([[str(i).encode() for i in range(at, at + 100)]], 100)
                exactly_once(reply, 100)
                out += values(reply)
                out += [at + e.index for e in reply.errors]
            stop.set()
        assert sorted(out) == list(range(n))

    with_stage(source, body, policy=Policy(max_deadly_batches=100))


def test_transform_is_quarantined_when_it_makes_a_forbidden_call() -> None:
    source = (
        "import json\n" + HEAD + "def transform(payload):\n"
        "    if payload == b'evil':\n"
        "        sys = json.codecs.__builtins__['__import__']('sys')\n"
        "        posix = sys.modules['posix']\n"
        "        posix.mkfifo('/tmp/x')\n"
        "    return {'v': 1}\n"
    )

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        reply = await stage.run([[b"a", b"evil", b"b"]], 3)

        exactly_once(reply, 3)
        assert {e.code for e in reply.errors} == {"violation.syscall"}
        with pytest.raises(TransformDisabledError) as caught:
            await stage.run([[b"a"]], 1)
        assert caught.value.code == "transform.quarantined"
        assert not caught.value.retryable
        assert stage.accounting.deaths == 1  # no second try

    with_stage(source, body)


def test_transform_is_disabled_when_three_batches_in_a_row_fail() -> None:
    source = HEAD + "def transform(payload):\n    return {'v': 1} if payload == b'ok' else nothing\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        for batch in ([b"a"], [b"a", b"b"], [b"ok", b"a"], [b"a"], [b"a"], [b"a"]):
            exactly_once(await stage.run([batch], len(batch)), len(batch))
        with pytest.raises(TransformDisabledError) as caught:
            await stage.run([[b"ok"]], 1)
        assert caught.value.code == "transform.disabled"

    with_stage(source, body)


def test_noisy_data_never_disables_a_transform() -> None:
    source = HEAD + "def transform(payload):\n    return {'v': int(payload)}\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        for _ in range(5):
            await stage.run([[b"x", b"y"]], 2)
        assert values(await stage.run([[b"7"]], 1)) == [7]

    with_stage(source, body)


def test_input_is_an_error_when_a_value_is_not_of_its_declared_type() -> None:
    source = 'INPUT = {"port": "int"}\n' + HEAD + "def transform(port):\n    return {'v': port}\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        reply = await stage.run([[1, "two", 1 << 70, 4]], 4)

        assert list(reply.src) == [0, 3]
        assert values(reply) == [1, 4]
        assert [(e.index, e.code) for e in reply.errors] == [(1, "data.schema"), (2, "data.schema")]

    with_stage(source, body)


def test_memory_bomb_is_one_error_when_it_is_one_input() -> None:
    source = HEAD + "def transform(payload):\n    return {'v': len([0] * int(payload))}\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        reply = await stage.run([[b"1", b"1000000000", b"3"]], 3)

        assert values(reply) == [1, 3]
        assert [(e.index, e.code) for e in reply.errors] == [(1, "script.memory")]

    with_stage(source, body)


def test_batch_is_asked_again_when_the_zygote_dies() -> None:
    source = (
        "STATE = {'n': 0}\n"
        + HEAD
        + ("def transform(payload, s):\n    s['n'] = s['n'] + 1\n    return {'v': s['n']}\n")
    )

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        await stage.run([[b"a"]], 1)
        (zygote,) = [pid for pid, name in pool.process_names().items() if name == "transform zygote"]
        assert pool.process_names()[stage.pid] == "transform p/t"
        os.kill(zygote, signal.SIGKILL)
        assert pool._zygote is not None
        await pool._zygote.wait_died()
        reply = await stage.run([[b"a", b"b"]], 2)

        assert values(reply) == [2, 3]
        assert pool.zygotes == 2
        assert stage.policy.script_batches == 0

    with_stage(source, body)


@pytest.mark.parametrize(
    ("source", "code", "line"),
    [
        (HEAD + "def transform(x):\n    return {}\n", "build.type", 3),
        ("import socket\n" + HEAD, "build.lang", 1),
        ("def (", "build.syntax", 1),
        (HEAD + "while True:\n    pass\n", "script.wall", 0),
        (HEAD + "X = [0] * 10 ** 10\n", "script.memory", 3),
    ],
)
def test_file_is_refused_with_its_line_when_it_cannot_be_used(source: str, code: str, line: int) -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        raise AssertionError("the file was taken")

    with pytest.raises(BaseExceptionGroup) as caught:
        with_stage(source, body, workers=Workers(first_wall_ms=1000))
    error = only(caught.value)
    assert isinstance(error, TransformRefusedError)
    assert (error.code, error.problems[0].line) == (code, line)


def test_attack_in_the_module_body_is_a_violation() -> None:
    source = "import json\n" + HEAD + "json.codecs.__builtins__['__import__']('posix').mkfifo('/x')\n"

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        raise AssertionError("the file was taken")

    with pytest.raises(BaseExceptionGroup) as caught:
        with_stage(source, body)
    error = only(caught.value)
    assert isinstance(error, ViolationError)
    assert error.code == "violation.syscall"


def test_stage_is_refused_when_no_place_is_left() -> None:
    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        other = TransformStage(pool, "q", stage.ref)
        with pytest.raises(WorkerError) as caught:
            await other.start()
        assert caught.value.code == "worker.limit"
        await stage.aclose()
        await other.start()
        await other.aclose()
        assert pool.taken == 0

    with_stage(HEAD + "def transform(payload):\n    return {'v': 1}\n", body, workers=Workers(max=1))


def test_params_are_part_of_the_digest() -> None:
    digests = set()

    async def body(stage: TransformStage, pool: WorkerPool) -> None:
        digests.add(stage.contract.digest)

    source = "PARAMS = {'k': 1}\n" + HEAD + "def transform(payload):\n    return {'v': PARAMS['k']}\n"
    with_stage(source, body)
    with_stage(source, body, params={"k": 2})
    assert len(digests) == 2
