"""Helpers every transform may import as `kit`: readers, bit fields, checksums, delimited ASCII.

Written in the portable language itself (bytes in, ints out), so that boards, the sandbox and the native
tier run the same text. Every reader raises ValueError where the input is too short; nothing is clipped.
Offsets count from 0, `end` is one past the last byte.
"""
import math


def u8(b: bytes, i: int) -> int:
    """Unsigned 8-bit integer at offset i."""
    if i < 0 or i >= len(b):
        raise ValueError("input too short")
    return b[i]


def u16be(b: bytes, i: int) -> int:
    """Unsigned 16-bit integer at offset i, most significant byte first."""
    if i < 0 or i + 2 > len(b):
        raise ValueError("input too short")
    return (b[i] << 8) | b[i + 1]


def u16le(b: bytes, i: int) -> int:
    """Unsigned 16-bit integer at offset i, least significant byte first."""
    if i < 0 or i + 2 > len(b):
        raise ValueError("input too short")
    return (b[i + 1] << 8) | b[i]


def u24be(b: bytes, i: int) -> int:
    """Unsigned 24-bit integer at offset i, most significant byte first."""
    if i < 0 or i + 3 > len(b):
        raise ValueError("input too short")
    return (b[i] << 16) | (b[i + 1] << 8) | b[i + 2]


def u24le(b: bytes, i: int) -> int:
    """Unsigned 24-bit integer at offset i, least significant byte first."""
    if i < 0 or i + 3 > len(b):
        raise ValueError("input too short")
    return (b[i + 2] << 16) | (b[i + 1] << 8) | b[i]


def u32be(b: bytes, i: int) -> int:
    """Unsigned 32-bit integer at offset i, most significant byte first."""
    if i < 0 or i + 4 > len(b):
        raise ValueError("input too short")
    return (b[i] << 24) | (b[i + 1] << 16) | (b[i + 2] << 8) | b[i + 3]


def u32le(b: bytes, i: int) -> int:
    """Unsigned 32-bit integer at offset i, least significant byte first."""
    if i < 0 or i + 4 > len(b):
        raise ValueError("input too short")
    return (b[i + 3] << 24) | (b[i + 2] << 16) | (b[i + 1] << 8) | b[i]


def signed(value: int, width: int) -> int:
    """Two's complement of the lowest `width` bits (1 to 64) of value."""
    if width < 1 or width > 64:
        raise ValueError("width must be 1 to 64")
    half = 1 << (width - 1)
    low = value & ((half - 1) | half)
    if low >= half:
        low = low - half - half
    return low


def i8(b: bytes, i: int) -> int:
    """Signed 8-bit integer at offset i."""
    return signed(u8(b, i), 8)


def i16be(b: bytes, i: int) -> int:
    """Signed 16-bit integer at offset i, most significant byte first."""
    return signed(u16be(b, i), 16)


def i16le(b: bytes, i: int) -> int:
    """Signed 16-bit integer at offset i, least significant byte first."""
    return signed(u16le(b, i), 16)


def i24be(b: bytes, i: int) -> int:
    """Signed 24-bit integer at offset i, most significant byte first."""
    return signed(u24be(b, i), 24)


def i24le(b: bytes, i: int) -> int:
    """Signed 24-bit integer at offset i, least significant byte first."""
    return signed(u24le(b, i), 24)


def i32be(b: bytes, i: int) -> int:
    """Signed 32-bit integer at offset i, most significant byte first."""
    return signed(u32be(b, i), 32)


def i32le(b: bytes, i: int) -> int:
    """Signed 32-bit integer at offset i, least significant byte first."""
    return signed(u32le(b, i), 32)


def i64be(b: bytes, i: int) -> int:
    """Signed 64-bit integer at offset i, most significant byte first."""
    return i32be(b, i) * 4294967296 + u32be(b, i + 4)


def i64le(b: bytes, i: int) -> int:
    """Signed 64-bit integer at offset i, least significant byte first."""
    return i32le(b, i + 4) * 4294967296 + u32le(b, i)


def bits(value: int, shift: int, width: int) -> int:
    """`width` bits of value from bit `shift` (0 is the least significant), unsigned."""
    if shift < 0 or shift > 63 or width < 1 or width > 64 or shift + width > 64:
        raise ValueError("bits must lie in 0 to 63")
    return (value >> shift) & ((1 << width) - 1)


def bcd(b: bytes, i: int, end: int) -> int:
    """Packed decimal number from i to end (at most 9 bytes), two digits a byte, most significant first."""
    n = span(b, i, end)
    if n > 9:
        raise ValueError("too many digits")
    value = 0
    for k in range(n):
        high = b[i + k] >> 4
        low = b[i + k] & 15
        if high > 9 or low > 9:
            raise ValueError("not a decimal digit")
        value = value * 100 + high * 10 + low
    return value


def finite32(word: int) -> bool:
    """Whether the bits of an IEEE 754 binary32 are a number, not an infinity or NaN."""
    return (word >> 23) & 0xFF != 0xFF


