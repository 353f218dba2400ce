"""`machine.UART` over a serial port, a pseudo-terminal or any descriptor, with the waiting rules of boards.

A UART of a board never goes away; what is plugged into it may. So a port that hangs up is silence here, and is opened
again under the same path. Source of the rules: MicroPython 1.27, py/stream.c and ports/rp2/machine_uart.c.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import DeviceGoneError, ShimError
from ..ports import SerialOptions, open_serial

if TYPE_CHECKING:
    from .board import Board

CHUNK_BYTES = 4096  # most that is held between two calls
ALL_BYTES = 1 << 16  # most that `read()` returns
REOPEN_US = 500_000  # between two tries to open a port that hung up [us]
PARITY = {None: "N", 0: "E", 1: "O"}


class UART:
    """One UART. `timeout` and `timeout_char` are milliseconds; pins and buffers are accepted and mean nothing here."""

    board: ClassVar[Board]

    def __init__(self, id: int, *settings: Any, **more: Any) -> None:  # noqa: A002 - the board's name of it
        self._port = self.board.port(id)
        self._fd = -1
        self._held = b""
        self._gone_us = 0
        self.init(*settings, **more)

    def init(
        self,
        baudrate: int = 9600,
        bits: int = 8,
        parity: int | None = None,
        stop: int = 1,
        *,
        timeout: int = 0,
        timeout_char: int = 0,
        **_: object,
    ) -> None:
        """Open with these settings.

        Raises:
            DeviceGoneError: the port cannot be opened now.
            ShimError: `board.uart`, a setting no UART has.
        """
        if parity not in PARITY or bits not in (7, 8) or stop not in (1, 2):
            raise ShimError("board.uart", "a UART has 7 or 8 bits, parity None, 0 or 1, and 1 or 2 stop bits")
        self._line = (baudrate, PARITY[parity], stop, bits)
        self._timeout_us, self._timeout_char_us = timeout * 1000, timeout_char * 1000
        self.deinit()
        self._open()

    def deinit(self) -> None:
        """Close."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd, self._held = -1, b""

    def any(self) -> int:
        """How many bytes can be read without waiting."""
        self._pull()
        return len(self._held)

    def read(self, size: int = -1) -> bytes | None:
        """Up to `size` bytes, all there are without one; None where none came within `timeout`."""
        return self._fill(ALL_BYTES if size < 0 else size) or None

    def readinto(self, buffer: Any, size: int = -1) -> int | None:
        """Like `read`, into a buffer; how many came, or None."""
        view = memoryview(buffer).cast("B")
        data = self._fill(len(view) if size < 0 else min(size, len(view)))
        view[: len(data)] = data
        return len(data) or None

    def readline(self) -> bytes | None:
        """Up to and with the next line feed, or what came until nothing did for `timeout`."""
        out = b""
        while not out.endswith(b"\n") and (data := self._receive(1)):
            out += data
        return out or None

    def write(self, data: Any) -> int:
        """Send; what nobody listens to is sent all the same."""
        view = memoryview(data).cast("B")
        done = 0
        while done < len(view) and self._connected():
            try:
                done += os.write(self._fd, view[done:])
            except BlockingIOError:
                self.board.clock.sleep_us(1000)
            except OSError:
                self._hang_up()
        return len(view)

    def _fill(self, size: int) -> bytes:
        """As a stream reads: again and again until nothing comes."""
        out = b""
        while len(out) < size and (data := self._receive(size - len(out))):
            out += data
        return out

    def _receive(self, size: int) -> bytes:
        """As the driver reads: `timeout` for the first byte, `timeout_char` for each further one."""
        out = b""
        patience_us = self._timeout_us
        while len(out) < size:
            if not self._held:
                self._pull()
            if not self._held and self._wait(patience_us):
                self._pull()
            if not self._held:
                break
            room = size - len(out)
            out += self._held[:room]
            self._held = self._held[room:]
            patience_us = self._timeout_char_us
        return out

    def _wait(self, within_us: int) -> bool:
        if within_us <= 0:
            return False
        if self._connected():
            return self.board.clock.readable(self._fd, within_us)
        self.board.clock.sleep_us(within_us)
        return True

    def _pull(self) -> None:
        """Hold what is there, without waiting."""
        if self._held or not self._connected():
            return
        try:
            self._held = os.read(self._fd, CHUNK_BYTES)
        except BlockingIOError:
            return
        except OSError:  # EIO: the other side of a terminal is gone
            self._held = b""
        if not self._held:
            self._hang_up()

    def _open(self) -> None:
        if isinstance(self._port, int):
            self._fd = os.dup(self._port)
            os.set_blocking(self._fd, False)
            return
        self._fd = open_serial(SerialOptions(self._port, *self._line))

    def _hang_up(self) -> None:
        self.deinit()
        self._gone_us = self.board.clock.now_us()

    def _connected(self) -> bool:
        """Whether the port is open; opens it again from time to time where it has a path."""
        if self._fd >= 0:
            return True
        now_us = self.board.clock.now_us()
        if isinstance(self._port, int) or now_us - self._gone_us < REOPEN_US:
            return False
        self._gone_us = now_us
        with contextlib.suppress(DeviceGoneError):  # still unplugged
            self._open()
        return self._fd >= 0
