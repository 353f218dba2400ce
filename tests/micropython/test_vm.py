"""The runner of the MicroPython VM."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import tty
from importlib import resources

import pytest
from tests.micropython import vm as vm_module
from tests.micropython.vm import VERSION, VM, missing, require_vm

pytestmark = pytest.mark.slow  # 0.3 s a start
PORTABLE = resources.files("alloy_transforms.portable")


@pytest.fixture(autouse=True)
def _vm() -> None:
    require_vm()


def test_it_is_the_pinned_micropython_when_it_says_its_name() -> None:
    lines = VM({}, "import sys\nprint(sys.implementation.name, '%d.%d.%d' % sys.implementation[1][:3])").run()

    assert lines.lines() == [f"micropython {VERSION}"]


def test_kit_and_fmath_answer_when_a_script_imports_them() -> None:
    files = {f"{name}.py": PORTABLE.joinpath(f"{name}.py").read_bytes() for name in ("kit", "fmath")}
    script = "import kit, fmath, struct\nprint(kit.u16be(b'\\x01\\x02', 0), struct.pack('>d', fmath.exp(1.0)).hex())"

    assert VM(files, script).run().lines() == ["258 4005bf0a8b145769"]


def test_the_traceback_is_in_the_error_when_a_script_raises() -> None:
    result = VM({}, "print('before')\nraise ValueError('why')").run()

    assert (result.status, result.output) == (1, "before\n")
    assert "ValueError: why" in result.error
    with pytest.raises(AssertionError, match="why"):
        result.lines()


def test_a_script_is_killed_when_it_never_ends() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        VM({}, "while True:\n    pass").run(timeout_s=1)


def test_files_and_long_output_arrive_whole_when_there_are_many_lines() -> None:
    content = bytes(range(256)) * 2_000
    script = (
        "b = open('in.bin', 'rb').read()\nfor i in range(0, len(b), 128):\n    print(b[i : i + 128].hex())"
    )

    lines = VM({"in.bin": content}, script).run().lines()

    assert bytes.fromhex("".join(lines)) == content


ECHO = """
import binascii, descriptors
while True:
    text = descriptors.read(0, 64)
    if text is None:
        descriptors.sleep_ms(2)
        continue
    if not text:
        break
    descriptors.write(0, text)
print("closed")
"""


def test_a_socket_works_both_ways_when_it_is_handed_over() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(20)
    with ours, theirs:
        process = VM({}, ECHO, descriptors=[theirs.fileno()]).start()
        with process:
            for message in (b"\x00\xffone", b"two"):
                ours.sendall(message)
                assert ours.recv(64) == message
            ours.shutdown(socket.SHUT_WR)
            output, error = process.communicate(timeout=120)

    assert (output, error, process.returncode) == (b"closed\n", b"", 0)


def test_a_pty_works_both_ways_when_it_is_handed_over_beside_a_socket() -> None:
    master, slave = pty.openpty()
    ours, theirs = socket.socketpair()
    script = ECHO.replace("(0,", "(1,") + "print(descriptors.count)"
    tty.setraw(slave)
    with ours, theirs:
        process = VM({}, script, descriptors=[theirs.fileno(), slave]).start()
        os.close(slave)
        with process:
            os.write(master, b"BM\x00\x1c")
            assert os.read(master, 64) == b"BM\x00\x1c"
            os.close(master)
            output, error = process.communicate(timeout=120)

    assert (output, error) == (b"closed\n2\n", b"")


def test_the_reason_names_the_make_target_when_the_vm_is_not_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: os.PathLike[str]
) -> None:
    monkeypatch.setattr(vm_module, "INSTALLED", tmp_path)

    assert "make vm" in (missing() or "")
    monkeypatch.setenv("CI", "1")
    with pytest.raises(pytest.fail.Exception, match="make vm"):
        require_vm()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="make vm"):
        require_vm()
