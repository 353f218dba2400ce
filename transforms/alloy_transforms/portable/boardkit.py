"""Helpers for board programs that make bytes: packing with range checks, SLIP, COBS, CBOR.

The same file runs on MicroPython (1.27 and later) and on CPython with the same bytes. A transform may not import
it: a transform takes bytes and gives rows. Readers are in `kit`. Every function raises ValueError where a value
does not fit; nothing is wrapped or clipped, as `struct.pack` and `int.to_bytes` of boards do.
"""
import struct

SLIP_END = 0xC0
SLIP_ESC = 0xDB
SLIP_ESC_END = 0xDC
SLIP_ESC_ESC = 0xDD
CBOR_DEPTH = 8  # lists and maps inside each other
CBOR_NAN = b"\xfb\x7f\xf8\x00\x00\x00\x00\x00\x00"


def pack_be(value: int, width: int, low: int, high: int) -> bytes:
    """`value` in `width` bytes, most significant first; two's complement below zero."""
    if value < low or value > high:
        raise ValueError("integer out of range")
    out = bytearray(width)
    for i in range(width):
        out[width - 1 - i] = (value >> (8 * i)) & 0xFF
    return bytes(out)


def pack_le(value: int, width: int, low: int, high: int) -> bytes:
    """`value` in `width` bytes, least significant first; two's complement below zero."""
    if value < low or value > high:
        raise ValueError("integer out of range")
    out = bytearray(width)
    for i in range(width):
        out[i] = (value >> (8 * i)) & 0xFF
    return bytes(out)


def pack_u8(value: int) -> bytes:
    """Unsigned 8-bit integer."""
    return pack_be(value, 1, 0, 0xFF)


def pack_u16be(value: int) -> bytes:
    """Unsigned 16-bit integer, most significant byte first."""
    return pack_be(value, 2, 0, 0xFFFF)


def pack_u16le(value: int) -> bytes:
    """Unsigned 16-bit integer, least significant byte first."""
    return pack_le(value, 2, 0, 0xFFFF)


def pack_u24be(value: int) -> bytes:
    """Unsigned 24-bit integer, most significant byte first."""
    return pack_be(value, 3, 0, 0xFFFFFF)


def pack_u24le(value: int) -> bytes:
    """Unsigned 24-bit integer, least significant byte first."""
    return pack_le(value, 3, 0, 0xFFFFFF)


def pack_u32be(value: int) -> bytes:
    """Unsigned 32-bit integer, most significant byte first."""
    return pack_be(value, 4, 0, 0xFFFFFFFF)


def pack_u32le(value: int) -> bytes:
    """Unsigned 32-bit integer, least significant byte first."""
    return pack_le(value, 4, 0, 0xFFFFFFFF)


def pack_u64be(value: int) -> bytes:
    """Unsigned 64-bit integer, most significant byte first."""
    return pack_be(value, 8, 0, 0xFFFFFFFFFFFFFFFF)


def pack_u64le(value: int) -> bytes:
    """Unsigned 64-bit integer, least significant byte first."""
    return pack_le(value, 8, 0, 0xFFFFFFFFFFFFFFFF)


def pack_i8(value: int) -> bytes:
    """Signed 8-bit integer."""
    return pack_be(value, 1, -0x80, 0x7F)


def pack_i16be(value: int) -> bytes:
    """Signed 16-bit integer, most significant byte first."""
    return pack_be(value, 2, -0x8000, 0x7FFF)


def pack_i16le(value: int) -> bytes:
    """Signed 16-bit integer, least significant byte first."""
    return pack_le(value, 2, -0x8000, 0x7FFF)


def pack_i24be(value: int) -> bytes:
    """Signed 24-bit integer, most significant byte first."""
    return pack_be(value, 3, -0x800000, 0x7FFFFF)


def pack_i24le(value: int) -> bytes:
    """Signed 24-bit integer, least significant byte first."""
    return pack_le(value, 3, -0x800000, 0x7FFFFF)


def pack_i32be(value: int) -> bytes:
    """Signed 32-bit integer, most significant byte first."""
    return pack_be(value, 4, -0x80000000, 0x7FFFFFFF)


def pack_i32le(value: int) -> bytes:
    """Signed 32-bit integer, least significant byte first."""
    return pack_le(value, 4, -0x80000000, 0x7FFFFFFF)


def pack_i64be(value: int) -> bytes:
    """Signed 64-bit integer, most significant byte first."""
    return pack_be(value, 8, -0x8000000000000000, 0x7FFFFFFFFFFFFFFF)


def pack_i64le(value: int) -> bytes:
    """Signed 64-bit integer, least significant byte first."""
    return pack_le(value, 8, -0x8000000000000000, 0x7FFFFFFFFFFFFFFF)


def slip_encode(data: bytes) -> bytes:
    """One SLIP frame, with END before and after (RFC 1055: the first one ends noise of the line)."""
    out = bytearray([SLIP_END])
    for byte in data:
        if byte == SLIP_END:
            out.append(SLIP_ESC)
            out.append(SLIP_ESC_END)
        elif byte == SLIP_ESC:
            out.append(SLIP_ESC)
            out.append(SLIP_ESC_ESC)
        else:
            out.append(byte)
    out.append(SLIP_END)
    return bytes(out)


