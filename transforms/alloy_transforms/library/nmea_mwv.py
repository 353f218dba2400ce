"""NMEA 0183 wind sensors: MWV sentences. Source: NMEA 0183 version 4.11, section 8.3 (MWV); Gill WindObserver 65 manual, appendix H.

Angles are from the bow, clockwise. Speeds sent in knots, km/h or statute miles per hour come out in m/s, exactly
rounded to 1e-6 m/s. A sentence whose status is not A has its `valid` false and no values. Other kinds give no row.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "reference": {"type": "enum", "names": ("relative", "theoretical")},
    "valid": {"type": "bool"},
    "wind_angle": {"type": "i32", "exp10": -3, "unit": "deg", "range": (0, 360), "optional": True},
    "wind_speed": {"type": "i64", "exp10": -6, "unit": "m/s", "range": (0, 150), "optional": True, "quantity": "wind_speed"},
}
EXAMPLES = (
    {  # an Airmar PB100, published with its log of 2010-06-01: $WIMWV,251.4,R,3.1,N,A*23
        "in": {"payload": "2457494d57562c3235312e342c522c332e312c4e2c412a3233"},
        "out": ({"reference": 0, "valid": True, "wind_angle": 251400, "wind_speed": 1594778},),
    },
    {  # the same log: $WIMWV,249.8,R,3.2,N,A*25
        "in": {"payload": "2457494d57562c3234392e382c522c332e322c4e2c412a3235"},
        "out": ({"reference": 0, "valid": True, "wind_angle": 249800, "wind_speed": 1646222},),
    },
)

COMMA = 44


def metres(milli: int, unit: int) -> int:
    """Thousandths of the unit by its letter as millionths of m/s, rounded to nearest."""
    value = 0
    if unit == 77:  # M
        value = milli * 1000
    elif unit == 78:  # N: 1852 m an hour
        value = (milli * 1852000 + 1800) // 3600
    elif unit == 75:  # K
        value = (milli * 1000000 + 1800) // 3600
    elif unit == 83:  # S: 1609.344 m an hour
        value = (milli * 1609344 + 1800) // 3600
    else:
        raise ValueError("unknown unit of speed")
    return value


def transform(payload: bytes) -> dict:
    end = kit.nmea_end(payload)
    if payload[0] == 36 and payload[1] != 80 and payload[3:6] == b"MWV" and payload[6] == COMMA:
        out = {}
        i = kit.field(payload, COMMA, 2, end)
        if i >= end or (payload[i] != 82 and payload[i] != 84):
            raise ValueError("unknown reference of the wind")
        out["reference"] = 0
        if payload[i] == 84:
            out["reference"] = 1
        status = kit.field(payload, COMMA, 5, end)
        valid = status < end and payload[status] == 65
        out["valid"] = valid
        if valid:
            i = kit.field(payload, COMMA, 1, end)
            j = kit.field_end(payload, COMMA, i, end)
            if j > i:
                angle = kit.fixed(payload, i, j, 3)
                if angle < -360000 or angle > 360000:
                    raise ValueError("not an angle")
                out["wind_angle"] = angle
            i = kit.field(payload, COMMA, 3, end)
            j = kit.field_end(payload, COMMA, i, end)
            unit = kit.field(payload, COMMA, 4, end)
            if j > i and unit < end:
                speed = kit.fixed(payload, i, j, 3)
                if speed < 0 or speed > 1000000000:
                    raise ValueError("not a speed")
                out["wind_speed"] = metres(speed, payload[unit])
        yield out
