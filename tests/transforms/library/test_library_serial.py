"""NMEA kinds beside the positions, SDS011, BME280 and Modbus blocks: recordings of others, faults, second opinions."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

CODECS = ("bthome_v2", "cayenne_lpp", "netvox", "tektelic_home", "tektelic_agriculture", "milesight_em300",
          "dragino_lht65", "digital_matter_oyster3", "vutility_drop", "mclimate_vicki", "mclimate_ht", "browan_tabs",
          "browan_merryiot", "bosch_parking", "decentlab_pm", "decentlab_atm41")  # fmt: skip
PORTS = (1, 2, 3, 4, 6, 7, 10, 14, 20, 85, 102, 103, 120, 127)
Load = Callable[[str], ModuleType]
Rows = Callable[..., list[dict[str, Any]]]
SATELLITES_AGREE = 0.97  # of those in gpsd's reports; the rest it takes from an earlier cycle


def sentence(body: str) -> bytes:
    check = 0
    for value in body.encode():
        check ^= value
    return f"${body}*{check:02X}\r\n".encode()


def lines(shared: Path) -> list[bytes]:
    logs = sorted((shared / "gpsd").glob("*.log"))
    return [line for log in logs for line in log.read_bytes().split(b"\n") if line.startswith(b"$")]


@pytest.mark.slow
def test_satellites_agree_with_gpsd_when_every_recording_is_read(
    shared_data: Path, load: Load, rows_of: Rows
) -> None:
    module = load("nmea_gsv")
    agree = total = 0
    for log in sorted((shared_data / "gpsd").glob("*.log")):
        seen = set()
        for line in log.read_bytes().split(b"\n"):
            if line.startswith(b"$"):
                try:
                    rows = rows_of(module, line)
                except ValueError:
                    continue
                seen |= {(row.get("elevation"), row.get("azimuth"), row.get("cn0", 0)) for row in rows}
        if not seen:
            continue
        for report in log.with_name(log.name + ".chk").read_bytes().splitlines():
            if report.startswith(b'{"class":"SKY"'):
                for each in json.loads(report).get("satellites", ()):
                    if each["PRN"] <= 32 and "el" in each and "az" in each:
                        total += 1
                        agree += (each["el"], each["az"], each["ss"]) in seen

    assert total > 3000
    assert agree / total > SATELLITES_AGREE


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("nmea_gsv", "GPGSV,1,1,01,03,90,000,,1",
         [{"satellite": 3, "elevation": 90, "azimuth": 0, "signal": 1}]),
        ("nmea_gsv", "GPGSV,1,1,00", []),
        ("nmea_gsv", "GNGSV,1,1,02,65,-2,010,30,66,,,40",
         [{"satellite": 65, "elevation": -2, "cn0": 30}, {"satellite": 66, "cn0": 40}]),
        ("nmea_hdt", "HEHDT,,T", []),
        ("nmea_hdt", "HCHDM,238.5,M", [{"magnetic_heading": 238500}]),
        ("nmea_hdt", "HCHDG,1.5,2.0,W,,", [{"magnetic_heading": 1500, "deviation": -2000}]),
        ("nmea_mwv", "WIMWV,,R,,N,V", [{"reference": 0, "valid": False}]),
        ("nmea_mwv", "WIMWV,10.0,T,36.0,K,A", [{"reference": 1, "wind_angle": 10000, "wind_speed": 10_000_000}]),
        ("nmea_mwv", "WIMWV,10.0,T,5.55,M,A", [{"wind_speed": 5_550_000}]),
        ("nmea_mwv", "WIMWV,10.0,T,1,S,A", [{"wind_speed": 447_040}]),
        ("nmea_xdr", "WIXDR,C,-3.5,C,AIR,P,1.01325,B,BARO,H,81.5,P,RH",
         [{"temperature": -3_500_000}, {"pressure": 1_013_250}, {"humidity": 81_500_000}]),
        ("nmea_xdr", "WIXDR,P,101325.0,P,BARO,U,12.6,V,BATT",
         [{"pressure": 1_013_250}, {"voltage": 12_600_000}]),
        ("nmea_xdr", "WIXDR,C,,C,AIR", []),
    ],
)  # fmt: skip
def test_rows_are_right_when_a_sentence_has_them(
    name: str, body: str, expected: list[dict[str, Any]], load: Load, rows_of: Rows
) -> None:
    rows = rows_of(load(name), sentence(body))

    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        assert {key: row.get(key) for key in wanted} == wanted


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("nmea_gsv", "GPGSV,1,1,02,03,90"), ("nmea_gsv", "GPGSV,1,1,01,x,90,000,"), ("nmea_hdt", "HEHDT,400.0,T"),
        ("nmea_hdt", "HEHDT,-1.0,T"), ("nmea_mwv", "WIMWV,10.0,X,1.0,N,A"), ("nmea_mwv", "WIMWV,10.0,R,1.0,Q,A"),
        ("nmea_mwv", "WIMWV,10.0,R,-1.0,N,A"), ("nmea_xdr", "WIXDR,CC,1,C,A"),
    ],
)  # fmt: skip
def test_a_sentence_is_refused_when_its_fields_make_no_sense(
    name: str, body: str, load: Load, rows_of: Rows
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        rows_of(load(name), sentence(body))


@pytest.mark.parametrize("frame", ["aac0d4043a0aa1601eab", "aac0d4043a0aa1601dac", "bbc0d4043a0aa1601dab",
                                   "aac1d4043a0aa1601dab", "aac0", ""])  # fmt: skip
def test_an_sds011_frame_is_refused_when_it_is_damaged(frame: str, load: Load, rows_of: Rows) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        rows_of(load("sds011"), bytes.fromhex(frame))


def calibration(t1: int, t2: int, p1: int, p2: int, h1: int) -> bytes:
    """What a sensor keeps, in the order of its registers; the smaller terms are those of one sensor."""
    pressure = struct.pack("<Hhhhhhhhh", p1, p2, 3024, 2855, 140, -7, 9900, -10230, 4285)
    return struct.pack("<Hhh", t1, t2, 50) + pressure + bytes([0, h1, 0x68, 0x01, 0, 20, 0x25, 3, 30])


CALIBRATION = st.builds(
    calibration,
    st.integers(27000, 29000),
    st.integers(25500, 27000),
    st.integers(36000, 38500),
    st.integers(-10800, -10400),
    st.integers(60, 80),
)


@pytest.fixture(scope="module")
def loaded(load: Load) -> dict[str, ModuleType]:
    """Each module once."""
    return {name: load(name) for name in (*CODECS, "bme280", "bme280_float")}


@settings(max_examples=200)
@given(CALIBRATION, st.integers(400_000, 520_000), st.integers(300_000, 500_000), st.integers(20_000, 32_000))
def test_both_bme280_forms_agree_when_the_sensor_is_a_usual_one(
    loaded: dict[str, ModuleType], calibration: bytes, temperature: int, pressure: int, humidity: int
) -> None:
    """Bosch gives 0.01 Cel, 1 Pa and 0.1 % for the integer formulas beside the floating-point ones."""
    payload = (
        (pressure << 4).to_bytes(3, "big")
        + (temperature << 4).to_bytes(3, "big")
        + humidity.to_bytes(2, "big")
    )

    whole = loaded["bme280"].transform(payload, calibration)
    real = loaded["bme280_float"].transform(payload, calibration)

    assert whole["temperature"] / 100 == pytest.approx(real["temperature"], abs=0.011)
    assert whole["pressure"] / 100 == pytest.approx(real["pressure"], abs=1.0)
    assert whole["humidity"] / 1000 == pytest.approx(real["humidity"], abs=0.1)


@pytest.mark.parametrize(
    ("params", "payload", "expected"),
    [
        ({"signed": 1}, struct.pack(">hH", -2, 5), [(0, -2), (1, 5)]),
        ({"bits": 32}, struct.pack(">II", 7, 2**32 - 1), [(0, 7), (2, 2**32 - 1)]),
        ({"bits": 32, "signed": 1}, struct.pack(">i", -70000), [(0, -70000)]),
        ({"bits": 32, "word_order": 1}, bytes.fromhex("56781234"), [(0, 0x12345678)]),
        ({"bits": 32, "word_order": 1, "byte_swap": 1}, struct.pack("<I", 0x12345678), [(0, 0x12345678)]),
        (
            {"bits": 64, "first": 100},
            struct.pack(">qq", -(2**63), 2**63 - 1),
            [(100, -(2**63)), (104, 2**63 - 1)],
        ),
    ],
)
def test_registers_equal_struct_when_the_order_is_given(
    params: dict[str, int], payload: bytes, expected: list[tuple[int, int]], load: Load, rows_of: Rows
) -> None:
    module = load("modbus_integers")
    module.PARAMS.update(params)

    assert [(row["register"], row["value"]) for row in rows_of(module, payload)] == expected


def test_float_registers_equal_struct_when_the_words_are_swapped(load: Load, rows_of: Rows) -> None:
    module = load("modbus_floats")
    plain = struct.pack(">ff", -12.5, 1e-40)
    swapped = plain[2:4] + plain[0:2] + plain[6:8] + plain[4:6]

    straight = [row["value"] for row in rows_of(module, plain)]
    module.PARAMS["word_order"] = 1

    assert [row["value"] for row in rows_of(module, swapped)] == straight == list(struct.unpack(">ff", plain))


@pytest.mark.parametrize(
    ("name", "payload"),
    [("modbus_integers", b"\0"), ("modbus_integers", b"\0" * 130), ("modbus_floats", b"\0\0")],
)
def test_a_block_is_refused_when_its_length_is_wrong(
    name: str, payload: bytes, load: Load, rows_of: Rows
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the code is data.value or data.length
        rows_of(load(name), payload)


@settings(max_examples=300)
@given(st.data())
def test_any_bytes_give_rows_or_an_error_when_they_are_read(
    loaded: dict[str, ModuleType], rows_of: Rows, data: st.DataObject
) -> None:
    """What comes out fits the types that are declared; what does not is a ValueError or an OverflowError."""
    name = data.draw(st.sampled_from(CODECS))
    module = loaded[name]
    payload = data.draw(st.binary(max_size=40))
    if name == "bthome_v2":
        payload = bytes([len(payload) + 4, 0x16, 0xD2, 0xFC, 0x40]) + payload
    arguments: list[object] = [payload]
    if "port" in module.INPUT:
        arguments.append(data.draw(st.sampled_from(PORTS)))

    try:
        rows = rows_of(module, *arguments)
    except (ValueError, OverflowError):
        return

    low_high = {"i8": 8, "i16": 16, "i32": 32, "i64": 64, "u8": 8, "u16": 16, "u32": 32}
    for row in rows:
        assert len(rows) <= getattr(module, "MAX_ROWS", 1)
        assert all(spec.get("optional") or key in row for key, spec in module.OUTPUT.items())
        for key, value in row.items():
            kind = module.OUTPUT[key]["type"]
            if kind in low_high:
                width = low_high[kind]
                low = -(1 << (width - 1)) if kind[0] == "i" else 0
                assert low <= value < low + (1 << width), key
            elif kind == "enum":
                assert 0 <= value < len(module.OUTPUT[key]["names"]), key
            elif kind == "bytes":
                assert len(value) <= module.OUTPUT[key]["max"], key
