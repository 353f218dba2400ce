"""The same script on the MicroPython VM and on CPython with the stand-ins says the same."""

from __future__ import annotations

import contextlib
import io
import os
import socket

import pytest
from tests.devices.shims import terminals
from tests.micropython.vm import VM, require_vm

from alloy_devices.shims import Board
from alloy_devices.shims.names import ALIASES

pytestmark = pytest.mark.slow  # 0.3 s a start of the VM


@pytest.fixture(autouse=True)
def _vm() -> None:
    require_vm()


def here(script: str, **given: object) -> list[str]:
    """What the script prints on CPython with the stand-ins."""
    said = io.StringIO()
    with Board(), contextlib.redirect_stdout(said):
        exec(compile(script, "script", "exec"), {"__name__": "__main__", **given})
    return said.getvalue().splitlines()


TICKS = """
import time
HALF = 1 << 29
for start in (0, 1, 5, HALF - 1, HALF, HALF + 1, 2 * HALF - 2, 2 * HALF - 1):
    for delta in (0, 1, -1, 1000, -1000, HALF - 1, 1 - HALF, HALF, -HALF, 2 * HALF):
        try:
            end = time.ticks_add(start, delta)
            print(start, delta, end, time.ticks_diff(end, start), time.ticks_diff(start, end))
        except OverflowError as error:
            print(start, delta, "OverflowError", error)
print(time.ticks_diff(0, HALF), time.ticks_diff(HALF, 0), time.ticks_diff(5, 2 * HALF - 5))
for name in ("ticks_ms", "ticks_us"):
    ticks = getattr(time, name)
    begun = ticks()
    time.sleep_ms(3)
    print(name, 0 <= begun < 2 * HALF, time.ticks_diff(ticks(), begun) >= 3)
time.sleep(0)
time.sleep_us(0)
"""

CONST = """
import micropython
from micropython import const
_A = const(5)
B = const(0x42 << 8 | 0x4D)
print(_A, B, const("text"), const((1, 2)), micropython.const(-1))
"""

SYS = """
import gc, io, sys
def fail():
    raise ValueError("why")
try:
    fail()
except ValueError as error:
    out = io.StringIO()
    sys.print_exception(error, out)
    lines = out.getvalue().split("\\n")
    print(lines[0], lines[-2])
print(gc.mem_free() > 0, gc.mem_alloc() > 0, gc.isenabled())
gc.collect()
"""

STREAM = """
buffer = bytearray(4)
print(stream.read(2), stream.readline(), stream.readline())
print(stream.readinto(buffer), bytes(buffer), stream.readinto(buffer, 1), bytes(buffer))
print(stream.read(10))
print(stream.write(b"xyz"), stream.write(bytearray(b"")))
take_out(3)
print(stream.read(1) or None, stream.readline() or None, stream.readinto(buffer) or None)
"""
CONTENT = b"ab\n\xff\x00d\nefghij12"


@pytest.mark.parametrize("script", [TICKS, CONST, SYS], ids=["ticks", "const", "sys"])
def test_both_say_the_same_when_a_script_uses_it(script: str) -> None:
    assert VM({}, script).run().lines() == here(script)


KNOWN = {"array": "array", "binascii": "hexlify", "collections": "deque", "errno": "EAGAIN", "hashlib": "sha256",
         "heapq": "heappush", "io": "BytesIO", "json": "loads", "os": "listdir", "random": "getrandbits", "re": "match",
         "select": "poll", "struct": "unpack", "sys": "modules", "time": "ticks_ms"}  # fmt: skip


def test_old_names_are_the_modules_when_they_are_imported() -> None:
    script = f"for name, part in {sorted(KNOWN.items())!r}:\n    print(name, hasattr(__import__('u' + name), part))"

    assert VM({}, script).run().lines() == here(script) == [f"{name} True" for name in sorted(KNOWN)]
    assert {*KNOWN, "socket"} == set(ALIASES)  # the VM has no network
    assert here("import socket, usocket\nprint(usocket is socket)") == ["True"]


def on_the_vm() -> list[str]:
    """What the stream methods of MicroPython say: RingIO is a stream without driver that gives back what is written."""
    head = f"import micropython\nstream = micropython.RingIO(64)\nstream.write({CONTENT!r})\ntake_out = stream.read\n"
    return VM({}, head + STREAM).run().lines()


def test_streams_behave_alike_when_the_stream_is_a_uart() -> None:
    master, slave = terminals.pair()
    terminals.send(master, slave, CONTENT)
    with Board(uart=slave):
        import machine

        uart = machine.UART(1)
    said = here(STREAM, stream=uart, take_out=int)
    uart.deinit()
    os.close(slave)
    os.close(master)

    assert said == on_the_vm()


def test_streams_behave_alike_when_the_stream_is_a_socket() -> None:
    with Board():
        import socket as board_socket
    near, far = socket.socketpair()
    with far, board_socket.socket(fileno=near.detach()) as stream:
        stream.setblocking(False)
        far.sendall(CONTENT)
        said = here(STREAM, stream=stream, take_out=int)

    assert said == on_the_vm()
