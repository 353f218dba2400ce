"""Every system call number of x86_64, one process each: the kernel's verdict is the table's."""

from __future__ import annotations

import errno
import json
import signal
import subprocess
import sys

import pytest

from alloy_native import jail

HOST = jail.probe()
LAST = 480  # beyond the highest number any kernel has today

ALLOWED = {0, 1, 9, 10, 11, 12, 14, 15, 25, 28, 60, 96, 131, 202, 219, 228, 231, 318}
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
call = ctypes.CDLL(None, use_errno=True).syscall
layers = ["no_new_privs", "seccomp"]
verdicts = {}
for number in json.loads(sys.argv[1]):
    pid = os.fork()
    if pid == 0:
        jail.seal("transform", memory_bytes=1 << 25, cpu_s=5, keep_fds=[], layers=layers)
        result = call(number, 0, 0, 0, 0, 0, 0)
        os._exit(ctypes.get_errno() if result == -1 else 0)
    _, status = os.waitpid(pid, 0)
    verdicts[number] = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
print(json.dumps(verdicts))
"""

pytestmark = pytest.mark.skipif(
    not HOST["seccomp"] or HOST["arch"] != "x86_64", reason="numbers of x86_64 on a kernel with seccomp"
)


def sweep(numbers: list[int]) -> dict[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", SWEEP, json.dumps(numbers)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {int(number): verdict for number, verdict in json.loads(done.stdout).items()}


@pytest.mark.slow
def test_every_unlisted_number_kills_and_every_mistake_fails() -> None:
    numbers = [n for n in range(LAST) if n not in ALLOWED]

    verdicts = sweep(numbers)

    wanted = {n: MISTAKES.get(n, -signal.SIGSYS) for n in numbers}
    assert {n: v for n, v in verdicts.items() if v != wanted[n] and n not in UPROBES} == {}


def test_foreign_numbers_kill() -> None:
    numbers = [0x40000000 + n for n in (0, 1, 2, 39, 59)] + [-1, 1000, 0x7FFFFFFF]

    assert set(sweep(numbers).values()) == {-signal.SIGSYS}
