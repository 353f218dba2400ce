"""Workers with a native module, in the real jail: what they answer, and what becomes of those that misbehave."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.fakes import c_modules
from tests.fakes.natives import TWICE, made, read, with_generation
from tests.fakes.stages import only
from tests.transforms.in_process import InProcess

from alloy_agent.errors import ModuleRefusedError, WorkerDiedError
from alloy_agent.workers.generation import Generation
from alloy_agent.workers.launch import NEEDED, import_paths
from alloy_agent.workers.module import NativeModule
from alloy_agent.workers.process import WorkerProcess
from alloy_agent.workers.zygote import Zygote
from alloy_transforms.errors import ViolationError
from alloy_transforms.native import jail
from alloy_transforms.sandbox.columns import input_column, rows_of
from alloy_transforms.sandbox.reply import Reply

PATHS = (*import_paths(NEEDED), str(Path(__file__).resolve().parent.parent))
BUDGET = 32 << 20


async def ask(generation: Generation, *values: int, both: bool = False) -> Reply:
    worker = await generation.ready()
    return await generation.ask(worker, [input_column("int", values)], len(values), b"", both=both)


def test_module_answers_when_a_generation_has_one() -> None:
    async def test(generation: Generation) -> None:
        reply = await ask(generation, 1, -5, 3)

        assert generation.tier == "native"
        assert rows_of(generation.contract, reply) == [{"v": 2}, {"v": 6}]
        assert [(e.index, e.code, e.line, e.message) for e in reply.errors] == [
            (1, "data.value", 9, "ValueError: negative")
        ]
        assert (reply.declined, reply.differs) == (0, 0)

    with_generation(test, read(made()))


@pytest.mark.slow
def test_replies_of_both_tiers_are_equal_when_the_same_is_asked() -> None:
    replies: list[Reply] = []

    async def test(generation: Generation) -> None:
        replies.append(await ask(generation, *range(100), -1, *range(100)))

    with_generation(test, None)
    with_generation(test, read(made()))

    sandbox, native = replies
    assert (sandbox.src, sandbox.columns, sandbox.errors) == (native.src, native.columns, native.errors)


@pytest.mark.slow
def test_tier_is_sandbox_when_there_is_no_module() -> None:
    async def test(generation: Generation) -> None:
        assert generation.tier == "sandbox"
        assert len(generation.ir) == 64
        assert (await ask(generation, 4, both=True)).differs == 0  # nothing to compare with

    with_generation(test, None)


@pytest.mark.slow
def test_module_is_opened_again_when_its_worker_is_replaced() -> None:
    async def test(generation: Generation) -> None:
        first = await generation.ready()
        await generation.drop("worker.closed")

        reply = await ask(generation, 5)

        assert generation.worker is not first
        assert rows_of(generation.contract, reply) == [{"v": 10}]

    with_generation(test, read(made()))


@pytest.mark.slow
def test_difference_is_told_when_both_tiers_are_asked() -> None:
    async def test(generation: Generation) -> None:
        reply = await ask(generation, 1, 666, both=True)

        assert reply.differs == 2
        assert rows_of(generation.contract, reply) == [{"v": 2}, {"v": 1332}]
        assert rows_of(generation.contract, await ask(generation, 666)) == [{"v": 1}]

    with_generation(test, read(made(body="v[b->rows] = 1; b->src[b->rows++] = (uint32_t) i; continue;")))


# A system call in the middle of an instruction: no linear disassembly shows it, and an indirect jump reaches it.
HIDDEN = (
    '__asm__ volatile ("lea 1f(%%rip), %%rdx\\n add $2, %%rdx\\n mov $101, %%eax\\n jmp *%%rdx\\n'
    ' 1: movabs $0xc3050f, %%rcx" ::: "rax", "rcx", "rdx", "r11", "memory");'
)
EVIL: dict[str, tuple[str, str, int]] = {
    "reads address 0": ("v[0] = *(volatile int64_t *) 0;", "script.crash", signal.SIGSEGV),
    "jumps to its data": ("((void (*)(void)) (uintptr_t) v)();", "script.crash", signal.SIGSEGV),
    "changes its constants": ("*(volatile char *) (uintptr_t) \"text\" = 1;", "script.crash", signal.SIGSEGV),
    "writes wild": ("for (volatile char *p = (char *) v;; p++) *p = 0x5a;", "script.crash", signal.SIGSEGV),
    "traps": ("__builtin_trap();", "script.crash", signal.SIGILL),
    "divides by zero": ("volatile int64_t zero = 0; v[0] = x[i] / zero;", "script.crash", signal.SIGFPE),
    "recurses": ("v[0] = deeper(x[i]);", "script.crash", signal.SIGSEGV),
    "loops for ever": ("for (;;) __asm__ volatile (\"\");", "script.wall", signal.SIGKILL),
    "makes a system call": (HIDDEN, "violation.syscall", signal.SIGSYS),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("what", EVIL)
def test_worker_ends_and_another_answers_when_the_module(what: str) -> None:
    body, code, number = EVIL[what]
    source = "static int64_t deeper(volatile int64_t x) { return x ? deeper(x + 1) + deeper(x + 2) : 0; }\n"

    async def test(generation: Generation) -> None:
        await ask(generation, 1)
        with pytest.raises(WorkerDiedError) as caught:
            await ask(generation, 1, 666)
        worker = generation.worker
        assert worker is not None
        await generation.drop(caught.value.code)

        assert caught.value.code == code
        assert worker.status is not None
        assert worker.status.signal == number
        assert rows_of(generation.contract, await ask(generation, 7)) == [{"v": 14}]

    with_generation(test, read(made(body=body, extra=source)))


@pytest.mark.slow
def test_reply_is_a_violation_when_the_module_lies() -> None:
    async def test(generation: Generation) -> None:
        with pytest.raises(ViolationError, match="broke its interface: 99 rows") as caught:
            await ask(generation, 1, 666)

        assert caught.value.code == "violation.protocol"

    with_generation(test, read(made(body="b->rows = 99; b->answered = b->n; return 0;")))


# --- refusals ---
def refused(module: NativeModule, source: str = TWICE) -> ModuleRefusedError:
    async def test(generation: Generation) -> None:
        raise AssertionError("the module was accepted")

    with pytest.raises(BaseExceptionGroup) as caught:
        with_generation(test, module, source)
    error = only(caught.value)
    assert isinstance(error, ModuleRefusedError), error
    assert not error.retryable
    return error


CHANGED: dict[str, tuple[dict[str, Any], str]] = {
    "source": ({"source": "0" * 64}, "load.hash"),
    "digest": ({"digest": "0" * 64}, "load.hash"),
    "inputs": ({"inputs": [["x", "float"]]}, "load.abi"),
    "outputs": ({"outputs": [["v", "i32", False]]}, "load.abi"),
    "optional": ({"outputs": [["v", "i64", True]]}, "load.abi"),
    "state": ({"state": [["n", "int", 0]]}, "load.abi"),
    "max_rows": ({"max_rows": 2}, "load.abi"),
}


@pytest.mark.parametrize("what", CHANGED)
def test_module_is_refused_when_its_schema_has_another(what: str) -> None:
    changes, code = CHANGED[what]
    module = read(made(**changes))
    loaded = InProcess(TWICE)
    digest = c_modules.schema(TWICE.encode())["digest"]

    with pytest.raises(ModuleRefusedError, match="another") as caught:
        module.fits("t.py", replace(loaded.contract, digest=digest), b"", TWICE.encode())

    assert caught.value.code == code
    assert caught.value.got != caught.value.expected
    module.close()


def test_first_state_is_compared_when_a_module_has_state() -> None:
    source = 'STATE = {"n": 1, "f": 0.5, "b": True}\n' + TWICE.replace("(x: int)", "(x: int, s: dict)")
    state = [["n", "int", 1], ["f", "float", {"f64": "0x1.0000000000000p-1"}], ["b", "bool", True]]
    loaded = InProcess(source)
    module, other = read(made(source, state=state)), read(made(source, state=[["n", "int", 2], *state[1:]]))
    contract = replace(loaded.contract, digest=module.schema.digest)

    module.fits("t.py", contract, loaded.first_state, source.encode())
    with pytest.raises(ModuleRefusedError, match="`state`"):
        other.fits("t.py", contract, loaded.first_state, source.encode())

    module.close()
    other.close()


@pytest.mark.slow
def test_module_is_refused_when_it_was_made_of_another_program() -> None:
    error = refused(read(made()), TWICE.replace("2 * x", "3 * x"))

    assert (error.code, error.where) == ("load.hash", "./t.py")


@pytest.mark.slow
def test_module_is_refused_when_the_file_has_no_native_form() -> None:
    error = refused(read(made()), TWICE.replace("2 * x", "int(str(x))"))

    assert error.code == "load.hash"
    assert "not portable" in error.expected


def test_child_refuses_a_module_when_the_core_was_deceived() -> None:
    """The child looks for itself, before its jail closes; nothing of the file runs."""
    boot = "__attribute__((constructor)) static void boot(void) { __builtin_trap(); }"
    good = read(made())
    bad = made(extra=boot)
    fd = os.memfd_create("bad")
    os.write(fd, bad)
    forged = NativeModule(good.sha256, good.schema, len(bad), open(fd, "rb", buffering=0))  # noqa: SIM115
    good.close()

    error = refused(forged)

    assert error.code == "load.elf"
    assert "constructor" in error.got


# --- the file, in the core ---
def test_facts_are_those_of_the_schema_when_a_module_is_read() -> None:
    data = made()
    module = read(data)

    assert (module.size, module.schema.name, module.schema.max_rows) == (len(data), "t", 1)
    with pytest.raises(OSError, match=os.strerror(errno.EPERM)):
        os.pwrite(module.fileno(), b"x", 0)
    with pytest.raises(OSError, match=os.strerror(errno.EPERM)):
        os.ftruncate(module.fileno(), 0)
    module.close()
    module.close()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "load.elf"),
        (b"\x7fELF" + bytes(100), "load.arch"),
        (made(abi=2), "load.abi"),
        (made(kind="map"), "load.abi"),
        (made(colour="red"), "load.abi"),
        (made(inputs="none"), "load.abi"),
        (c_modules.module("return 0;", {"abi": 1}), "load.abi"),
    ],
)
def test_file_is_refused_when_it_is_no_module_of_this_interface(data: bytes, code: str) -> None:
    with pytest.raises(ModuleRefusedError) as caught:
        read(data)

    assert caught.value.code == code


def test_file_is_refused_when_it_is_not_the_one_that_was_named() -> None:
    with pytest.raises(ModuleRefusedError) as caught:
        NativeModule.read(made(), "0" * 64)

    assert caught.value.code == "load.hash"


# --- what a sealed worker has of it ---
def with_zygote(test: Callable[[Zygote, NativeModule], Awaitable[None]]) -> None:
    """A zygote whose children run Python source."""
    module = read(made())

    async def main() -> None:
        with trio.fail_after(90):
            async with trio.open_nursery() as nursery:
                zygote = await Zygote.start(nursery, name="test", entry="jail_entries:execute", paths=PATHS)
                try:
                    await test(zygote, module)
                finally:
                    await zygote.aclose()

    try:
        trio.run(main)
    finally:
        module.close()


async def said(worker: WorkerProcess, source: str) -> str:
    await worker.send(source.encode())
    return (await worker.receive(1 << 20)).decode()


@pytest.mark.slow
def test_descriptor_of_the_module_is_closed_when_the_worker_is_sealed() -> None:
    scan = """
