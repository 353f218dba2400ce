"""A pseudo-terminal that stands for a serial port, and can be pulled out and put back.

Like a real line it loses what is sent while nobody has the port open. Writes never block: a pty takes about
20 KiB before it is full, and a simulator whose reader is slow has to wait without stopping the event loop.
openpty carries no baud rate, parity or modem lines.
"""

from __future__ import annotations

import contextlib
import os
import select
import termios
import tty
from collections.abc import Iterable
from pathlib import Path

import trio

from .faults import Action, Pause, Unplug, Write

READ_BYTES = 4096
POLL_S = 0.01  # how often the port is looked at while nobody has it open
UNTOUCHED = 255  # VMIN of a port that no program has configured


class PtyPort:
    """The simulator's side of a serial port; `path` is a symlink to the side that a program opens."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._master = -1

    def plug(self) -> None:
        """Make the port appear at `path`."""
        if self._master >= 0:
            return
        self._master, slave = os.openpty()
        os.set_blocking(self._master, False)
        tty.setraw(slave)  # bytes pass as they are: no echo, no line ends changed
        attributes = termios.tcgetattr(slave)
        attributes[6][termios.VMIN] = UNTOUCHED
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        beside = self.path.with_name(self.path.name + ".new")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.ttyname(slave))
        beside.replace(self.path)
        os.close(slave)

    def unplug(self) -> None:
        """Make the port vanish; a program that has it open sees it hang up."""
        if self._master < 0:
            return
        self.path.unlink(missing_ok=True)
        with contextlib.suppress(RuntimeError):  # outside of an event loop nobody waits for it
            trio.lowlevel.notify_closing(self._master)
        os.close(self._master)
        self._master = -1

    async def wait_ready(self) -> None:
        """Wait until the `lines` source has opened and configured the port.

        Opening a serial port throws away what came before; a replay that must arrive whole starts here.
        """
        while not self._ready():  # noqa: ASYNC110 - the kernel tells nobody
            await trio.sleep(POLL_S)

    async def write(self, data: bytes) -> None:
        """Send, waiting while the reader does not keep up; lost where nobody has the port open."""
        await trio.lowlevel.checkpoint()
        while data and self._open():
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                await trio.sleep(POLL_S)  # not wait_writable: a reader that leaves would never wake it

    async def receive(self) -> bytes:
        """What the program wrote to its port; waits for it."""
        while True:
            if self._open():
                with contextlib.suppress(BlockingIOError, OSError):  # EIO: it was closed just now
                    return os.read(self._master, READ_BYTES)
            await trio.sleep(POLL_S)

    async def play(self, actions: Iterable[Action]) -> None:
        """Carry out what a script or a fault injector says."""
        for action in actions:
            if isinstance(action, Write):
                await self.write(action.data)
            elif isinstance(action, Pause):
                await trio.sleep(action.seconds)
            else:
                assert isinstance(action, Unplug)
                self.unplug()
                await trio.sleep(action.seconds)
                self.plug()

    def _ready(self) -> bool:
        if not self._open():
            return False
        least = termios.tcgetattr(self._master)[6][termios.VMIN]  # of the other side: a pty has one set
        return least in (1, b"\x01")

    def _open(self) -> bool:
        """Whether a program has the port open."""
        if self._master < 0:
            return False
        poller = select.poll()
        poller.register(self._master, 0)
        return not any(events & select.POLLHUP for _, events in poller.poll(0))
