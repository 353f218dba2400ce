"""Learns from sound payloads which lengths and checksums they carry, so that changed ones can be made sound again.

Generated inputs whose checksum is wrong reach one `raise` and nothing behind it. A rule is believed only if every
payload keeps it and chance is an unlikely reason. Pure; knows no device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

Sum = Callable[[bytes], int]
Order = Literal["big", "little"]
MAX_PREFIX = 8  # bytes before what a checksum covers, and positions of a length
MAX_SUFFIX = 4  # bytes behind a checksum
MAX_PAYLOADS = 64
MAX_LEARNED = 1024  # bytes of a payload: each checksum is tried at each place of it
EVIDENCE_BITS = 16  # about a thousand rules are tried: one of them fits by chance in one format of sixty


def crc16(poly: int, init: int, data: bytes) -> int:
    """Most significant bit first, no final xor."""
    crc = init
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ poly) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def crc16_reflected(poly: int, init: int, data: bytes) -> int:
    """Least significant bit first, no final xor."""
    crc = init
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ poly if crc & 1 else crc >> 1
    return crc


def crc8(poly: int, init: int, data: bytes) -> int:
    """Most significant bit first, no final xor."""
    crc = init
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ poly) & 0xFF if crc & 0x80 else crc << 1
    return crc


def xor8(data: bytes) -> int:
    """Exclusive or of all bytes."""
    total = 0
    for byte in data:
        total ^= byte
    return total


SUMS: tuple[tuple[int, Sum], ...] = (
    (2, lambda data: sum(data) & 0xFFFF),
    (2, partial(crc16_reflected, 0xA001, 0xFFFF)),  # Modbus
    (2, partial(crc16, 0x1021, 0xFFFF)),  # CCITT
    (2, partial(crc16, 0x1021, 0)),  # XMODEM
    (1, lambda data: sum(data) & 0xFF),
    (1, lambda data: -sum(data) & 0xFF),
    (1, lambda data: ~sum(data) & 0xFF),
    (1, xor8),
    (1, partial(crc8, 0x31, 0xFF)),
    (1, partial(crc8, 0x07, 0)),
)
"""(bytes, function) of the checksums that are tried, the strong ones first."""


@dataclass(frozen=True, slots=True)
class Length:
    """The bytes at `at` hold the length of the payload less `less`."""

    at: int
    width: int
    order: Order
    less: int

    def holds(self, data: bytes) -> bool:
        """Whether it is so in `data`."""
        stored = data[self.at : self.at + self.width]
        return len(stored) == self.width and int.from_bytes(stored, self.order) == len(data) - self.less

    def mend(self, data: bytearray) -> None:
        """Make it so, where it fits."""
        value = len(data) - self.less
        if self.at + self.width <= len(data) and 0 <= value < 1 << 8 * self.width:
            data[self.at : self.at + self.width] = value.to_bytes(self.width, self.order)


@dataclass(frozen=True, slots=True)
class Checksum:
    """`width` bytes, `suffix` bytes before the end, hold the checksum of what lies from `prefix` to them."""

    prefix: int
    suffix: int
    width: int
    order: Order
    of: Sum

    def place(self, data: bytes | bytearray) -> int:
        """Offset of the checksum; negative where the payload is too short or too long for one."""
        at = len(data) - self.suffix - self.width
        return at if self.prefix < at <= MAX_LEARNED else -1

    def stored(self, data: bytes) -> bytes:
        """The checksum as it stands in `data`."""
        at = self.place(data)
        return data[at : at + self.width] if at >= 0 else b""

    def holds(self, data: bytes) -> bool:
        """Whether it is right in `data`."""
        return self.stored(data) == self._made(data)

    def mend(self, data: bytearray) -> None:
        """Make it right."""
        at = self.place(data)
        if at >= 0:
            data[at : at + self.width] = self._made(data)

    def _made(self, data: bytes | bytearray) -> bytes:
        return self.of(bytes(data[self.prefix : max(self.place(data), 0)])).to_bytes(self.width, self.order)


class Asterisk:
    """Two hexadecimal digits behind the last asterisk: exclusive or of what lies from the second byte to it.

    Source: NMEA 0183, section 5.3.
    """

    def holds(self, data: bytes) -> bool:
        """Whether `data` has one and it is right."""
        star = data.rfind(b"*")
        return star > 1 and data[star + 1 : star + 3].upper() == b"%02X" % xor8(bytes(data[1:star]))

    def mend(self, data: bytearray) -> None:
        """Make it right, or put one at the end."""
        star = data.rfind(b"*")
        if star < 2:
            end = len(data.rstrip(b"\r\n "))
            data[end:end] = b"*00"
            star = end
        data[star + 1 : star + 3] = b"%02X" % xor8(bytes(data[1:star]))


Rule = Length | Checksum | Asterisk


def learn(payloads: Sequence[bytes]) -> tuple[Rule, ...]:
    """The rules that all payloads keep, in the order in which they must be mended.

    Args:
        payloads: sound ones, such as the EXAMPLES without an error; long ones are left out.
    """
    different = sorted({p for p in payloads if len(p) <= MAX_LEARNED}, key=lambda p: (len(p), p))[
        :MAX_PAYLOADS
    ]
    if not different:
        return ()
    asterisk = Asterisk()
    if all(map(asterisk.holds, different)):
        return (asterisk,)
    return (*_lengths(different), *_checksum(different))


def _lengths(payloads: Sequence[bytes]) -> list[Rule]:
    """Length fields; two different lengths that agree are evidence enough, one is none."""
    if len({len(p) for p in payloads}) < 2:
        return []
    found: list[Rule] = []
    first = payloads[0]
    forms: tuple[tuple[int, Order], ...] = ((2, "big"), (2, "little"), (1, "big"))
    for width, order in forms:
        for at in range(2 * MAX_PREFIX):
            value = int.from_bytes(first[at : at + width], order)
            rule = Length(at, width, order, len(first) - value)
            taken = any(isinstance(r, Length) and r.at <= at < r.at + r.width for r in found)
            if not taken and 0 <= rule.less <= 2 * MAX_PREFIX and all(map(rule.holds, payloads)):
                found.append(rule)
    return found


def _checksum(payloads: Sequence[bytes]) -> list[Rule]:
    """The first checksum that all keep, if it says something in enough of them."""
    orders: tuple[Order, ...] = ("big", "little")
    for width, of in SUMS:
        for order in orders[:width]:
            for suffix in range(MAX_SUFFIX + 1):
                for prefix in range(MAX_PREFIX + 1):
                    rule = Checksum(prefix, suffix, width, order, of)
                    said = sum(any(rule.stored(p)) for p in payloads)
                    if said * width * 8 >= EVIDENCE_BITS and all(map(rule.holds, payloads)):
                        return [rule]
    return []
