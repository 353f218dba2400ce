"""Where `lines` reads from: a serial port or a TCP stream, behind two methods.

pyserial opens and configures the port and is then done with: reads go to the descriptor itself, which is
two orders of magnitude faster than its read calls. Foreign errors become coded ones here and nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import termios
from dataclasses import dataclass
from typing import Protocol

import trio

from .errors import DeviceGoneError

READ_BYTES = 32_768  # most that one read returns: framing it takes a few milliseconds at worst [B]
CONNECT_TIMEOUT_S = 10.0
KEEPALIVE = (  # a peer that vanished without a word is noticed after about a minute
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),
)


@dataclass(frozen=True, slots=True)
class SerialOptions:
    """A serial port; prefer the stable names under /dev/serial/by-id."""

    port: str
    baud: int = 9600
    parity: str = "N"  # N | E | O | M | S
    stop_bits: float = 1  # 1 | 1.5 | 2
    data_bits: int = 8  # 5 to 8


@dataclass(frozen=True, slots=True)
class TcpOptions:
    """A TCP stream: a serial server, a receiver with a network port."""

    host: str
    port: int


class Port(Protocol):
    """An open port."""

    async def receive(self) -> bytes:
        """Wait for bytes; raises `DeviceGoneError` when the other side is gone."""
        ...

    async def aclose(self) -> None:
        """Close; closing twice is harmless."""
        ...


async def open_port(options: SerialOptions | TcpOptions) -> Port:
    """Open a port.

    Raises:
        DeviceGoneError: `device.gone`, `device.permission`, `device.busy` or `device.open`; all may go away.
    """
    if isinstance(options, TcpOptions):
        return await _open_tcp(options)
    return SerialPort(await trio.to_thread.run_sync(open_serial, options), options.port)


async def _open_tcp(options: TcpOptions) -> Port:
    where = f"{options.host}:{options.port}"
    try:
        with trio.fail_after(CONNECT_TIMEOUT_S):
            stream = await trio.open_tcp_stream(options.host, options.port)
    except (OSError, trio.TooSlowError) as error:
        raise gone("the peer does not answer", where, error) from error
    for level, option, value in KEEPALIVE:
        stream.setsockopt(level, option, value)
    return TcpPort(stream, where)


class TcpPort:
    """A connected stream."""

    def __init__(self, stream: trio.SocketStream, where: str) -> None:
        self._stream = stream
        self._where = where

    async def receive(self) -> bytes:
        """See `Port.receive`."""
        try:
            data = await self._stream.receive_some(READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise gone("the connection broke", self._where, error) from error
        if not data:
            raise gone("the peer closed the connection", self._where)
        return bytes(data)

    async def aclose(self) -> None:
        """See `Port.aclose`."""
        await trio.aclose_forcefully(self._stream)


class SerialPort:
    """A configured, non-blocking descriptor of a terminal."""

    def __init__(self, fd: int, where: str) -> None:
        self._fd = fd
        self._where = where

    async def receive(self) -> bytes:
        """See `Port.receive`."""
        while True:
            await trio.lowlevel.wait_readable(self._fd)
            try:
                data = os.read(self._fd, READ_BYTES)
            except BlockingIOError:
                continue  # somebody else took it, or the readiness was stale
            except OSError as error:  # EIO: hung up, the plug was pulled
                raise gone("the device hung up", self._where, error) from error
            if not data:
                raise gone("the device hung up", self._where)
            return data

    async def aclose(self) -> None:
        """See `Port.aclose`."""
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        trio.lowlevel.notify_closing(fd)
        with contextlib.suppress(OSError):  # the device may be gone: then there is nothing to undo
            fcntl.ioctl(fd, termios.TIOCNXCL)
        os.close(fd)


def gone(what: str, where: str, error: BaseException | None = None) -> DeviceGoneError:
    """`device.gone` with the system's reason."""
    return DeviceGoneError("device.gone", what, where=where, got=str(error) if error else "", retryable=True)


def open_serial(options: SerialOptions) -> int:
    """Open, lock and configure; return a descriptor of our own. Runs in a thread: a driver may block."""
    import serial  # here, so that a host without serial sources does not pay for it

    try:
        port = serial.Serial(
            port=options.port,
            baudrate=options.baud,
            bytesize=options.data_bits,
            parity=options.parity,
            stopbits=options.stop_bits,
            timeout=0,
            exclusive=True,
        )
    except (serial.SerialException, ValueError, OSError) as error:
        raise refused(options, error) from error
    try:
        fd = os.dup(
            port.fileno()
        )  # pyserial keeps four more descriptors of its own; the lock stays with ours
        fcntl.ioctl(fd, termios.TIOCEXCL)  # the lock is advisory, this also keeps `cat` out
        _report_nothing_as_such(fd)
    except (OSError, termios.error) as error:
        raise refused(options, error) from error
    finally:
        port.close()
    return fd


def _report_nothing_as_such(fd: int) -> None:
    """Make an empty read EAGAIN, so that zero bytes mean a hang-up (pyserial's VMIN 0 makes both zero)."""
    attributes = termios.tcgetattr(fd)
    attributes[6][termios.VMIN] = 1
    attributes[6][termios.VTIME] = 0
    termios.tcsetattr(fd, termios.TCSANOW, attributes)


def refused(options: SerialOptions, error: Exception) -> DeviceGoneError:
    """The coded form of what the system or pyserial said when a port was opened."""
    number = getattr(error, "errno", None)
    hint = ""
    if number in (errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.EIO):
        code, what = "device.gone", "the serial port is not there"
        hint = "is it plugged in? names under /dev/serial/by-id stay the same across reboots"
    elif number in (errno.EACCES, errno.EPERM):
        code, what = "device.permission", "the serial port may not be opened by this user"
        hint = "add the user to the group that owns the port, usually `dialout`"
    elif number in (errno.EBUSY, errno.EAGAIN):
        code, what = "device.busy", "another program has the serial port open"
        hint = "`fuser` on the port names it; ModemManager and gpsd are frequent ones"
    else:
        code, what = "device.open", "the serial port cannot be used with these settings"
    return DeviceGoneError(code, what, where=options.port, got=str(error), hint=hint, retryable=True)
