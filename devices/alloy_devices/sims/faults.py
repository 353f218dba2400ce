"""The fault injector that all serial simulators share: frames in, things to do out. Pure and seeded."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

FLOOD_BYTES = 65_536  # what one flood sends


@dataclass(frozen=True, slots=True)
class Write:
    """Send these bytes in one write."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pause:
    """Send nothing for a while."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Unplug:
    """The port vanishes and comes back after a while."""

    seconds: float


Action = Write | Pause | Unplug


@dataclass(frozen=True, slots=True)
class Faults:
    """How likely each fault is for one frame, 0 to 1; all zero is a perfect line.

    `split` sends a frame in pieces; `merge` holds it back and sends it with the next; `garbage` puts noise
    before it; `checksum` damages its check; `flip` changes one bit anywhere; `duplicate` sends it twice;
    `silence` and `unplug` come before it; `flood` sends 64 KiB of noise.
    """

    split: float = 0.0
    merge: float = 0.0
    garbage: float = 0.0
    checksum: float = 0.0
    flip: float = 0.0
    duplicate: float = 0.0
    silence: float = 0.0
    unplug: float = 0.0
    flood: float = 0.0
    silence_s: float = 0.2
    unplug_s: float = 0.2
    piece_s: float = 0.0  # pause between the pieces of a split frame
    seed: int = 1


@dataclass(slots=True)
class FaultCounts:
    """What was done, so that a test can compare it with what the reader counted."""

    frames: int = 0
    damaged: int = 0  # wrong checksum or flipped bit
    duplicated: int = 0
    noise_bytes: int = 0
    silences: int = 0
    unplugs: int = 0


class FaultInjector:
    """Turns frames into actions.

    Args:
        faults: likelihoods and seed.
        spoil: damages the check of a frame; the default changes its last byte.
        noise: characters that garbage is made of; keep frame ends out of it where they would cut frames.
    """

    def __init__(
        self,
        faults: Faults,
        *,
        spoil: Callable[[bytes], bytes] | None = None,
        noise: bytes = bytes(range(256)),
    ) -> None:
        self.counts = FaultCounts()
        self._faults = faults
        self._spoil = spoil or _change_last
        self._noise = noise
        self._random = random.Random(faults.seed)  # noqa: S311 - has to be repeatable
        self._held = b""

    def apply(self, frame: bytes) -> Iterator[Action]:
        """What to do to send this frame."""
        faults, counts = self._faults, self.counts
        if self._happens(faults.unplug):
            counts.unplugs += 1
            self._held = b""
            yield Unplug(faults.unplug_s)
        if self._happens(faults.silence):
            counts.silences += 1
            yield Pause(faults.silence_s)
        data = b""
        if self._happens(faults.flood):
            data += self._garbage(FLOOD_BYTES)
        if self._happens(faults.garbage):
            data += self._garbage(self._random.randint(1, 40))
        counts.frames += 1
        sent = frame
        if self._happens(faults.checksum):
            sent = self._spoil(frame)
        elif self._happens(faults.flip):
            sent = self._flip(frame)
        counts.damaged += sent != frame
        data += sent
        if self._happens(faults.duplicate):
            counts.duplicated += 1
            data += sent
        if self._happens(faults.merge):
            self._held += data
            return
        data, self._held = self._held + data, b""
        if self._happens(faults.split):
            yield from self._pieces(data)
        else:
            yield Write(data)

    def script(self, frames: Iterable[bytes], interval_s: float = 0.0) -> Iterator[Action]:
        """All frames, with a pause after each; what is still held goes out at the end."""
        for frame in frames:
            yield from self.apply(frame)
            if interval_s > 0:
                yield Pause(interval_s)
        if self._held:
            yield Write(self._held)
            self._held = b""

    def _happens(self, likelihood: float) -> bool:
        return likelihood > 0 and self._random.random() < likelihood

    def _garbage(self, count: int) -> bytes:
        self.counts.noise_bytes += count
        return bytes(self._random.choices(self._noise, k=count))

    def _flip(self, frame: bytes) -> bytes:
        at = self._random.randrange(len(frame))
        return frame[:at] + bytes([frame[at] ^ 1 << self._random.randrange(8)]) + frame[at + 1 :]

    def _pieces(self, data: bytes) -> Iterator[Action]:
        at = 0
        while at < len(data):
            size = self._random.randint(1, max(1, len(data) // 3))
            yield Write(data[at : at + size])
            at += size
            if at < len(data):
                yield Pause(self._faults.piece_s)


def _change_last(frame: bytes) -> bytes:
    return frame[:-1] + bytes([frame[-1] ^ 0x01])