def slip_decode(frame: bytes) -> bytes:
    """What is in one SLIP frame, given with or without the ENDs around it (RFC 1055)."""
    first = 0
    last = len(frame)
    while first < last and frame[first] == SLIP_END:
        first += 1
    while last > first and frame[last - 1] == SLIP_END:
        last -= 1
    out = bytearray()
    escaped = False
    for i in range(first, last):
        byte = frame[i]
        if escaped:
            if byte == SLIP_ESC_END:
                out.append(SLIP_END)
            elif byte == SLIP_ESC_ESC:
                out.append(SLIP_ESC)
            else:
                raise ValueError("not a SLIP escape")
            escaped = False
        elif byte == SLIP_ESC:
            escaped = True
        elif byte == SLIP_END:
            raise ValueError("more than one SLIP frame")
        else:
            out.append(byte)
    if escaped:
        raise ValueError("not a SLIP escape")
    return bytes(out)


def cobs_encode(data: bytes) -> bytes:
    """`data` without a zero byte, by consistent overhead byte stuffing; the frame's final zero is not added.

    Source: Cheshire and Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on Networking 7(2), 1999.
    """
    out = bytearray([0])
    code_at = 0
    code = 1
    left = len(data)
    for byte in data:
        left -= 1
        if byte:
            out.append(byte)
            code += 1
        if not byte or code == 0xFF:
            out[code_at] = code
            code = 1
            if byte and not left:
                return bytes(out)  # a full last block has no zero behind it
            code_at = len(out)
            out.append(0)
    out[code_at] = code
    return bytes(out)


def cobs_decode(frame: bytes) -> bytes:
    """What `cobs_encode` was given; `frame` is without its final zero."""
    out = bytearray()
    i = 0
    end = len(frame)
    if not end:
        raise ValueError("COBS frame without a code byte")
    while i < end:
        code = frame[i]
        if code == 0:
            raise ValueError("zero byte inside a COBS frame")
        if i + code > end:
            raise ValueError("COBS frame too short")
        for k in range(i + 1, i + code):
            if frame[k] == 0:
                raise ValueError("zero byte inside a COBS frame")
            out.append(frame[k])
        i += code
        if code != 0xFF and i < end:
            out.append(0)
    return bytes(out)


class Decimal:
    """The exact number `mantissa` * 10**`exp10`, for `cbor`: a decimal fraction, tag 4 (RFC 8949, section 3.4.4)."""

    def __init__(self, mantissa: int, exp10: int) -> None:
        self.mantissa = mantissa
        self.exp10 = exp10


def cbor_head(major: int, number: int) -> bytes:
    """Major type and argument in their shortest form (RFC 8949, section 3)."""
    if number < 24:
        return pack_u8(major << 5 | number)
    if number <= 0xFF:
        return pack_u8(major << 5 | 24) + pack_u8(number)
    if number <= 0xFFFF:
        return pack_u8(major << 5 | 25) + pack_u16be(number)
    if number <= 0xFFFFFFFF:
        return pack_u8(major << 5 | 26) + pack_u32be(number)
    return pack_u8(major << 5 | 27) + pack_u64be(number)


def cbor_int(value: int) -> bytes:
    """An integer of -2**64 to 2**64 - 1."""
    if value >= 0:
        return cbor_head(0, value)
    return cbor_head(1, -1 - value)


def cbor_map(value: dict, depth: int) -> bytes:
    """A map, keys in the order of their encoded bytes (RFC 8949, section 4.2.1): dicts of boards have none."""
    pairs = [(cbor(key, depth), cbor(value[key], depth)) for key in value]
    pairs.sort()
    parts = [cbor_head(5, len(pairs))]
    for pair in pairs:
        parts.extend(pair)
    return b"".join(parts)


def cbor(value, depth: int = CBOR_DEPTH) -> bytes:
    """`value` as one deterministic CBOR item, the same bytes on every machine.

    Takes None, bool, int within 64 bits and a sign, float (always 8 bytes; one NaN), bytes, bytearray, str, list,
    tuple, dict and `Decimal`. Raises ValueError for another type and beyond `depth` nested lists and maps.
    """
    if depth < 0:
        raise ValueError("nested too deep")
    if value is None:
        return b"\xf6"
    if value is True:
        return b"\xf5"
    if value is False:
        return b"\xf4"
    if isinstance(value, int):
        return cbor_int(value)
    if isinstance(value, float):
        if value != value:
            return CBOR_NAN
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        data = value.encode()
        return cbor_head(3, len(data)) + data
    if isinstance(value, (bytes, bytearray)):
        return cbor_head(2, len(value)) + bytes(value)
    if isinstance(value, (list, tuple)):
        parts = [cbor_head(4, len(value))]
        for each in value:
            parts.append(cbor(each, depth - 1))
        return b"".join(parts)
    if isinstance(value, dict):
        return cbor_map(value, depth - 1)
    if isinstance(value, Decimal):
        return b"\xc4\x82" + cbor_int(value.exp10) + cbor_int(value.mantissa)
    raise ValueError("no CBOR form for this type")