def f32(word: int) -> float:
    """The number whose IEEE 754 binary32 bits are the lowest 32 of word; raises for infinities and NaN."""
    exponent = (word >> 23) & 0xFF
    fraction = word & 0x7FFFFF
    if exponent == 0xFF:
        raise ValueError("not a finite number")
    if exponent == 0:
        exponent = 1
    else:
        fraction = fraction + 0x800000
    value = math.ldexp(float(fraction), exponent - 150)
    if (word >> 31) & 1 == 1:
        value = -value
    return value


def span(b: bytes, i: int, end: int) -> int:
    """Number of bytes from i to end; raises where that is not inside b."""
    if i < 0 or end > len(b) or end < i:
        raise ValueError("input too short")
    return max(end - i, 0)  # it is not negative; so the checker sees it too


def sum16(b: bytes, i: int, end: int) -> int:
    """Sum of the bytes i to end, modulo 65536."""
    n = span(b, i, end)
    total = 0
    for k in range(n):
        total = (total + b[i + k]) & 0xFFFF
    return total


def xor8(b: bytes, i: int, end: int) -> int:
    """Exclusive or of the bytes i to end (NMEA 0183 section 5.3)."""
    n = span(b, i, end)
    total = 0
    for k in range(n):
        total = total ^ b[i + k]
    return total


def crc8(b: bytes, i: int, end: int, poly: int, init: int) -> int:
    """CRC-8 over i to end, most significant bit first, no final xor (Sensirion: poly 0x31, init 0xff)."""
    n = span(b, i, end)
    crc = init & 0xFF
    for k in range(n):
        crc = crc ^ b[i + k]
        for _ in range(8):
            if crc & 0x80:
                crc = ((crc << 1) ^ poly) & 0xFF
            else:
                crc = (crc << 1) & 0xFF
    return crc


def crc16_modbus(b: bytes, i: int, end: int) -> int:
    """CRC-16/MODBUS over i to end: reflected polynomial 0xa001, initial value 0xffff."""
    n = span(b, i, end)
    crc = 0xFFFF
    for k in range(n):
        crc = crc ^ b[i + k]
        for _ in range(8):
            if crc & 1:
                crc = (crc >> 1) ^ 0xA001
            else:
                crc = crc >> 1
    return crc


def crc16_ccitt(b: bytes, i: int, end: int, init: int) -> int:
    """CRC-16 over i to end: polynomial 0x1021, most significant bit first (init 0xffff or 0: XMODEM)."""
    n = span(b, i, end)
    crc = init & 0xFFFF
    for k in range(n):
        crc = crc ^ (b[i + k] << 8)
        for _ in range(8):
            if crc & 0x8000:
                crc = ((crc << 1) ^ 0x1021) & 0xFFFF
            else:
                crc = (crc << 1) & 0xFFFF
    return crc


def field_end(b: bytes, sep: int, i: int, end: int) -> int:
    """Offset of the next separator byte at or after i; `end` where there is none before it."""
    if i < 0 or end > len(b):
        raise ValueError("input too short")
    j = i
    while j < end and b[j] != sep:
        j = j + 1
    return j


def field(b: bytes, sep: int, k: int, end: int) -> int:
    """Offset of the first byte of field k (0 is the first) of b; `end` where there are fewer fields."""
    i = 0
    for _ in range(min(max(k, 0), len(b) + 1)):  # more fields than bytes are not there
        i = field_end(b, sep, i, end)
        if i < end:
            i = i + 1
    return i


def digits(b: bytes, i: int, end: int) -> int:
    """Unsigned decimal number in ASCII from i to end, 1 to 18 digits and nothing else."""
    n = span(b, i, end)
    if n < 1 or n > 18:
        raise ValueError("not a number")
    value = 0
    for k in range(n):
        c = b[i + k] - 48
        if c < 0 or c > 9:
            raise ValueError("not a number")
        value = value * 10 + c
    return value


def fixed(b: bytes, i: int, end: int, decimals: int) -> int:
    """ASCII decimal number from i to end, times 10**decimals, as an integer.

    Takes an optional sign and at most one point; digits beyond `decimals` round half away from zero.
    Raises where there is anything else, or more than 18 digits would be needed.
    """
    n = span(b, i, end)
    at = i
    negative = False
    if n > 0 and (b[at] == 45 or b[at] == 43):
        negative = b[at] == 45
        at = at + 1
    value = 0
    seen = 0
    after = -1
    up = False
    while at < end:
        c = b[at]
        if c == 46 and after < 0:
            after = 0
        elif c >= 48 and c <= 57:
            if after < 0 or after < decimals:
                value = value * 10 + (c - 48)
                if value > 99999999999999999:
                    raise ValueError("too many digits")
                if after >= 0:
                    after = after + 1
            elif after == decimals:
                up = c >= 53
                after = after + 1
            seen = 1
        else:
            raise ValueError("not a number")
        at = at + 1
    if seen == 0:
        raise ValueError("not a number")
    if after < 0:
        after = 0
    while after < decimals:
        value = value * 10
        if value > 999999999999999999:
            raise ValueError("too many digits")
        after = after + 1
    if up:
        value = value + 1
    if negative:
        value = -value
    return value


