"""What a sealed process can and cannot do, on the running kernel."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from tests.native.jailed import run_jailed

from alloy_native import jail

HOST = jail.probe()
pytestmark = pytest.mark.skipif(
    not (HOST["seccomp"] and HOST["arch_supported"]), reason="this kernel cannot filter system calls"
)

SYSCALL = "import ctypes; call = ctypes.CDLL(None, use_errno=True).syscall"

FAILS = {
    "reading a file": ("open('/etc/passwd').read()", "PermissionError"),
    "writing a file": ("open('/tmp/alloy-jail-canary', 'w')", "PermissionError"),
    "listing a folder": ("os.listdir('/')", "PermissionError"),
    "file facts": ("os.stat('/etc/passwd')", "PermissionError"),
    "socket": ("_socket.socket(2, 1)", "PermissionError"),
    "fork": ("os.fork()", "PermissionError"),
    "thread": ("_thread.start_new_thread(print, ())", "RuntimeError"),
    "sleep": ("time.sleep(10)", "PermissionError"),
    "duplicate": ("os.dup(1)", "PermissionError"),
    "signal handler": ("_signal.signal(10, print)", "PermissionError"),
    "import": ("__import__('wave')", "ModuleNotFoundError"),
    "subprocess": ("os.posix_spawn('/bin/true', ['true'], {})", "PermissionError"),
    "one huge list": ("[0] * 10**9", "MemoryError"),
    "one huge text": ("'a' * 10**9", "MemoryError"),
    "endless append": ("[bytearray(4096) for _ in iter(int, 1)]", "MemoryError"),
    "shared memory": ("[mmap.mmap(-1, 1 << 20) for _ in range(100)]", "OSError"),
    "file growth": ("os.write(keep[0], b'x')", "OSError"),
}

KILLS = {
    "exec": "os.execv('/bin/true', ['true'])",
    "kill of another process": "os.kill(parent, 0)",
    "pipe": "os.pipe()",
    "socket pair": "_socket.socketpair()",
    "send on an inherited descriptor": "call(44, 1, b'x', 1, 0, 0, 0)",
    "executable map": "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)",
    "ptrace": "call(101, 16, parent, 0, 0)",
    "second filter": "call(317, 1, 0, 0)",
    "unshare": "os_unshare(0x10000000)",
    "x32 getpid": "call(0x40000000 + 39)",
    "negative number": "call(-1)",
    "rlimit raised": "resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))",
}

PRELOAD = f"""
import _signal, _socket, _thread, mmap, resource, subprocess, tempfile, time
{SYSCALL}
parent = os.getppid()
keep = (os.memfd_create("grow"),)
os_unshare = lambda flags: call(272, flags)
"""


@pytest.mark.parametrize("attempt", FAILS)
def test_attempt_fails_with_an_honest_error_when_sealed(attempt: str) -> None:
    expression, error = FAILS[attempt]

    outcome = run_jailed(f"result = {expression}", preload=PRELOAD)

    assert outcome.signal == 0
    assert outcome.answer.startswith(error), outcome.answer


@pytest.mark.skipif(HOST["arch"] != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize("attempt", KILLS)
def test_process_is_killed_when_it_attacks(attempt: str) -> None:
    outcome = run_jailed(f"result = {KILLS[attempt]}", preload=PRELOAD)

    assert outcome.signal == signal.SIGSYS, outcome.answer


def test_every_layer_is_active_when_sealed_on_this_host() -> None:
    outcome = run_jailed("result = active")

    active = eval(outcome.answer)
    assert tuple(active) == jail.LAYERS
    assert active["seccomp"] is True
    assert active["landlock"] == HOST["landlock_abi"]
    assert active["namespaces"] is HOST["userns"]
    assert active["rlimits"] > 32 << 20


def test_kernel_confirms_the_layers_when_asked_from_inside() -> None:
    preload = "keep = (os.open('/proc/self/status', os.O_RDONLY),)"
    source = "result = os.pread(keep[0], 65536, 0).decode()"

    outcome = run_jailed(source, preload=preload, profile="decoder")

    status = dict(line.split(":\t", 1) for line in eval(outcome.answer).splitlines() if ":\t" in line)
    assert status["Seccomp"] == "2"
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0


def test_inherited_descriptors_are_closed_when_sealed() -> None:
    preload = "inherited = [os.open('/etc/passwd', os.O_RDONLY) for _ in range(20)]; keep = (inherited[7],)"
    source = """
result = []
for fd in range(1024):
    try:
        os.read(fd, 0) if fd != 1 else None
        result.append(fd)
    except OSError as error:
        assert error.errno == 9
result = [fd for fd in result if fd not in (1, keep[0])]
"""

    assert run_jailed(source, preload=preload).answer == "[]"


def test_working_memory_is_there_when_within_the_budget() -> None:
    assert run_jailed("result = len(bytearray(20 << 20)) + len([0] * 10**6)").answer == str(
        (20 << 20) + 10**6
    )


def test_abort_is_a_crash_and_no_violation() -> None:
    assert run_jailed("os.abort()").signal == signal.SIGSEGV


def test_decoder_reads_its_descriptor_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"0123456789")
    preload = f"keep = (os.open({str(tmp_path / 'data')!r}, os.O_RDONLY),)"
    source = f"""
