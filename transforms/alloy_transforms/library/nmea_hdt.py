"""NMEA 0183 compasses: true heading from HDT, magnetic from HDM and HDG. Source: NMEA 0183 version 4.11, section 8.3.

Every other kind of sentence gives no row; the checksum is required. Of HDG the deviation and the variation come too,
east positive; the heading is the sensor's own, nothing is added to it.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "true_heading": {"type": "i32", "exp10": -3, "unit": "deg", "range": (0, 360), "optional": True, "quantity": "platform_azimuth_angle"},
    "magnetic_heading": {"type": "i32", "exp10": -3, "unit": "deg", "range": (0, 360), "optional": True},
    "deviation": {"type": "i32", "exp10": -3, "unit": "deg", "range": (-180, 180), "optional": True},
    "variation": {"type": "i32", "exp10": -3, "unit": "deg", "range": (-180, 180), "optional": True},
}
EXAMPLES = (
    {  # gpsd's regression tests (BSD-2-Clause): $GPHDT,25.50,T*37
        "in": {"payload": "2447504844542c32352e35302c542a3337"},
        "out": ({"true_heading": 25500},),
    },
    {  # an Airmar PB100, published with its log of 2010-06-01: $HCHDG,203.6,0.0,E,12.6,W*62
        "in": {"payload": "2448434844472c3230332e362c302e302c452c31322e362c572a3632"},
        "out": ({"magnetic_heading": 203600, "deviation": 0, "variation": -12600},),
    },
)

COMMA = 44


def east(b: bytes, k: int, end: int) -> int:
    """Field k in thousandths, negative where the field behind it says W; a million where either is empty."""
    i = kit.field(b, COMMA, k, end)
    j = kit.field_end(b, COMMA, i, end)
    m = kit.field(b, COMMA, k + 1, end)
    value = 1000000
    if j > i and m < end and (b[m] == 69 or b[m] == 87):
        value = kit.fixed(b, i, j, 3)
        if value < -180000 or value > 180000:
            raise ValueError("not an angle")
        if b[m] == 87:
            value = -value
    return value


def transform(payload: bytes) -> dict:
    end = kit.nmea_end(payload)
    kind = 0
    if payload[0] == 36 and payload[1] != 80 and payload[6] == COMMA:
        if payload[3:6] == b"HDT":
            kind = 1
        elif payload[3:6] == b"HDM":
            kind = 2
        elif payload[3:6] == b"HDG":
            kind = 3
    i = kit.field(payload, COMMA, 1, end)
    j = kit.field_end(payload, COMMA, i, end)
    if kind > 0 and j > i:
        out = {}
        heading = kit.fixed(payload, i, j, 3)
        if heading < 0 or heading > 360000:
            raise ValueError("not a heading")
        if kind == 1:
            out["true_heading"] = heading
        else:
            out["magnetic_heading"] = heading
        if kind == 3:
            angle = east(payload, 2, end)
            if angle != 1000000:
                out["deviation"] = angle
            angle = east(payload, 4, end)
            if angle != 1000000:
                out["variation"] = angle
        yield out