def hex_digit(c: int) -> int:
    """Value of one ASCII hexadecimal digit."""
    value = -1
    if c >= 48 and c <= 57:
        value = c - 48
    elif c >= 65 and c <= 70:
        value = c - 55
    elif c >= 97 and c <= 102:
        value = c - 87
    if value < 0:
        raise ValueError("not a hexadecimal digit")
    return value


def hex8(b: bytes, i: int) -> int:
    """Value of the two ASCII hexadecimal digits at offset i."""
    return hex_digit(u8(b, i)) * 16 + hex_digit(u8(b, i + 1))


def nmea_end(b: bytes) -> int:
    """Offset of the asterisk before the checksum of an NMEA 0183 sentence; raises where it is damaged."""
    n = len(b)
    while n > 0 and (b[n - 1] == 13 or b[n - 1] == 10 or b[n - 1] == 32):
        n = n - 1
    if n < 9 or n > 1024 or (b[0] != 36 and b[0] != 33):
        raise ValueError("not an NMEA sentence")
    if b[n - 3] != 42:
        raise ValueError("no checksum")
    if hex8(b, n - 2) != xor8(b, 1, n - 3):
        raise ValueError("wrong checksum")
    return n - 3


def adv_is_event(b: bytes) -> bool:
    """Whether b is a whole HCI event (Bluetooth Core 5.4, vol 4, part E, 7.7.65), not bare advertising data."""
    return len(b) > 3 and b[0] == 0x04 and b[1] == 0x3E


def adv_start(b: bytes) -> int:
    """Offset of the first AD structure: 0 in bare advertising data, behind the header in an HCI event.

    Takes LE Advertising Report (02) and LE Extended Advertising Report (0d) with one report each.
    """
    start = 0
    if adv_is_event(b):
        if b[3] == 0x02:
            start = 14
        elif b[3] == 0x0D:
            start = 29
        else:
            raise ValueError("not an advertising report")
        if len(b) != b[2] + 3 or len(b) < start or b[4] != 1:
            raise ValueError("not one advertising report")
    return start


def adv_end(b: bytes) -> int:
    """Offset behind the last AD structure."""
    start = adv_start(b)
    end = len(b)
    if start > 0:
        end = start + b[start - 1]
        if end > len(b):
            raise ValueError("input too short")
    return end


def adv_find(b: bytes, kind: int, number: int) -> int:
    """Offset of what follows the 16-bit number (service UUID, company) of the first AD structure of that kind.

    -1 where there is none; a broken structure of another kind ends the search. The data end at the offset
    plus `adv_size`.
    """
    i = adv_start(b)
    end = adv_end(b)
    found = -1
    while i < end and found < 0:
        size = b[i]
        if size >= 3 and i + 4 <= end and b[i + 1] == kind and u16le(b, i + 2) == number:
            found = i + 4
            if i + 1 + size > end:
                raise ValueError("input too short")
        i = i + 1 + size
    return found


def adv_size(b: bytes, at: int) -> int:
    """Number of bytes of the AD structure found at `at` by `adv_find`, its 16-bit number left out."""
    return u8(b, at - 4) - 3


def adv_address(b: bytes) -> int:
    """48-bit address of the sender, -1 in bare advertising data."""
    value = -1
    if adv_is_event(b):
        at = 7
        if adv_start(b) == 29:
            at = 8
        value = (u16le(b, at + 4) << 32) | u32le(b, at)
    return value


def adv_rssi(b: bytes) -> int:
    """Signal strength in dBm, 127 (HCI's own word for it) where it is not known."""
    value = 127
    if adv_is_event(b):
        at = 18
        if adv_start(b) == 14:
            at = adv_end(b)
        value = i8(b, at)
    return value


def unix_seconds(year: int, month: int, day: int, second: int) -> int:
    """Seconds since 1970-01-01 of `second` (0 to 86400) of a day of the Gregorian calendar, 1970 to 2200."""
    if year < 1970 or year > 2200 or month < 1 or month > 12 or day < 1 or day > 31:
        raise ValueError("not a date")
    if day == 31 and (month == 4 or month == 6 or month == 9 or month == 11):
        raise ValueError("not a date")
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month == 2 and (day > 29 or (day == 29 and not leap)):
        raise ValueError("not a date")
    if second < 0 or second > 86400:
        raise ValueError("not a time of day")
    y = year
    m = month
    if m <= 2:
        y = y - 1
        m = m + 12
    days = 365 * y + y // 4 - y // 100 + y // 400 + (153 * (m - 3) + 2) // 5 + day - 719469
    return days * 86400 + second
