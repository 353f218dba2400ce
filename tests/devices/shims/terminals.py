"""Pseudo-terminals whose bytes are there when `send` returns: the kernel hands them over a little later."""

from __future__ import annotations

import array
import fcntl
import os
import termios
import time
import tty


def pair() -> tuple[int, int]:
    """Both ends of a line that passes bytes as they are."""
    master, slave = os.openpty()
    tty.setraw(slave)
    return master, slave


def waiting(slave: int) -> int:
    """How many bytes can be read."""
    count = array.array("i", [0])
    fcntl.ioctl(slave, termios.FIONREAD, count)
    return count[0]


def send(master: int, slave: int, data: bytes) -> None:
    """Write, and wait until all of it can be read."""
    before = waiting(slave)
    os.write(master, data)
    deadline = time.monotonic() + 60
    while waiting(slave) < before + len(data):
        assert time.monotonic() < deadline
        time.sleep(0.0005)


def receive(master: int, size: int) -> bytes:
    """Read exactly this many bytes."""
    data = b""
    while len(data) < size:
        data += os.read(master, size - len(data))
    return data
