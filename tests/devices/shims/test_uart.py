"""The UART stand-in on real pseudo-terminals."""

from __future__ import annotations

import contextlib
import os
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from tests.devices.shims import terminals

from alloy_devices.errors import DeviceGoneError, ShimError
from alloy_devices.shims import Board, FakeClock
from alloy_devices.shims.uart import CHUNK_BYTES, REOPEN_US, UART
from alloy_devices.sims.pty import PtyPort


class Line:
    """A pseudo-terminal and the UART of a board at its far end."""

    def __init__(self, **settings: int) -> None:
        self.master, self.slave = terminals.pair()
        self.clock = FakeClock()
        self.board = Board(uart={1: self.slave}, clock=self.clock)
        with self.board:
            import machine

            self.uart: UART = machine.UART(1, 9600, **settings)
        self.board.clock = self.clock  # leaving the board made it the real one

    def send(self, data: bytes) -> None:
        terminals.send(self.master, self.slave, data)

    def close(self) -> None:
        self.uart.deinit()
        os.close(self.slave)
        if self.master >= 0:
            os.close(self.master)
            self.master = -1


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_reads_answer_none_when_nothing_came(line: Line) -> None:
    buffer = bytearray(4)

    assert (line.uart.any(), line.uart.read(), line.uart.read(3), line.uart.readline()) == (
        0,
        None,
        None,
        None,
    )
    assert line.uart.readinto(buffer) is None
    assert line.clock.now_us() == 0


def test_reads_give_what_is_there_when_less_came_than_was_asked(line: Line) -> None:
    buffer = bytearray(4)
    line.send(b"ab\ncdefghij\x00\xff")

    assert line.uart.any() == 13
    assert line.uart.read(2) == b"ab"
    assert line.uart.readline() == b"\n"
    assert (line.uart.readinto(buffer, 3), bytes(buffer)) == (3, b"cde\0")
    assert (line.uart.readinto(buffer), bytes(buffer)) == (4, b"fghi")
    assert line.uart.read(10) == b"j\x00\xff"
    assert line.uart.any() == 0


def test_what_was_written_arrives_when_the_other_side_reads(line: Line) -> None:
    assert line.uart.write(b"\x42\x4d\xe2\x00\x00\x01\x71") == 7
    assert line.uart.write(bytearray(b"\x0a\x0d")) == 2

    assert terminals.receive(line.master, 9) == b"\x42\x4d\xe2\x00\x00\x01\x71\x0a\x0d"


def test_memory_is_bounded_when_the_line_floods_and_nobody_reads(line: Line) -> None:
    os.set_blocking(line.master, False)
    sent = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            sent += os.write(line.master, b"x" * CHUNK_BYTES)

    assert 0 < line.uart.any() == line.uart.any() <= CHUNK_BYTES < sent
    assert len(line.uart.read(sent) or b"") <= sent


def test_a_read_waits_for_its_first_byte_when_there_is_a_timeout() -> None:
    line = Line(timeout=200)

    assert line.uart.read(4) is None
    assert line.clock.now_us() == 200_000
    line.send(b"ab")
    assert line.uart.read(4) == b"ab"  # waits for the rest, too
    assert line.clock.now_us() == 400_000
    assert line.uart.readline() is None
    line.close()


def test_a_read_waits_between_bytes_when_there_is_a_character_timeout() -> None:
    line = Line(timeout=100, timeout_char=10)
    rest = [b"cd", b"ef"]

    def later(now_us: int) -> None:
        if rest:
            line.send(rest.pop(0))

    line.clock = line.board.clock = FakeClock(on_sleep=later)
    line.send(b"ab")

    assert line.uart.read(6) == b"abcdef"
    assert line.clock.now_us() == 20_000
    line.close()


def test_a_real_wait_ends_when_bytes_come() -> None:
    master, slave = terminals.pair()
    with Board(uart=slave):
        import machine

        uart = machine.UART(0, timeout=20_000)
        sender = threading.Timer(0.01, os.write, (master, b"frame"))
        sender.start()
        assert uart.read(5) == b"frame"
        sender.join()
        uart.deinit()
    os.close(slave)
    os.close(master)


def test_a_hang_up_is_silence_when_the_uart_is_a_descriptor(line: Line) -> None:
    os.close(line.master)
    line.master = -1

    assert (line.uart.any(), line.uart.read()) == (0, None)
    line.clock.sleep_us(REOPEN_US)
    assert line.uart.read() is None  # a descriptor is not opened again
    assert line.uart.write(b"nobody listens") == 14
    assert line.uart.any() == 0


def collect(uart: UART, size: int) -> bytes:
    """Read this many bytes; the kernel may hand them over a little later."""
    data = b""
    deadline = time.monotonic() + 60
    while len(data) < size and time.monotonic() < deadline:
        data += uart.read(size - len(data)) or b""
    return data


def test_the_port_is_opened_again_when_it_is_plugged_in_again(tmp_path: Path) -> None:
    port = PtyPort(tmp_path / "uart")
    port.plug()
    clock = FakeClock()

    async def say(data: bytes) -> None:
        await port.write(data)

    with Board(uart=str(port.path), clock=clock):
        import machine

        uart = machine.UART(2, baudrate=9600, tx=4, rx=5, rxbuf=1024)
        trio.run(say, b"first")
        assert collect(uart, 5) == b"first"
        port.unplug()
        assert uart.read() is None
        clock.sleep_us(REOPEN_US)
        assert uart.read() is None  # still away
        port.plug()
        assert uart.any() == 0  # not yet tried
        clock.sleep_us(REOPEN_US)
        assert uart.any() == 0  # now open
        trio.run(say, b"second")
        assert collect(uart, 6) == b"second"
        uart.deinit()
    port.unplug()


def test_the_line_is_set_when_a_port_is_opened_by_path(tmp_path: Path) -> None:
    master, slave = os.openpty()
    with Board(uart=os.ttyname(slave)):
        import machine

        uart = machine.UART(1, 19200, 8, 1, 2)
        attributes = termios.tcgetattr(slave)
        uart.deinit()
    os.close(slave)
    os.close(master)

    assert attributes[4] == attributes[5] == termios.B19200
    assert attributes[2] & termios.CSTOPB


def test_the_program_is_told_when_there_is_no_such_port(tmp_path: Path) -> None:
    with Board(uart=str(tmp_path / "missing")) as board:
        import machine

        with pytest.raises(DeviceGoneError, match="not there"):
            machine.UART(1)
        assert board.port(7) == str(tmp_path / "missing")


@pytest.mark.parametrize("settings", [{"bits": 9}, {"parity": 3}, {"stop": 0}])
def test_a_setting_is_refused_when_no_uart_has_it(settings: dict[str, int]) -> None:
    with Board(uart="/dev/null"):
        import machine

        with pytest.raises(ShimError) as caught:
            machine.UART(1, **settings)

    assert caught.value.code == "board.uart"


def test_a_uart_is_refused_when_nothing_is_plugged_into_it() -> None:
    with Board(uart={1: "/dev/ttyUSB0"}):
        import machine

        with pytest.raises(ShimError, match=r"UART\(2\)") as caught:
            machine.UART(2)

    assert caught.value.code == "board.uart"
    assert "--uart 2=" in caught.value.hint
