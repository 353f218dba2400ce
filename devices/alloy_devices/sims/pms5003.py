"""A PMS5003 particle sensor that speaks its protocol: active and passive mode, read, sleep and wake.

Written from the data manual (PMS5003 series V2.3, appendix I and II), not from the transform. The sensor is
sans-I/O: bytes of commands in, frames out, time given.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterable

import trio

from .faults import FaultInjector, Faults
from .pty import PtyPort

START = b"\x42\x4d"
PERIOD_S = 1.0  # of active mode; the manual gives 200 ms to 2.3 s depending on change
COMMAND_BYTES = 7
Values = tuple[int, int, int, int, int, int, int, int, int, int, int, int]
"""PM1.0, PM2.5, PM10 for standard particles; the same in the atmosphere [ug/m3]; counts above 0.3, 0.5, 1.0,
2.5, 5.0 and 10 um in 0.1 L of air."""


def checked(body: bytes) -> bytes:
    """The bytes and their 16-bit sum, as every message of the sensor ends."""
    return body + struct.pack(">H", sum(body) & 0xFFFF)


def encode(values: Values, *, version: int = 0x97, error: int = 0) -> bytes:
    """A data frame of 32 bytes."""
    return checked(START + struct.pack(">H12HBB", 28, *values, version, error))


def spoil_checksum(frame: bytes) -> bytes:
    """The frame with another sum."""
    return frame[:-1] + bytes([frame[-1] ^ 0x55])


class Pms5003:
    """The sensor; `due` is called as time passes, `receive` with what the host wrote."""

    def __init__(self, *, seed: int = 1, period_s: float = PERIOD_S, recorded: Iterable[Values] = ()) -> None:
        self.sent: list[Values] = []
        self._random = random.Random(seed)  # noqa: S311 - has to be repeatable
        self._period_s = period_s
        self._recorded = iter(tuple(recorded))
        self._level = 12.0  # PM2.5 of the next reading [ug/m3]
        self._active = True
        self._awake = True
        self._next_s: float | None = None
        self._pending = b""

    def due(self, now_s: float) -> bytes | None:
        """The frame that active mode sends now, if its period is over."""
        if not (self._active and self._awake):
            self._next_s = None
            return None
        if self._next_s is not None and now_s < self._next_s:
            return None
        self._next_s = now_s + self._period_s
        return self._reading()

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the host and return the answers to the commands in them."""
        self._pending = (self._pending + data)[-256:]
        answers = b""
        while (at := self._pending.find(START)) >= 0 and len(self._pending) - at >= COMMAND_BYTES:
            command = self._pending[at : at + COMMAND_BYTES]
            if checked(command[:-2]) != command:
                self._pending = self._pending[at + 1 :]
                continue
            self._pending = self._pending[at + COMMAND_BYTES :]
            answers += self._obey(command[2], command[4])
        return answers

    def _obey(self, command: int, argument: int) -> bytes:
        if command == 0xE4:  # sleep 0, wake 1; acknowledged going to sleep only by silence
            self._awake = argument == 1
            return b""
        if not self._awake:
            return b""
        if command == 0xE2:  # read once, in passive mode
            return self._reading() if not self._active else b""
        if command == 0xE1:  # passive 0, active 1
            self._active = argument == 1
            return checked(START + struct.pack(">HBB", 4, 0xE1, argument))
        return b""

    def _reading(self) -> bytes:
        values = next(self._recorded, None) or self._walk()
        self.sent.append(values)
        return encode(values)

    def _walk(self) -> Values:
        """The next value of a slow random walk, with the ratios of ordinary room air."""
        self._level = min(400.0, max(1.0, self._level + self._random.uniform(-1.0, 1.0)))
        pm25 = round(self._level)
        pm1, pm10 = round(pm25 * 0.7), round(pm25 * 1.15)
        fine = round(pm25 * 180)
        counts = (fine, fine * 3 // 10, fine // 16, fine // 120, fine // 500, fine // 900)
        return (pm1, pm25, pm10, pm1, pm25, pm10, *counts)


async def run(port: PtyPort, sensor: Pms5003, *, faults: Faults | None = None) -> None:
    """Let a sensor live on a port until cancelled."""
    injector = FaultInjector(faults or Faults(), spoil=spoil_checksum)

    async def answer() -> None:
        while True:
            await port.write(sensor.receive(await port.receive()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        while True:
            frame = sensor.due(trio.current_time())
            if frame is not None:
                await port.play(injector.apply(frame))
            await trio.sleep(0.02)
