"""Zygotes and jailed workers through their trio handles; real processes, real kernel."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from alloy_agent.errors import SpawnError, WorkerDiedError, ZygoteDiedError
from alloy_agent.patience import SLICES
from alloy_agent.workers.exits import EXIT_FAILED, EXIT_MEMORY, EXIT_SETUP, ExitStatus, error_code
from alloy_agent.workers.launch import NEEDED, import_paths
from alloy_agent.workers.zygote import WorkerProcess, Zygote, pss_bytes
from alloy_transforms.sandbox.zygote import CHILDREN_MAX

PATHS = (*import_paths(NEEDED), str(Path(__file__).resolve().parent.parent))
BUDGET = 32 << 20
DEADLINE_S = 90


def with_zygote(test: Callable[[Zygote], Awaitable[None]], entry: str = "execute") -> None:
    """Run `test` with a zygote whose children run `jail_entries.<entry>`."""

    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                zygote = await Zygote.start(
                    nursery, name="test", entry=f"jail_entries:{entry}", preload=("struct",), paths=PATHS
                )
                try:
                    await test(zygote)
                finally:
                    await zygote.aclose()

    trio.run(main)


async def ask(worker: WorkerProcess, source: str) -> str:
    await worker.send(source.encode())
    return (await worker.receive(1 << 20)).decode()


async def death(zygote: Zygote, source: str, **options: Any) -> WorkerDiedError:
    """The error of a worker that `source` ends."""
    async with await zygote.spawn(**{"profile": "transform", "memory_bytes": BUDGET, **options}) as worker:
        with pytest.raises(WorkerDiedError) as caught:
            await ask(worker, source)
    return caught.value


def test_frames_go_there_and_back_when_small_and_large() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            for size in (0, 1, 4096, 70_000, 3 << 20):
                body = os.urandom(size)
                await worker.send(body[: size // 3], memoryview(body)[size // 3 :])
                assert await worker.receive(size) == body

    with_zygote(test, "echo")


def test_other_tasks_have_their_turn_when_every_frame_is_there_already() -> None:
    frames, turns = 20, 0

    async def count() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            for _ in range(frames):
                await worker.send(b"x")
            await trio.sleep(0.1)  # all answers have come
            async with trio.open_nursery() as nursery:
                nursery.start_soon(count)
                for _ in range(frames):
                    await worker.receive(1)
                nursery.cancel_scope.cancel()
            assert turns >= frames // 2  # in which order tasks run that are ready together is left to chance

    with_zygote(test, "echo")


def test_worker_sees_nothing_of_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOY_SECRET", "hunter2")

    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            environment = await ask(worker, "import os; result = dict(os.environ)")
            assert "ALLOY_SECRET" not in environment
            assert "'HOME': '/nonexistent'" in environment
            probe = "import os\nresult = []\nfor fd in range(1024):\n try: os.read(fd, 0); result.append(fd)"
            found = await ask(worker, probe + "\n except OSError: pass\nresult.remove(channel)")
            assert found == "[]"
            missing = await ask(worker, "import wave")
            assert missing == "ModuleNotFoundError: No module named 'wave'"

    with_zygote(test)


def test_passed_descriptors_and_modules_are_there_when_asked_for(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"0123456789")

    async def test(zygote: Zygote) -> None:
        fd = os.open(tmp_path / "data", os.O_RDONLY)
        try:
            worker = await zygote.spawn(
                profile="decoder", memory_bytes=BUDGET, modules=("statistics",), fds=(fd,)
            )
        finally:
            os.close(fd)
        async with worker:
            assert await ask(worker, "import os; result = os.pread(fds[0], 3, 4)") == "b'456'"
            assert await ask(worker, "import statistics; result = statistics.mean([1, 2])") == "1.5"

    with_zygote(test)


@pytest.mark.slow
def test_a_frame_arrives_whole_when_the_worker_stands_still_in_the_middle_of_it() -> None:
    limit_s = 3.0

    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            await worker.verify()
            os.kill(worker.pid, signal.SIGSTOP)

            async def go_on() -> None:
                await trio.sleep(
                    limit_s / SLICES * 1.5
                )  # the first slice of the wait ends while it is written
                os.kill(worker.pid, signal.SIGCONT)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(go_on)
                body = os.urandom(3 << 20)
                assert await worker.ask(body, max_bytes=4 << 20, limit_s=limit_s) == body

    with_zygote(test, "echo")


@pytest.mark.slow
def test_a_worker_still_runs_when_it_did_not_answer_in_time() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            with pytest.raises(trio.TooSlowError):
                await worker.ask(b"while True: pass", max_bytes=100, limit_s=0.3)
            assert worker.status is None

    with_zygote(test)


def test_hashes_are_equal_when_zygotes_differ() -> None:
    answers = []

    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            answers.append(await ask(worker, "result = hash('alloy')"))

    with_zygote(test)
    with_zygote(test)

    assert answers[0] == answers[1]


def test_endless_loop_ends_when_killed_from_outside() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            await worker.send(b"while True:\n try:\n  while True: pass\n except BaseException: pass")
            with trio.move_on_after(0.05):
                await worker.receive(100)
            worker.kill()
            with pytest.raises(WorkerDiedError) as caught:
                await worker.receive(100)
            assert caught.value.code == "script.wall"
            assert (await worker.wait()).signal == signal.SIGKILL

    with_zygote(test)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import os; os.pipe()", "violation.syscall"),
        ("import os; os.kill(1, 0)", "violation.syscall"),
        ("import os; os.execv('/bin/true', ['true'])", "violation.syscall"),
        ("import os; os.abort()", "script.crash"),
        ("import os; os._exit(0)", "script.crash"),
        ("import os; os.write(channel, b'\\xff' * 8)", "violation.protocol"),
    ],
)
def test_death_has_its_code_when_a_worker_ends(source: str, code: str) -> None:
    async def test(zygote: Zygote) -> None:
        error = await death(zygote, source)
        assert error.code == code
        assert error.hint

    with_zygote(test)


@pytest.mark.slow
def test_death_is_called_cpu_when_the_limit_is_used_up() -> None:
    async def test(zygote: Zygote) -> None:
        assert (await death(zygote, "while True: pass", cpu_s=1)).code == "script.cpu"

    with_zygote(test)


def test_memory_bombs_end_in_an_error_and_the_worker_goes_on() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            for bomb in ("[0] * 10**9", "'a' * 10**9", "[bytes(4096) for _ in iter(int, 1)]"):
                assert (await ask(worker, bomb)).startswith("MemoryError")
            assert await ask(worker, "result = 1") == "1"
            worker.kill()
            assert (await worker.wait()).max_rss_bytes < 64 << 20

    with_zygote(test)


def test_memory_code_is_given_when_the_entry_runs_out() -> None:
    async def test(zygote: Zygote) -> None:
        assert (await death(zygote, "")).code == "script.memory"

    with_zygote(test, "no_memory")


def test_setup_is_blamed_when_a_module_is_missing() -> None:
    async def test(zygote: Zygote) -> None:
        error = await death(zygote, "", modules=("no_such_module",))
        assert error.code == "worker.setup"
        assert "No module named 'no_such_module'" in error.got

    with_zygote(test)


def test_traceback_has_its_line_when_code_fails_inside() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            assert 'File "<attack>", line 2' in await ask(worker, "x = 1\ny = x / 0")

    with_zygote(test, "trace")


def open_descriptors(pid: int | str) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.slow
def test_no_descriptor_leaks_when_two_hundred_workers_came_and_went() -> None:
    async def test(zygote: Zygote) -> None:
        before = open_descriptors("self"), open_descriptors(zygote.pid)
        for turn in range(200):
            async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
                if turn % 2:
                    await worker.send(b"x")
                    assert await worker.receive(10) == b"x"
        assert (open_descriptors("self"), open_descriptors(zygote.pid)) == before

    with_zygote(test, "echo")


def test_exit_status_still_comes_when_closing_did_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alloy_agent.workers.process.REAP_S", 0.05)

    async def test(zygote: Zygote) -> None:
        worker = await zygote.spawn(profile="transform", memory_bytes=BUDGET)
        assert await ask(worker, "result = 1") == "1"
        os.kill(zygote.pid, signal.SIGSTOP)
        await worker.aclose()
        assert worker.status is None
        os.kill(zygote.pid, signal.SIGCONT)
        assert (await worker.wait()).signal == signal.SIGKILL

    with_zygote(test)


def test_no_descriptor_leaks_when_a_spawn_is_cancelled() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET):
            pass
        before = open_descriptors("self")
        for _ in range(10):
            in_time: list[WorkerProcess] = []  # the answer may win the race
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(cancel_soon, scope)
                    in_time.append(await zygote.spawn(profile="transform", memory_bytes=BUDGET))
            for worker in in_time:
                await worker.aclose()
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            await worker.send(b"x")
            await worker.receive(10)
        assert open_descriptors("self") == before

    async def cancel_soon(scope: trio.CancelScope) -> None:
        await trio.lowlevel.checkpoint()
        scope.cancel()

    with_zygote(test, "echo")


def test_zygote_death_is_clear_and_a_new_one_works() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            os.kill(zygote.pid, signal.SIGKILL)
            with pytest.raises(WorkerDiedError) as died:
                await worker.receive(100)
            assert died.value.code == "worker.zygote"
            await zygote.wait_died()
            with pytest.raises(ZygoteDiedError) as gone:
                await zygote.spawn(profile="transform", memory_bytes=BUDGET)
            assert gone.value.retryable

    with_zygote(test)
    with_zygote(lambda zygote: greet(zygote))


async def greet(zygote: Zygote) -> None:
    async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
        assert await ask(worker, "result = 'hello'") == "'hello'"


def test_spawn_is_refused_when_too_many_live() -> None:
    async def test(zygote: Zygote) -> None:
        workers = [await zygote.spawn(profile="transform", memory_bytes=BUDGET) for _ in range(CHILDREN_MAX)]
        with pytest.raises(SpawnError) as caught:
            await zygote.spawn(profile="transform", memory_bytes=BUDGET)
        assert caught.value.code == "worker.spawn"
        async with trio.open_nursery() as nursery:
            for worker in workers:
                nursery.start_soon(worker.aclose)

    with_zygote(test, "echo")


def test_start_fails_with_its_last_words_when_the_entry_is_missing() -> None:
    async def main() -> None:
        async with trio.open_nursery() as nursery:
            with pytest.raises(ZygoteDiedError) as caught:
                await Zygote.start(nursery, name="t", entry="jail_entries:nothing", paths=PATHS)
            assert "no function 'nothing'" in caught.value.got

    trio.run(main)


def test_nothing_stays_when_a_start_is_cancelled() -> None:
    async def main() -> None:
        with trio.fail_after(DEADLINE_S):
            async with trio.open_nursery() as nursery:
                with trio.move_on_after(0.005) as scope:
                    await Zygote.start(nursery, name="t", entry="jail_entries:echo", paths=PATHS)
                assert scope.cancelled_caught

    before = open_descriptors("self")
    trio.run(main)
    assert open_descriptors("self") == before


def test_start_fails_when_there_is_no_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/no/such/python")

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            with pytest.raises(ZygoteDiedError) as caught:
                await Zygote.start(nursery, name="t", entry="jail_entries:echo", paths=PATHS)
            assert "/no/such/python" in caught.value.got

    trio.run(main)


def test_everything_ends_when_the_nursery_is_cancelled() -> None:
    async def main() -> int:
        async with trio.open_nursery() as nursery:
            zygote = await Zygote.start(nursery, name="t", entry="jail_entries:echo", paths=PATHS)
            worker = await zygote.spawn(profile="transform", memory_bytes=BUDGET)
            nursery.cancel_scope.cancel()
        await worker.aclose()
        return zygote.pid

    pid = trio.run(main)

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_memory_of_a_worker_is_measured() -> None:
    async def test(zygote: Zygote) -> None:
        async with await zygote.spawn(profile="transform", memory_bytes=BUDGET) as worker:
            await ask(worker, "keep = bytearray(8 << 20)")
            assert 8 << 20 < pss_bytes(worker.pid) < 24 << 20
        with pytest.raises(ProcessLookupError):
            pss_bytes(worker.pid)

    with_zygote(test)


KILL = int(signal.SIGKILL)


@pytest.mark.parametrize(
    ("status", "killed_as", "code"),
    [
        (ExitStatus(int(signal.SIGSYS), -1), "", "violation.syscall"),
        (ExitStatus(int(signal.SIGXCPU), -1), "", "script.cpu"),
        (ExitStatus(KILL, -1, cpu_s=11.0), "", "script.cpu"),
        (ExitStatus(KILL, -1, cpu_s=1.0), "", "script.memory"),
        (ExitStatus(KILL, -1), "script.wall", "script.wall"),
        (ExitStatus(int(signal.SIGSYS), -1), "script.wall", "violation.syscall"),
        (ExitStatus(int(signal.SIGSEGV), -1), "", "script.crash"),
        (ExitStatus(0, EXIT_MEMORY), "", "script.memory"),
        (ExitStatus(0, EXIT_SETUP, why="ImportError: x"), "", "worker.setup"),
        (ExitStatus(0, EXIT_SETUP), "", "script.crash"),  # it was sealed: user code chose this number
        (ExitStatus(0, EXIT_FAILED), "", "script.crash"),
        (ExitStatus(0, 0), "", "script.crash"),
    ],
)
def test_exit_is_decoded(status: ExitStatus, killed_as: str, code: str) -> None:
    assert error_code(status, killed_as=killed_as, cpu_limit_s=10) == code
    assert math.isfinite(status.cpu_s)
    assert status.describe()
