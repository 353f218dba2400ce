"""The `lines` source: frames from a serial port or a TCP stream, with reconnect and hot-plug.

The state of a connection (its framer, its silence timer) lives and dies with it: half a frame from before a
reconnect is never glued to bytes that come after it.
"""

from __future__ import annotations

import math
import random

import trio

from .clock import HostClock
from .errors import DeviceGoneError
from .framing import Frame, Framer, FramingSpec, make_framer
from .ports import Port, SerialOptions, TcpOptions, open_port
from .source import Emit, Input, SourceStats

BACKOFF_FIRST_S = 0.1
BACKOFF_MAX_S = 5.0  # a device plugged in again is found within this time
NS = 1_000_000_000


class Lines:
    """A `Source` of frames. It cannot be acknowledged: a line that was read cannot be asked for again."""

    can_acknowledge = False

    def __init__(
        self,
        name: str,
        options: SerialOptions | TcpOptions,
        framing: FramingSpec,
        *,
        silence_s: float = 0.0,
        clock: HostClock | None = None,
        backoff_max_s: float = BACKOFF_MAX_S,
    ) -> None:
        self.name = name
        self.stats = SourceStats()
        self._options = options
        self._framing = framing
        self._silence_s = silence_s if silence_s > 0 else math.inf
        self._clock = clock or HostClock()
        self._backoff_max_s = backoff_max_s

    async def run(self, emit: Emit) -> None:
        """Open, read, and open again, until cancelled.

        All frames of one read go out together; while `emit` waits nothing is read, so a full pipeline
        fills the kernel's buffer and then the sender's, never this process.
        """
        delay_s = BACKOFF_FIRST_S
        opened_before = False
        while True:
            before = self.stats.bytes
            try:
                port = await open_port(self._options)
                try:
                    self.stats.connected = True
                    self.stats.reconnects += opened_before
                    opened_before = True
                    await self._serve(port, emit)
                finally:
                    self.stats.connected = False
                    with trio.CancelScope(shield=True):
                        await port.aclose()
            except DeviceGoneError as error:
                self.stats.last_error = str(error)
            if self.stats.bytes > before:  # it worked: the next try may come soon
                delay_s = BACKOFF_FIRST_S
            await trio.sleep(delay_s * random.uniform(0.7, 1.0))  # noqa: S311 - spreads retries, no secret
            delay_s = min(delay_s * 2, self._backoff_max_s)

    async def _serve(self, port: Port, emit: Emit) -> None:
        """Read one connection until it is gone or silent."""
        framer = make_framer(self._framing)
        silent_at = trio.current_time() + self._silence_s
        while True:
            now_ns = self._clock.monotonic_ns()
            gap_ns = framer.deadline()
            gap_s = math.inf if gap_ns is None else max(0, gap_ns - now_ns) / NS
            data = b""
            with trio.move_on_at(min(trio.current_time() + gap_s, silent_at)):
                data = await port.receive()
            now_ns = self._clock.monotonic_ns()
            if data:
                self.stats.bytes += len(data)
                silent_at = trio.current_time() + self._silence_s
            frames = self._frames(framer, data, now_ns)
            if frames:
                await emit(self._inputs(frames, now_ns))
                silent_at = trio.current_time() + self._silence_s  # a waiting pipeline is no silence
            elif not data and trio.current_time() >= silent_at:
                raise DeviceGoneError(
                    "device.silent",
                    "nothing came from the device",
                    where=self.name,
                    expected=f"some bytes every {self._silence_s:g} s",
                    hint="`silence_s` sets the limit, 0 switches it off",
                    retryable=True,
                )

    def _frames(self, framer: Framer, data: bytes, now_ns: int) -> list[Frame]:
        """Feed or flush the framer and carry its counters over."""
        dropped, lost = framer.stats.dropped_bytes, framer.stats.resynchronisations
        frames = framer.feed(data, now_ns) if data else framer.flush(now_ns)
        self.stats.dropped_bytes += framer.stats.dropped_bytes - dropped
        self.stats.resynchronisations += framer.stats.resynchronisations - lost
        return frames

    def _inputs(self, frames: list[Frame], now_ns: int) -> list[Input]:
        """Frames as inputs: their monotonic times become UTC by what the clock says now."""
        offset_ns = self._clock.utc_ns() - now_ns
        state = self._clock.state()
        self.stats.inputs += len(frames)
        return [Input(frame.payload, frame.received_ns + offset_ns, state) for frame in frames]
