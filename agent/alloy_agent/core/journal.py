"""The native protocol of the systemd journal: one datagram an entry, fields of their own.

Source: systemd, "Native Journal Protocol" (docs/JOURNAL_NATIVE_PROTOCOL.md); systemd.exec(5), JOURNAL_STREAM.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import struct
from collections.abc import Mapping

SOCKET = "/run/systemd/journal/socket"
MAX_DATAGRAM_BYTES = 60_000  # well below the default send buffer; larger entries would need a memfd

_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def priority(level: int) -> int:
    """syslog priority of a logging level."""
    return next((number for floor, number in _PRIORITIES if level >= floor), 7)


def stream_is_journal(environ: Mapping[str, str], fd: int = 2) -> bool:
    """True when `fd` is the stream that systemd connected to the journal (JOURNAL_STREAM names its inode)."""
    wanted = environ.get("JOURNAL_STREAM", "")
    try:
        facts = os.fstat(fd)
    except OSError:
        return False
    return wanted == f"{facts.st_dev}:{facts.st_ino}"


class Journal:
    """A non-blocking connection; `dropped` counts entries the journal did not take."""

    def __init__(self, path: str = SOCKET) -> None:
        self._path = path
        self.dropped = 0
        self._socket = socket.socket(
            socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        )

    def send(self, level: int, message: str, source: str, event: str, fields: Mapping[str, object]) -> bool:
        """Send one entry; False when it was not taken, so that the caller may write it elsewhere."""
        entry = {"MESSAGE": message, "PRIORITY": str(priority(level)), "SYSLOG_IDENTIFIER": "alloy-edge"}
        entry |= {"ALLOY_SOURCE": source, "ALLOY_EVENT": event} if event else {"ALLOY_SOURCE": source}
        if source.startswith("pipeline."):
            entry["ALLOY_PIPELINE"] = source.removeprefix("pipeline.")
        entry |= {f"ALLOY_{_name(key)}": str(value) for key, value in fields.items()}
        data = b""
        for name, value in entry.items():
            piece = _field(name, value)
            if len(data) + len(piece) <= MAX_DATAGRAM_BYTES:  # a field that does not fit is left out whole
                data += piece
        try:
            self._socket.sendto(data, self._path)
        except OSError:
            self.dropped += 1
            return False
        return True

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


def _name(key: str) -> str:
    return re.sub(r"[^A-Z0-9_]", "_", key.upper())[:50]


def _field(name: str, value: str) -> bytes:
    """`NAME=value`, or for values of several lines the name, a 64-bit length and the bytes."""
    data = value.encode("utf-8", "replace")
    if b"\n" not in data:
        return name.encode() + b"=" + data + b"\n"
    return name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n"