import os
result = []
for fd in range(64):
    try:
        os.write(fd, b"")
        result.append(fd == channel)
    except OSError as error:
        if error.errno != 9:
            result.append(fd)
"""

    async def test(zygote: Zygote, module: NativeModule) -> None:
        options: dict[str, Any] = {
            "profile": "transform",
            "memory_bytes": BUDGET,
            "module_fd": module.fileno(),
        }
        async with await zygote.spawn(**options) as worker:
            await worker.verify()
            assert await said(worker, scan) == "[True]"
            assert (
                await said(worker, "from alloy_native import module; result = module.opened().kind")
                == "'record'"
            )

    with_zygote(test)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [(), tuple(name for name in jail.LAYERS if name != "seccomp")])
def test_nothing_can_be_mapped_to_run_when_the_worker_is_sealed(layers: tuple[str, ...]) -> None:
    """dlopen of the same descriptor, kept open for it: seccomp refuses, and without seccomp the limits do."""

    async def test(zygote: Zygote, module: NativeModule) -> None:
        async with await zygote.spawn(
            profile="transform",
            memory_bytes=BUDGET,
            modules=("ctypes",),
            fds=(module.fileno(),),
            layers=layers,
        ) as worker:
            answer = await said(worker, "import ctypes; ctypes.CDLL(f'/proc/self/fd/{fds[0]}')")
            assert answer.startswith("OSError: /proc/self/fd/")
            assert "cannot open shared object file" in answer

    with_zygote(test)
