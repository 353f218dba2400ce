"""`kit` against struct, binascii and Python's own numbers."""

from __future__ import annotations

import binascii
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alloy_transforms.portable import kit

READERS = {"u8": "B", "i8": "b", "u16be": ">H", "u16le": "<H", "i16be": ">h", "i16le": "<h", "u32be": ">I",
           "u32le": "<I", "i32be": ">i", "i32le": "<i", "i64be": ">q", "i64le": "<q"}  # fmt: skip
WIDE = {
    "u24be": ("big", False),
    "u24le": ("little", False),
    "i24be": ("big", True),
    "i24le": ("little", True),
}


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=12), st.integers(-3, 14))
def test_readers_equal_struct_when_the_bytes_are_there(name: str, data: bytes, at: int) -> None:
    size = struct.calcsize(READERS[name])
    read: Callable[[bytes, int], int] = getattr(kit, name)
    if 0 <= at <= len(data) - size:
        assert read(data, at) == struct.unpack_from(READERS[name], data, at)[0]
    else:
        with pytest.raises(ValueError, match="too short"):
            read(data, at)


@given(st.sampled_from(sorted(WIDE)), st.binary(max_size=6), st.integers(-3, 8))
def test_three_byte_readers_equal_from_bytes_when_the_bytes_are_there(
    name: str, data: bytes, at: int
) -> None:
    order, is_signed = WIDE[name]
    if 0 <= at <= len(data) - 3:
        wanted = int.from_bytes(data[at : at + 3], order, signed=is_signed)  # type: ignore[arg-type]
        assert getattr(kit, name)(data, at) == wanted
    else:
        with pytest.raises(ValueError, match="too short"):
            getattr(kit, name)(data, at)


@given(st.integers(0, (1 << 64) - 1), st.integers(1, 64))
def test_signed_is_two_s_complement_when_the_width_is_given(value: int, width: int) -> None:
    low = value % (1 << width)

    assert kit.signed(value, width) == (low - (1 << width) if low >> (width - 1) else low)


@given(st.integers(0, (1 << 63) - 1), st.integers(0, 63), st.integers(1, 64))
def test_bits_are_cut_out_when_they_lie_in_the_word(value: int, shift: int, width: int) -> None:
    if shift + width <= 64:
        assert kit.bits(value, shift, width) == (value >> shift) % (1 << width)
    else:
        with pytest.raises(ValueError, match="0 to 63"):
            kit.bits(value, shift, width)


@given(st.binary(max_size=40), st.integers(0, 5))
def test_checksums_equal_their_definitions_when_the_range_is_inside(data: bytes, start: int) -> None:
    end = len(data)
    if start > end:
        with pytest.raises(ValueError, match="too short"):
            kit.sum16(data, start, end)
        return
    part, xor = data[start:], 0
    for value in part:
        xor ^= value

    assert kit.sum16(data, start, end) == sum(part) & 0xFFFF
    assert kit.xor8(data, start, end) == xor
    assert kit.crc16_ccitt(data, start, end, 0) == binascii.crc_hqx(part, 0)
    assert kit.crc16_ccitt(data, start, end, 0xFFFF) == binascii.crc_hqx(part, 0xFFFF)


def test_check_values_of_the_crc_catalogue_come_out_when_123456789_is_checked() -> None:
    data = b"123456789"

    assert kit.crc16_modbus(data, 0, 9) == 0x4B37
    assert kit.crc16_ccitt(data, 0, 9, 0xFFFF) == 0x29B1
    assert kit.crc16_ccitt(data, 0, 9, 0) == 0x31C3
    assert kit.crc8(data, 0, 9, 0x31, 0xFF) == 0xF7  # CRC-8/NRSC-5, as Sensirion uses it
    assert kit.crc8(data, 0, 9, 0x07, 0) == 0xF4  # CRC-8/SMBUS
    assert kit.crc8(b"\xbe\xef", 0, 2, 0x31, 0xFF) == 0x92  # SHT3x data sheet, section 4.12


@given(
    st.lists(st.binary(max_size=5).filter(lambda part: b"," not in part), min_size=1, max_size=6),
    st.integers(0, 8),
)
def test_fields_equal_split_when_a_line_is_cut(parts: list[bytes], k: int) -> None:
    line = b",".join(parts)

    start = kit.field(line, 44, k, len(line))
    end = kit.field_end(line, 44, start, len(line))

    assert line[start:end] == (parts[k] if k < len(parts) else b"")


@given(st.decimals(-(10**9), 10**9, allow_nan=False, places=6), st.integers(0, 8))
def test_fixed_equals_decimal_when_the_number_is_plain(number: Decimal, decimals: int) -> None:
    text = f"{number:f}".encode()

    wanted = (number * 10**decimals).quantize(Decimal(1), ROUND_HALF_UP)

    assert kit.fixed(text, 0, len(text), decimals) == int(wanted)


