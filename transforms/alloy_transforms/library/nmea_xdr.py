"""NMEA 0183 transducers: XDR sentences, one row per measurement. Source: NMEA 0183 version 4.11, section 8.3 (XDR).

Values keep what the sentence gives; `transducer`, `kind` and `unit` are its letters as bytes, because a maker may use any. What the
standard's own pairs mean comes as a checked quantity too: `angle` (A D), `temperature` (C C), `pressure` (P B or P P,
in pascals), `humidity` (H P), `voltage` (U V), `current` (I A), `salinity` (L S). Other sentences give no row.
"""
import kit

MAX_ROWS = 16
NEEDS = ("rows:16",)
INPUT = {"payload": "bytes"}
OUTPUT = {
    "transducer": {"type": "bytes", "max": 32},
    "kind": {"type": "bytes", "max": 1},
    "unit": {"type": "bytes", "max": 1},
    "value": {"type": "i64", "exp10": -6},
    "angle": {"type": "i64", "exp10": -6, "unit": "deg", "range": (-360, 360), "optional": True},
    "temperature": {"type": "i64", "exp10": -6, "unit": "Cel", "optional": True, "range": (-100, 1000)},
    "pressure": {"type": "i64", "exp10": -1, "unit": "Pa", "optional": True, "range": (-1000000, 100000000)},
    "humidity": {"type": "i64", "exp10": -6, "unit": "%", "range": (0, 100), "optional": True},
    "voltage": {"type": "i64", "exp10": -6, "unit": "V", "optional": True},
    "current": {"type": "i64", "exp10": -6, "unit": "A", "optional": True},
    "salinity": {"type": "i64", "exp10": -6, "unit": "[ppth]", "optional": True},
}
EXAMPLES = (
    {  # gpsd's regression tests (BSD-2-Clause), an electronic compass:
        # $HCXDR,A,171,D,PITCH,A,-37,D,ROLL,G,367,,MAGX,G,2420,,MAGY,G,-8984,,MAGZ*41
        "in": {"payload": "2448435844522c412c3137312c442c50495443482c412c2d33372c442c524f4c4c2c472c3336372c2c4d4147582c472c323432302c2c4d4147592c472c2d383938342c2c4d41475a2a3431"},
        "out": (
            {"transducer": "5049544348", "kind": "41", "unit": "44", "value": 171000000, "angle": 171000000},
            {"transducer": "524f4c4c", "kind": "41", "unit": "44", "value": -37000000, "angle": -37000000},
            {"transducer": "4d414758", "kind": "47", "unit": "", "value": 367000000},
            {"transducer": "4d414759", "kind": "47", "unit": "", "value": 2420000000},
            {"transducer": "4d41475a", "kind": "47", "unit": "", "value": -8984000000},
        ),
    },
)

COMMA = 44


def letter(b: bytes, i: int, j: int) -> int:
    """The single letter of a field, 0 where it is empty."""
    value = 0
    if j > i:
        value = b[i]
    if j > i + 1:
        raise ValueError("not one letter")
    return value


def transform(payload: bytes) -> dict:
    end = kit.nmea_end(payload)
    if payload[0] == 36 and payload[1] != 80 and payload[3:6] == b"XDR" and payload[6] == COMMA:
        i = 7
        rows = 0
        while i < end and rows < 16:
            kind_end = kit.field_end(payload, COMMA, i, end)
            value_at = min(kind_end + 1, end)
            value_end = kit.field_end(payload, COMMA, value_at, end)
            unit_at = min(value_end + 1, end)
            unit_end = kit.field_end(payload, COMMA, unit_at, end)
            name_at = min(unit_end + 1, end)
            name_end = kit.field_end(payload, COMMA, name_at, end)
            kind = letter(payload, i, kind_end)
            unit = letter(payload, unit_at, unit_end)
            if value_end > value_at:
                if name_end > name_at + 32:
                    raise ValueError("name of a transducer too long")
                value = kit.fixed(payload, value_at, value_end, 6)
                out = {}
                out["transducer"] = payload[name_at:name_end]
                out["kind"] = payload[i:kind_end]
                out["unit"] = payload[unit_at:unit_end]
                out["value"] = value
                if kind == 65 and unit == 68:
                    out["angle"] = value
                elif kind == 67 and unit == 67:
                    out["temperature"] = value
                elif kind == 80 and unit == 66:
                    out["pressure"] = value  # bar: 1e-6 bar is 0.1 Pa
                elif kind == 80 and unit == 80:
                    out["pressure"] = kit.fixed(payload, value_at, value_end, 1)
                elif kind == 72 and unit == 80:
                    out["humidity"] = value
                elif kind == 85 and unit == 86:
                    out["voltage"] = value
                elif kind == 73 and unit == 65:
                    out["current"] = value
                elif kind == 76 and unit == 83:
                    out["salinity"] = value
                yield out
                rows = rows + 1
            i = min(name_end + 1, end)
