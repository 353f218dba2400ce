"""What is learned from sound payloads, and that a changed payload is sound again."""

from __future__ import annotations

import random

import pytest

from alloy_transforms.repair import SUMS, Asterisk, Checksum, Length, crc8, crc16, crc16_reflected, learn

PMS = (
    bytes.fromhex("424d001c00000008000800000008000800d20046002d001e00000000970002c5"),
    bytes.fromhex("424d0004e1000174"),
)
NMEA = (b"$GPVTG,054.70,T,034.40,M,005.5,N,010.2,K*48\r\n", b"$GPHDT,25.50,T*37")
CHECK = b"123456789"  # the check values of the usual CRC catalogues are of this text


@pytest.mark.parametrize(
    ("made", "value"),
    [
        (crc16_reflected(0xA001, 0xFFFF, CHECK), 0x4B37),  # CRC-16/MODBUS
        (crc16(0x1021, 0xFFFF, CHECK), 0x29B1),  # CRC-16/CCITT-FALSE
        (crc16(0x1021, 0, CHECK), 0x31C3),  # CRC-16/XMODEM
        (crc8(0x31, 0xFF, CHECK), 0xF7),  # CRC-8/NRSC-5
        (crc8(0x07, 0, CHECK), 0xF4),  # CRC-8/SMBUS
    ],
)
def test_a_checksum_is_that_of_the_catalogue_when_it_is_made(made: int, value: int) -> None:
    assert made == value


def test_length_and_sum_are_found_when_frames_carry_both() -> None:
    rules = learn(PMS)

    assert Length(2, 2, "big", 4) in rules
    (checksum,) = [rule for rule in rules if isinstance(rule, Checksum)]
    assert (checksum.prefix, checksum.suffix, checksum.width, checksum.order) == (0, 0, 2, "big")


def test_a_changed_frame_is_sound_when_it_is_mended() -> None:
    rules = learn(PMS)
    data = bytearray(PMS[0][:20] + b"\x01\x02" + PMS[0][20:])
    data[9] ^= 0x40

    for rule in rules:
        rule.mend(data)

    assert all(rule.holds(bytes(data)) for rule in rules)
    assert data[2:4] == (len(data) - 4).to_bytes(2, "big")
    assert data[-2:] == (sum(data[:-2]) & 0xFFFF).to_bytes(2, "big")


def test_a_sentence_is_sound_when_it_is_mended() -> None:
    (rule,) = learn(NMEA)
    data = bytearray(NMEA[0].replace(b"054.70", b"154.70"))
    bare = bytearray(b"$GPHDT,1.0,T\r\n")

    rule.mend(data)
    rule.mend(bare)

    assert isinstance(rule, Asterisk)
    assert rule.holds(bytes(data))
    assert bare.startswith(b"$GPHDT,1.0,T*")
    assert rule.holds(bytes(bare))


@pytest.mark.parametrize("number", range(len(SUMS)))
def test_any_known_checksum_is_found_when_frames_carry_it_inside_a_head_and_a_tail(number: int) -> None:
    width, of = SUMS[number]
    chance = random.Random(number)
    frames = []
    for size in (12, 17, 23):
        body = b"\xaa" + chance.randbytes(size)
        frames.append(body + of(body[1:]).to_bytes(width, "big") + b"\xab")

    rules = learn(frames)

    made = [rule for rule in rules if isinstance(rule, Checksum)]
    assert [(rule.prefix, rule.suffix, rule.width) for rule in made] == [(1, 1, width)]
    assert all(rule.holds(frame) for rule in made for frame in frames)


def test_no_rule_is_believed_when_payloads_carry_none() -> None:
    chance = random.Random(7)

    found = sum(bool(learn([chance.randbytes(n) for n in (10, 12, 14)])) for _ in range(40))

    assert found <= 1  # a length may fit by chance


def test_nothing_is_learned_when_there_is_no_payload_or_it_is_short() -> None:
    assert learn([]) == ()
    assert learn([b""]) == ()
    assert learn([b"\x01", b"\x02"]) == ()


@pytest.mark.parametrize("rule", [Length(2, 2, "big", 4), *learn(PMS), *learn(NMEA)])
def test_a_payload_stays_short_when_it_has_no_room_for_what_is_mended(
    rule: Length | Checksum | Asterisk,
) -> None:
    for size in range(4):
        data = bytearray(size)
        rule.mend(data)
        assert len(data) <= size + 3