size = os.lseek(keep[0], 0, 2)
try:
    os.open({str(tmp_path / "data")!r}, os.O_RDONLY)
except PermissionError:
    result = (size, os.pread(keep[0], 4, 3))
"""

    assert run_jailed(source, preload=preload, profile="decoder").answer == "(10, b'3456')"


def test_transform_is_killed_when_it_seeks() -> None:
    assert run_jailed("os.lseek(1, 0, 1)").signal == signal.SIGSYS


@pytest.mark.skipif(HOST["landlock_abi"] == 0, reason="no Landlock here")
def test_reference_opens_its_one_file_and_no_canary_beside_it(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("wanted")
    (tmp_path / "canary").write_text("secret")
    source = f"""
result = open({str(tmp_path / "data")!r}).read()
for name, mode in (("canary", "r"), ("data", "a"), ("new", "w")):
    try:
        open({str(tmp_path)!r} + "/" + name, mode)
        result = "opened " + name
    except PermissionError:
        pass
"""

    outcome = run_jailed(source, profile="reference", path=str(tmp_path / "data"))

    assert outcome.answer == "'wanted'"


ATTEMPTS = """
result = "stopped"
def udp():
    _socket.socket(2, 2).sendto(b"x", ("127.0.0.1", 9))
def local():
    _socket.socket(1, 1).connect("/alloy-no-such-socket")
def read():
    open("/etc/passwd").read()
def tcp():
    _socket.socket(2, 1).connect(("127.0.0.1", 1))
def execute():
    os.execv("/bin/true", ["true"])
for attempt in (read, tcp, udp, local, execute):
    try:
        attempt()
        result = "reached by " + attempt.__name__
    except (ConnectionRefusedError, FileNotFoundError):
        result = "reached by " + attempt.__name__
    except OSError:
        pass
"""


@pytest.mark.slow
@pytest.mark.parametrize("profile", jail.PROFILES)
@pytest.mark.parametrize("layer", jail.LAYERS)
def test_file_connect_and_exec_are_stopped_when_one_layer_is_missing(
    layer: str, profile: str, tmp_path: Path
) -> None:
    """Who opens a file, reaches a server (TCP, UDP, a socket of a path) or starts a program writes `reached`."""
    (tmp_path / "data").write_text("wanted")
    path = str(tmp_path / "data") if profile == "reference" else ""

    outcome = run_jailed(ATTEMPTS, preload=PRELOAD, without=layer, profile=profile, path=path)

    if layer == "no_new_privs":  # without it the kernel refuses the next ones, and nothing runs at all
        assert outcome.exit_code in (1, 120)  # 120: the interpreter could not flush its output at exit
    elif profile == "reference" and layer in ("landlock", "seccomp"):
        assert "landlock+seccomp" in outcome.answer  # each needs the other: it does not begin without both
    else:
        assert outcome.signal == signal.SIGSYS or outcome.answer == "'stopped'", outcome.answer


@pytest.mark.skipif(HOST["landlock_abi"] == 0, reason="no Landlock here")
def test_reference_cannot_have_the_kernel_signal_somebody(tmp_path: Path) -> None:
    """F_SETOWN, F_SETSIG and O_ASYNC on a descriptor together are a kill of any process of the same user."""
    (tmp_path / "data").write_text("wanted")
    source = """
import fcntl
refused = 0
for command, value in ((fcntl.F_SETOWN, parent), (fcntl.F_SETSIG, 9), (fcntl.F_SETFL, 0o20000)):
    try:
        fcntl.fcntl(1, command, value)
    except PermissionError:
        refused += 1
result = refused, fcntl.fcntl(1, fcntl.F_GETFD)
"""
    preload = "import fcntl\n" + PRELOAD

    outcome = run_jailed(source, preload=preload, profile="reference", path=str(tmp_path / "data"))

    assert outcome.answer.startswith("(3, "), outcome.answer


def test_seal_refuses_when_readable_memory_would_be_executable() -> None:
    preload = SYSCALL + "\nassert call(135, 0x400000) >= 0" if HOST["arch"] == "x86_64" else ""

    if preload:
        assert "'personality'" in run_jailed("pass", preload=preload).answer


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"profile": "root"}, "no jail profile"),
        ({"layers": ("magic",)}, "no jail layer"),
        ({"path": "/etc/passwd"}, "`path` belongs to"),
        ({"profile": "reference"}, "`path` belongs to"),
    ],
)
def test_seal_refuses_before_any_layer_when_asked_nonsense(arguments: dict[str, str], text: str) -> None:
    outcome = run_jailed("pass", **arguments)  # type: ignore[arg-type]

    assert text in outcome.answer


def test_seal_names_the_layer_when_a_descriptor_to_keep_is_not_open() -> None:
    outcome = run_jailed("pass", preload="keep = (999,)")

    assert "Bad file descriptor: 'close_fds'" in outcome.answer


def test_seal_refuses_when_another_thread_would_stay_outside() -> None:
    preload = "import _thread; lock = _thread.allocate_lock(); lock.acquire()\n"
    preload += "_thread.start_new_thread(lock.acquire, ())"

    assert "'threads'" in run_jailed("pass", preload=preload).answer
