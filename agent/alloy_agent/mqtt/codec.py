"""The one place that touches the `mqtt5` codec: bytes in, packets out, no I/O.

Traps of `mqtt5` 0.8 that end here: "more bytes" is an IndexError, malformed a ValueError, text that is not
UTF-8 a Rust panic (a BaseException); enums are no IntEnum and only `==` works on them.
"""

from __future__ import annotations

from collections.abc import Callable

import mqtt5
from mqtt5 import Packet

from ..errors import LinkError

_read: Callable[[memoryview | bytes], tuple[Packet, int]] = mqtt5.read  # type: ignore[assignment]  # takes views, too
QOS = (mqtt5.QoS.AT_MOST_ONCE, mqtt5.QoS.AT_LEAST_ONCE, mqtt5.QoS.EXACTLY_ONCE)
PINGREQ = mqtt5.PingReqPacket().write()
PINGRESP = mqtt5.PingRespPacket().write()
CONNACK_311_WRONG_VERSION = b"\x20\x02\x00\x01"
"""What a broker that knows only MQTT 3.1.1 answers (3.1.1 section 3.2.2.3)."""
HEADER_BYTES = 5
"""Longest fixed header: one type byte and four length bytes (MQTT 5.0, section 2.1.4)."""


def frame_length(data: bytes, start: int = 0) -> int:
    """Whole length of the packet that begins at `start` [bytes]; 0 when the header is not complete.

    Raises:
        LinkError: `mqtt.malformed`, the length field has more than four bytes.
    """
    value = 0
    for index in range(1, HEADER_BYTES):
        if start + index >= len(data):
            return 0
        byte = data[start + index]
        value |= (byte & 0x7F) << (7 * (index - 1))
        if byte < 0x80:
            return 1 + index + value
    raise LinkError("mqtt.malformed", "the length field of a packet has more than four bytes")


def _decode(view: memoryview) -> tuple[Packet, int]:
    try:
        return _read(view)
    except ValueError as error:
        raise LinkError("mqtt.malformed", f"malformed packet: {error}") from error
    except IndexError:
        raise
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise LinkError("mqtt.malformed", "malformed packet: text is not UTF-8") from error


class PacketReader:
    """Cuts a byte stream into packets; holds at most one unfinished packet.

    Args:
        max_packet_bytes: a longer packet is refused from its header, before it is buffered.
    """

    def __init__(self, max_packet_bytes: int) -> None:
        self._max = max_packet_bytes
        self._parts: list[bytes] = []
        self._held = 0  # bytes in _parts
        self._need = 0  # bytes of the unfinished packet; 0 unknown

    def feed(self, data: bytes) -> list[Packet]:
        """Add bytes; return the packets that are now complete, in order.

        Raises:
            LinkError: `mqtt.malformed`, `mqtt.packet_too_large`; the reader is of no use afterwards.
        """
        if self._parts:
            self._parts.append(data)
            self._held += len(data)
            if self._held < self._need:
                return []
            data = b"".join(self._parts)
            self._parts.clear()
        packets: list[Packet] = []
        view, offset, end = memoryview(data), 0, len(data)
        while offset < end:
            try:
                packet, used = _decode(view[offset:])
            except IndexError:
                self._hold(data, offset)
                break
            if used > self._max:
                raise self._too_large(used)
            packets.append(packet)
            offset += used
        return packets

    def _hold(self, data: bytes, offset: int) -> None:
        length = frame_length(data, offset)
        if length > self._max:
            raise self._too_large(length)
        if length and length <= len(data) - offset:
            raise LinkError("mqtt.malformed", "a field of a packet ends beyond the packet")
        rest = data[offset:]
        self._parts, self._held, self._need = [rest], len(rest), length

    def _too_large(self, length: int) -> LinkError:
        return LinkError(
            "mqtt.packet_too_large",
            "a packet is larger than the receiver accepts",
            got=f"{length} bytes",
            expected=f"at most {self._max}",
        )


def as_duplicate(packet: bytes) -> bytes:
    """The same PUBLISH with its DUP flag set (MQTT 5.0, section 3.3.1.1)."""
    return bytes((packet[0] | 0x08,)) + packet[1:]


def puback(packet_id: int) -> bytes:
    """A PUBACK that says success: four bytes, no properties (MQTT 5.0, section 3.4)."""
    return b"\x40\x02" + packet_id.to_bytes(2, "big")
