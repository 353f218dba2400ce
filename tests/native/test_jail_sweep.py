"""Every system call number of x86_64, one process each: the kernel's verdict is the written table's."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.native.jailed import run_jailed

from alloy_native import jail

HOST = jail.probe()
LAST = 1024  # far beyond the highest number any kernel has today

ALLOWED = {0, 1, 9, 10, 11, 12, 14, 15, 25, 28, 60, 96, 131, 202, 219, 228, 231, 318}
ALSO = {
    "transform": set(),
    "decoder": {5, 8, 17, 79},
    "reference": {5, 8, 17, 79, 2, 3, 4, 6, 19, 21, 39, 72, 89, 102, 107, 257, 262, 267, 269, 332, 439},
}
MISTAKES = {
    **dict.fromkeys((2, 4, 6, 21, 41, 89, 257, 262, 267, 269, 332, 439), errno.EACCES),
    **dict.fromkeys((13, 20, 32, 35, 39, 56, 57, 58, 72, 186, 230, 234), errno.EPERM),
    16: errno.ENOTTY,
    79: errno.ENOENT,
    435: errno.ENOSYS,
}
# The kernel itself exempts the trampolines of uprobes from seccomp; without a probe they do nothing.
UPROBES = {335, 336}

SWEEP = """
import ctypes, json, os, sys
from alloy_native import jail
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
call = lambda *numbers: libc.syscall(*map(ctypes.c_long, numbers))
profile, path, helper = sys.argv[2:5]
if helper:
    call = ctypes.CDLL(helper).int80
libc.mmap.restype = ctypes.c_void_p
page = libc.mmap(None, 8192, 3, 0x22, -1, 0)
code = ctypes.cast(libc.getppid, ctypes.c_void_p).value & ~4095
layers = ["no_new_privs", "landlock", "seccomp"]
verdicts = []
for attempt in json.loads(sys.argv[1]):
    numbers = [{"page": page, "code": code}.get(n, n) for n in attempt]
    pid = os.fork()
    if pid == 0:
        jail.seal(profile, memory_bytes=1 << 25, cpu_s=5, keep_fds=[], layers=layers, path=path)
        result = call(*numbers, *[0] * (7 - len(numbers)))
        os._exit(ctypes.get_errno() if result == -1 else 0)
    _, status = os.waitpid(pid, 0)
    verdicts.append(-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))
print(json.dumps(verdicts))
"""
INT80 = """
long int80(long number) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0), "c"(0), "d"(0) : "memory");
    return result;
}
"""

pytestmark = pytest.mark.skipif(
    not HOST["seccomp"] or HOST["arch"] != "x86_64", reason="numbers of x86_64 on a kernel with seccomp"
)


def sweep(
    attempts: Sequence[Sequence[int | str]], profile: str = "transform", path: str = "", helper: str = ""
) -> list[int]:
    """The end of one sealed process for each attempt (number, arguments): minus a signal, or its errno."""
    done = subprocess.run(
        [sys.executable, "-c", SWEEP, json.dumps(attempts), profile, path, helper],
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    return list(json.loads(done.stdout))


@pytest.mark.slow
@pytest.mark.parametrize("profile", jail.PROFILES)
def test_every_unlisted_number_kills_and_every_mistake_fails(profile: str) -> None:
    numbers = [n for n in range(LAST) if n not in ALLOWED | ALSO[profile] | UPROBES]

    verdicts = sweep([[n] for n in numbers], profile, __file__ if profile == "reference" else "")

    wrong = {n: v for n, v in zip(numbers, verdicts, strict=True) if v != MISTAKES.get(n, -signal.SIGSYS)}
    assert wrong == {}


@pytest.mark.slow
def test_every_number_of_the_x32_convention_kills() -> None:
    numbers = [*range(548), 1023]

    assert set(sweep([[0x40000000 + n] for n in numbers])) == {-signal.SIGSYS}


def test_foreign_numbers_kill() -> None:
    assert set(sweep([[n] for n in (-1, 1000, 0x7FFFFFFF, 0x40000000, 0x4000003B)])) == {-signal.SIGSYS}


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_calls_of_the_32_bit_convention_kill(tmp_path: Path) -> None:
    (tmp_path / "int80.c").write_text(INT80)
    helper = str(tmp_path / "int80.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", helper, str(tmp_path / "int80.c")], check=True)

    # exit, read, open, getpid, exit_group of i386: harmless, forbidden or allowed ones here, all the same there
    verdicts = sweep([[n] for n in (1, 3, 5, 20, 252)], helper=helper)

    assert set(verdicts) <= {-signal.SIGSYS, -signal.SIGSEGV}  # the latter: a kernel without that convention


MMAP, MPROTECT, MREMAP, PKEY_MPROTECT, SHMAT = 9, 10, 25, 329, 30
EXECUTABLE: dict[str, list[int | str]] = {
    "mmap": [MMAP, 0, 4096, 7, 0x22, -1, 0],
    "mmap, execute only": [MMAP, 0, 4096, 4, 0x22, -1, 0],
    "mmap over code": [MMAP, "code", 4096, 7, 0x32, -1, 0],
    "mprotect": [MPROTECT, "page", 4096, 5],
    "mprotect of code": [MPROTECT, "code", 4096, 7],
    "mprotect, high bits as well": [MPROTECT, "page", 4096, (1 << 32) + 4],
    "pkey_mprotect": [PKEY_MPROTECT, "page", 4096, 5, -1],
    "pkey_mprotect, not executable": [PKEY_MPROTECT, "page", 4096, 1, -1],
    "shmat": [SHMAT, 0, 0, 0o100000],
}


@pytest.mark.parametrize("attempt", EXECUTABLE)
def test_executable_memory_kills(attempt: str) -> None:
    assert sweep([EXECUTABLE[attempt]]) == [-signal.SIGSYS]


def test_moved_code_cannot_be_written() -> None:
    """`mremap` is allowed: it moves code, but makes nothing executable that was not, nor code writable."""
    outcome = run_jailed(
        "moved = libc.mremap(code, 4096, 4096, 3, page)\nassert moved == page, moved\n"
        "ctypes.memmove(moved, b'\\xcc', 1)",
        preload="import ctypes\nlibc = ctypes.CDLL(None)\nlibc.mmap.restype = libc.mremap.restype = ctypes.c_void_p\n"
        "libc.mremap.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_int, ctypes.c_void_p)\n"
        "page = libc.mmap(None, 8192, 3, 0x22, -1, 0)\n"
        "code = ctypes.cast(libc.getppid, ctypes.c_void_p).value & ~4095",
    )

    assert outcome.signal == signal.SIGSEGV, outcome.answer
