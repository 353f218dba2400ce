"""Replays a gpsd test recording: the byte stream of a receiver, comment lines left out."""

from __future__ import annotations

from collections.abc import Iterator

from .faults import FaultInjector, Faults
from .pty import PtyPort

NMEA_NOISE = bytes(set(range(32, 127)) - set(b"$!*"))
"""Garbage that looks like text and contains no start, no check mark and no line end."""


def sentences(log: bytes) -> Iterator[bytes]:
    """Lines of a recording with their line ends, as the receiver sent them."""
    for line in log.splitlines(keepends=True):
        if not line.startswith(b"#"):
            yield line


def spoil_checksum(sentence: bytes) -> bytes:
    """The sentence with another checksum digit; its line end stays."""
    body = sentence.rstrip(b"\r\n")
    if len(body) < 3 or body[-3:-2] != b"*":
        return sentence
    digit = b"0" if body[-1:] != b"0" else b"1"
    return body[:-1] + digit + sentence[len(body) :]


async def replay(
    port: PtyPort, log: bytes, *, interval_s: float = 0.0, faults: Faults | None = None, repeat: bool = False
) -> FaultInjector:
    """Send a recording over a port, once or until cancelled; returns the injector with its counts.

    Args:
        port: plugged in already.
        log: content of a gpsd `.log` file.
        interval_s: pause after each line, 0 as fast as the reader takes it.
        faults: what goes wrong; nothing by default.
        repeat: start again at the end, until cancelled.
    """
    injector = FaultInjector(faults or Faults(), spoil=spoil_checksum, noise=NMEA_NOISE)
    await port.play(injector.script(sentences(log), interval_s))
    while repeat:
        await port.play(injector.script(sentences(log), interval_s))
    return injector
