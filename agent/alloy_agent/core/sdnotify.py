"""Tells the service manager how the daemon is, over the datagram socket systemd names in NOTIFY_SOCKET.

Sends never wait: the socket is non-blocking, and a message the manager does not take is dropped and counted.
The watchdog is fed by its owner only after the parts that matter have ticked, never by a timer of its own.
Source: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping

MAX_STATUS_CHARS = 200


class Notifier:
    """One connection to the service manager; without NOTIFY_SOCKET every call does nothing.

    Attributes:
        dropped: messages the manager did not take.
        watchdog_s: the manager acts after this much silence [s]; None where it does not watch.
    """

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self.watchdog_s = watchdog_s
        self.dropped = 0
        self._status = ""
        self._socket: socket.socket | None = None
        self._address = b""
        if address and address[0] in "/@":
            raw = os.fsencode(address)
            self._address = b"\0" + raw[1:] if address[0] == "@" else raw  # "@": abstract name, unix(7)
            kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
            self._socket = socket.socket(socket.AF_UNIX, kind)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Notifier:
        """The notifier systemd asks for; a watchdog meant for another process is ignored."""
        return cls(environ.get("NOTIFY_SOCKET"), _watchdog_s(environ))

    @property
    def active(self) -> bool:
        """True when somebody listens."""
        return self._socket is not None

    def ready(self, status: str = "") -> None:
        """Start-up, or a reload, is finished."""
        self._send("READY=1", status)

    def status(self, text: str) -> None:
        """One line for `systemctl status`; the same line is not sent twice."""
        if text != self._status:
            self._send("", text)

    def watchdog(self) -> None:
        """The parts that matter are alive."""
        self._send("WATCHDOG=1")

    def reloading(self, monotonic_us: Callable[[], int] = lambda: time.monotonic_ns() // 1000) -> None:
        """A reload begins; `ready` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={monotonic_us()}")

    def stopping(self, status: str = "") -> None:
        """The end has begun."""
        self._send("STOPPING=1", status)

    def close(self) -> None:
        """Let go of the socket; later calls do nothing."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, state: str, status: str = "") -> None:
        if self._socket is None:
            return
        lines = [state] if state else []
        if status:
            self._status = status
            # one datagram is one message and a line feed begins a new variable
            lines.append("STATUS=" + " ".join(status.split())[:MAX_STATUS_CHARS])
        try:
            self._socket.sendto("\n".join(lines).encode(), self._address)
        except OSError:
            # the manager is busy, restarting or gone: the daemon goes on, a missed watchdog is its business
            self.dropped += 1


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    microseconds = environ.get("WATCHDOG_USEC", "")
    pid = environ.get("WATCHDOG_PID", "")
    if not (microseconds.isascii() and microseconds.isdigit()) or int(microseconds) == 0:
        return None
    if pid and pid != str(os.getpid()):
        return None
    return int(microseconds) / 1e6