@pytest.mark.parametrize(
    ("text", "decimals", "value"),
    [(b"+1.5", 1, 15), (b".5", 0, 1), (b"5.", 2, 500), (b"-0.05", 1, -1), (b"0.449", 1, 4), (b"007", 0, 7),
     (b"-0", 3, 0), (b"1.45", 1, 15), (b"2.5", 0, 3)],
)  # fmt: skip
def test_fixed_rounds_half_away_when_digits_are_cut(text: bytes, decimals: int, value: int) -> None:
    assert kit.fixed(text, 0, len(text), decimals) == value


@pytest.mark.parametrize(
    "text", [b"", b"-", b".", b"1.2.3", b"1e3", b" 1", b"0x1", b"--1", b"9" * 19, b"\xb2"]
)
def test_fixed_refuses_when_the_text_is_no_plain_number(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - "not a number" or "too many digits"
        kit.fixed(text, 0, len(text), 3)


@given(st.integers(0, 10**18 - 1))
def test_digits_equal_int_when_the_text_is_decimal(number: int) -> None:
    text = b"x%d," % number

    assert kit.digits(text, 1, len(text) - 1) == number
    with pytest.raises(ValueError, match="not a number"):
        kit.digits(text, 0, len(text) - 1)


@given(st.binary(min_size=2, max_size=2))
def test_hex8_equals_int_when_both_are_digits(text: bytes) -> None:
    try:
        wanted = binascii.unhexlify(text)[0]
    except binascii.Error:
        with pytest.raises(ValueError, match="hexadecimal"):
            kit.hex8(text, 0)
    else:
        assert kit.hex8(text, 0) == wanted


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 12, 31)))
def test_unix_seconds_equal_datetime_when_the_date_exists(when: datetime) -> None:
    second = when.hour * 3600 + when.minute * 60 + when.second

    seconds = kit.unix_seconds(when.year, when.month, when.day, second)

    assert seconds == int(when.replace(microsecond=0, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    "date",
    [(1969, 1, 1), (2023, 2, 29), (2100, 2, 29), (2024, 4, 31), (2024, 0, 1), (2024, 13, 1), (2024, 1, 0)],
)
def test_unix_seconds_refuse_when_there_is_no_such_day(date: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="not a date"):
        kit.unix_seconds(*date, 0)


@given(st.integers(0, 10**18 - 1))
def test_bcd_equals_the_digits_when_they_are_packed(number: int) -> None:
    packed = bytes.fromhex(f"{number:018d}")

    assert kit.bcd(packed, 0, 9) == number


@pytest.mark.parametrize("text", ["0a", "a0", "00" * 10])
def test_bcd_refuses_when_the_bytes_are_no_digits(text: str) -> None:
    data = bytes.fromhex(text)

    with pytest.raises(ValueError, match="digit"):
        kit.bcd(data, 0, len(data))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_f32_equals_struct_when_the_number_is_finite(number: float) -> None:
    (word,) = struct.unpack(">I", struct.pack(">f", number))

    assert kit.finite32(word)
    assert struct.pack(">d", kit.f32(word)) == struct.pack(">d", number)


@pytest.mark.parametrize("word", [0x7F800000, 0xFF800000, 0x7FC00000, 0xFFFFFFFF])
def test_f32_refuses_when_the_bits_are_no_number(word: int) -> None:
    assert not kit.finite32(word)
    with pytest.raises(ValueError, match="finite"):
        kit.f32(word)


EXTENDED = "043e2b0d011300004e7cbc38c1a40100ff7fb90000000000000000001110161a18a4c138bc7c4e0102284f0b6720"
LEGACY = "043e1d02010000f4830238c1a41110161a18a4c1380283f400a22f5f0bf819df"


@pytest.mark.parametrize(
    ("event", "start", "at", "size", "address", "rssi"),
    [
        (LEGACY, 14, 18, 13, 0xA4C1380283F4, -33),
        (EXTENDED, 29, 33, 13, 0xA4C138BC7C4E, -71),
        ("10161a18a4c1380283f400a22f5f0bf819", 0, 4, 13, -1, 127),
    ],
)
def test_an_advertisement_is_found_when_the_event_holds_it(
    event: str, start: int, at: int, size: int, address: int, rssi: int
) -> None:
    data = bytes.fromhex(event)

    assert kit.adv_start(data) == start
    assert kit.adv_find(data, 0x16, 0x181A) == at
    assert kit.adv_size(data, at) == size
    assert kit.adv_address(data) == address
    assert kit.adv_rssi(data) == rssi
    assert kit.adv_find(data, 0x16, 0xFCD2) == -1


@given(st.binary(max_size=64))
def test_adv_find_ends_with_an_offset_or_an_error_when_the_bytes_are_any(data: bytes) -> None:
    for head in (b"", bytes.fromhex("043e"), bytes.fromhex(LEGACY)[:14]):
        try:
            at = kit.adv_find(head + data, 0xFF, 0x0499)
        except ValueError:
            continue
        assert -1 <= at <= len(head + data)
