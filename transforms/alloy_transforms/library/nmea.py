"""NMEA 0183 receivers: GGA, RMC, VTG and GSA sentences. Source: NMEA 0183 version 4.11, sections 5.3 and 8.3.

One serial line carries many kinds of sentence: each of the four gives a row with the fields it has, every
other kind gives no row. The checksum is required and verified. Positions appear only where the sentence
itself says that they are valid. RMC alone carries a date, so the time of the other rows is their receive
time; the time of day of the sentence is a field of its own.
"""
import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "sentence": {"type": "enum", "names": ("gga", "rmc", "vtg", "gsa")},
    "talker": {"type": "enum", "names": ("other", "gps", "glonass", "galileo", "beidou", "qzss", "combined")},
    "time": {"type": "time_ns", "optional": True},
    "time_of_day": {"type": "u32", "exp10": -3, "unit": "s", "range": (0, 86401), "optional": True},
    "latitude": {"type": "i64", "exp10": -9, "unit": "deg", "range": (-90, 90), "optional": True, "quantity": "latitude"},
    "longitude": {"type": "i64", "exp10": -9, "unit": "deg", "range": (-180, 180), "optional": True, "quantity": "longitude"},
    "altitude": {"type": "i32", "exp10": -3, "unit": "m", "optional": True, "quantity": "altitude"},
    "geoid_separation": {"type": "i32", "exp10": -3, "unit": "m", "optional": True},
    "fix": {"type": "enum", "names": ("invalid", "gps", "differential", "pps", "rtk", "rtk_float", "estimated", "manual", "simulator"), "optional": True},
    "valid": {"type": "bool", "optional": True},
    "dimensions": {"type": "enum", "names": ("none", "2d", "3d"), "optional": True},
    "satellites": {"type": "u8", "unit": "{satellites}", "optional": True},
    "hdop": {"type": "u32", "exp10": -2, "unit": "1", "optional": True},
    "pdop": {"type": "u32", "exp10": -2, "unit": "1", "optional": True},
    "vdop": {"type": "u32", "exp10": -2, "unit": "1", "optional": True},
    "speed": {"type": "u32", "exp10": -3, "unit": "[kn_i]", "optional": True, "quantity": "platform_speed_wrt_ground"},
    "course": {"type": "u32", "exp10": -3, "unit": "deg", "range": (0, 360), "optional": True, "quantity": "platform_course"},
    "magnetic_course": {"type": "u32", "exp10": -3, "unit": "deg", "range": (0, 360), "optional": True},
    "magnetic_variation": {"type": "i32", "exp10": -3, "unit": "deg", "range": (-180, 180), "optional": True},
}
EXAMPLES = (
    {  # rx210.log of gpsd's regression tests (BSD-2-Clause)
        # $GNRMC,184103.00,A,5000.14112,N,00838.63658,E,0.424,,030416,,,A*6C
        "in": {"payload": "24474e524d432c3138343130332e30302c412c353030302e31343131322c4e2c30303833382e36333635382c452c302e3432342c2c3033303431362c2c2c412a3643"},
        "out": (
            {
                "sentence": 1,
                "talker": 6,
                "time_of_day": 67263000,
                "valid": True,
                "time": 1459708863000000000,
                "speed": 424,
                "latitude": 50002352000,
                "longitude": 8643943000,
            },
        ),
    },
    {
        # $GNGGA,184103.00,5000.14112,N,00838.63658,E,1,05,3.62,165.8,M,47.6,M,,*4F
        "in": {"payload": "24474e4747412c3138343130332e30302c353030302e31343131322c4e2c30303833382e36333635382c452c312c30352c332e36322c3136352e382c4d2c34372e362c4d2c2c2a3446"},
        "out": (
            {
                "sentence": 0,
                "talker": 6,
                "time_of_day": 67263000,
                "fix": 1,
                "latitude": 50002352000,
                "longitude": 8643943000,
                "satellites": 5,
                "hdop": 362,
                "altitude": 165800,
                "geoid_separation": 47600,
            },
        ),
    },
    {
        # $GNGSA,A,3,31,26,21,,,,,,,,,,3.77,2.55,2.78*15
        "in": {"payload": "24474e4753412c412c332c33312c32362c32312c2c2c2c2c2c2c2c2c2c332e37372c322e35352c322e37382a3135"},
        "out": (
            {
                "sentence": 3,
                "talker": 6,
                "dimensions": 2,
                "satellites": 3,
                "pdop": 377,
                "hdop": 255,
                "vdop": 278,
            },
        ),
    },
    {  # gp-320fw-2019-03-28.log, same origin
        # $GPVTG,000.0,T,357.0,M,000.0,N,0000.0,K,A*12
        "in": {"payload": "2447505654472c3030302e302c542c3335372e302c4d2c3030302e302c4e2c303030302e302c4b2c412a3132"},
        "out": (
            {
                "sentence": 2,
                "talker": 1,
                "course": 0,
                "magnetic_course": 357000,
                "speed": 0,
            },
        ),
    },
    {  # a kind that is not read gives no row
        # $GPGSV,2,2,08,25,41,116,20,26,36,297,25,29,73,057,12,31,56,245,20*73
        "in": {"payload": "2447504753562c322c322c30382c32352c34312c3131362c32302c32362c33362c3239372c32352c32392c37332c3035372c31322c33312c35362c3234352c32302a3733"},
        "out": (),
    },
)

COMMA = 44


def angle(b: bytes, i: int, end: int, sign: int) -> int:
    """dddmm.mmmm from i to end as 1e-9 degrees, rounded to nearest."""
    v = kit.fixed(b, i, end, 8)
    whole = v // 10000000000
    minutes = v % 10000000000
    if v < 0 or minutes >= 6000000000:
        raise ValueError("not an angle")
    return sign * (whole * 1000000000 + (minutes * 10 + 30) // 60)


def hemisphere(b: bytes, i: int, end: int, positive: int, negative: int) -> int:
    """1 or -1 by the letter of the field."""
    if end != i + 1 or (b[i] != positive and b[i] != negative):
        raise ValueError("not a hemisphere")
    sign = 1
    if b[i] == negative:
        sign = -1
    return sign


def clock_ms(b: bytes, i: int, end: int) -> int:
    """hhmmss.sss as milliseconds of the day."""
    if end < i + 6:
        raise ValueError("not a time of day")
    hours = kit.digits(b, i, i + 2)
    minutes = kit.digits(b, i + 2, i + 4)
    ms = kit.fixed(b, i + 4, end, 3)
    if hours > 23 or minutes > 59 or ms < 0 or ms >= 61000:
        raise ValueError("not a time of day")
    return hours * 3600000 + minutes * 60000 + ms


def utc_ns(year: int, month: int, day: int, b: bytes, i: int, end: int) -> int:
    """Nanoseconds since 1970-01-01 of a date and hhmmss.sssssssss, exact to the last digit given."""
    second = kit.digits(b, i, i + 2) * 3600 + kit.digits(b, i + 2, i + 4) * 60 + kit.digits(b, i + 4, i + 6)
    return kit.unix_seconds(year, month, day, second) * 1000000000 + kit.fixed(b, i + 4, end, 9) % 1000000000


def talker_of(b: bytes) -> int:
    """Index of the talker among the names of OUTPUT."""
    index = 0
    if b[1:3] == b"GP":
        index = 1
    elif b[1:3] == b"GL":
        index = 2
    elif b[1:3] == b"GA":
        index = 3
    elif b[1:3] == b"GB" or b[1:3] == b"BD":
        index = 4
    elif b[1:3] == b"GQ" or b[1:3] == b"QZ":
        index = 5
    elif b[1:3] == b"GN":
        index = 6
    return index


def letter(b: bytes, i: int, end: int) -> int:
    """The single letter of a field, 0 where it is empty."""
    value = 0
    if end > i:
        value = b[i]
    return value


def transform(payload: bytes) -> dict:
    end = kit.nmea_end(payload)
    kind = -1
    if payload[0] == 36 and payload[1] != 80 and payload[6] == COMMA:  # '!' is AIS, $P is a maker's own
        if payload[3:6] == b"GGA":
            kind = 0
        elif payload[3:6] == b"RMC":
            kind = 1
        elif payload[3:6] == b"VTG":
            kind = 2
        elif payload[3:6] == b"GSA":
            kind = 3
    if kind >= 0:
        out = {}
        out["sentence"] = kind
        out["talker"] = talker_of(payload)
        if kind == 0 or kind == 1:
            at = 2
            usable = False
            i = kit.field(payload, COMMA, 1, end)
            j = kit.field_end(payload, COMMA, i, end)
            if j > i:
                out["time_of_day"] = clock_ms(payload, i, j)
            if kind == 0:
                k = kit.field(payload, COMMA, 6, end)
                m = kit.field_end(payload, COMMA, k, end)
                if m > k:
                    quality = kit.digits(payload, k, m)
                    if quality > 8:
                        raise ValueError("unknown fix quality")
                    out["fix"] = quality
                    usable = quality > 0
            else:
                at = 3
                k = kit.field(payload, COMMA, 2, end)
                m = kit.field_end(payload, COMMA, k, end)
                usable = letter(payload, k, m) == 65
                k = kit.field(payload, COMMA, 12, end)
                m = kit.field_end(payload, COMMA, k, end)
                if letter(payload, k, m) == 78:
                    usable = False
                out["valid"] = usable
                k = kit.field(payload, COMMA, 9, end)
                m = kit.field_end(payload, COMMA, k, end)
                if j > i and m > k:
                    if m != k + 6:
                        raise ValueError("not a date")
                    year = kit.digits(payload, k + 4, k + 6)
                    if year < 80:
                        year = year + 2000
                    else:
                        year = year + 1900
                    day = kit.digits(payload, k, k + 2)
                    month = kit.digits(payload, k + 2, k + 4)
                    out["time"] = utc_ns(year, month, day, payload, i, j)
                k = kit.field(payload, COMMA, 7, end)
                m = kit.field_end(payload, COMMA, k, end)
                if usable and m > k:
                    out["speed"] = kit.fixed(payload, k, m, 3)
                k = kit.field(payload, COMMA, 8, end)
                m = kit.field_end(payload, COMMA, k, end)
                if usable and m > k:
                    out["course"] = kit.fixed(payload, k, m, 3)
                k = kit.field(payload, COMMA, 10, end)
                m = kit.field_end(payload, COMMA, k, end)
                if m > k:
                    i = kit.field(payload, COMMA, 11, end)
                    j = kit.field_end(payload, COMMA, i, end)
                    if letter(payload, i, j) == 69 or letter(payload, i, j) == 87:  # some send a mode letter here
                        out["magnetic_variation"] = hemisphere(payload, i, j, 69, 87) * kit.fixed(payload, k, m, 3)
            i = kit.field(payload, COMMA, at, end)
            j = kit.field_end(payload, COMMA, i, end)
            k = kit.field(payload, COMMA, at + 2, end)
            m = kit.field_end(payload, COMMA, k, end)
            if usable and j > i and m > k:
                north = kit.field(payload, COMMA, at + 1, end)
                east = kit.field(payload, COMMA, at + 3, end)
                north_end = kit.field_end(payload, COMMA, north, end)
                east_end = kit.field_end(payload, COMMA, east, end)
                out["latitude"] = angle(payload, i, j, hemisphere(payload, north, north_end, 78, 83))
                out["longitude"] = angle(payload, k, m, hemisphere(payload, east, east_end, 69, 87))
            if kind == 0:
                i = kit.field(payload, COMMA, 7, end)
                j = kit.field_end(payload, COMMA, i, end)
                if j > i:
                    out["satellites"] = kit.digits(payload, i, j)
                i = kit.field(payload, COMMA, 8, end)
                j = kit.field_end(payload, COMMA, i, end)
                if j > i:
                    out["hdop"] = kit.fixed(payload, i, j, 2)
                i = kit.field(payload, COMMA, 9, end)
                j = kit.field_end(payload, COMMA, i, end)
                if usable and j > i:
                    out["altitude"] = kit.fixed(payload, i, j, 3)
                i = kit.field(payload, COMMA, 11, end)
                j = kit.field_end(payload, COMMA, i, end)
                if usable and j > i:
                    out["geoid_separation"] = kit.fixed(payload, i, j, 3)
        elif kind == 2:
            i = kit.field(payload, COMMA, 9, end)
            j = kit.field_end(payload, COMMA, i, end)
            if letter(payload, i, j) != 78:
                i = kit.field(payload, COMMA, 1, end)
                j = kit.field_end(payload, COMMA, i, end)
                if j > i:
                    out["course"] = kit.fixed(payload, i, j, 3)
                i = kit.field(payload, COMMA, 3, end)
                j = kit.field_end(payload, COMMA, i, end)
                if j > i:
                    out["magnetic_course"] = kit.fixed(payload, i, j, 3)
                i = kit.field(payload, COMMA, 5, end)
                j = kit.field_end(payload, COMMA, i, end)
                if j > i:
                    out["speed"] = kit.fixed(payload, i, j, 3)
        else:
            i = kit.field(payload, COMMA, 2, end)
            j = kit.field_end(payload, COMMA, i, end)
            if j > i:
                mode = kit.digits(payload, i, j)
                if mode < 1 or mode > 3:
                    raise ValueError("unknown fix dimensions")
                out["dimensions"] = mode - 1
            count = 0
            for k in range(12):
                i = kit.field(payload, COMMA, 3 + k, end)
                j = kit.field_end(payload, COMMA, i, end)
                if j > i:
                    count = count + 1
            out["satellites"] = count
            i = kit.field(payload, COMMA, 15, end)
            j = kit.field_end(payload, COMMA, i, end)
            if j > i:
                out["pdop"] = kit.fixed(payload, i, j, 2)
            i = kit.field(payload, COMMA, 16, end)
            j = kit.field_end(payload, COMMA, i, end)
            if j > i:
                out["hdop"] = kit.fixed(payload, i, j, 2)
            i = kit.field(payload, COMMA, 17, end)
            j = kit.field_end(payload, COMMA, i, end)
            if j > i:
                out["vdop"] = kit.fixed(payload, i, j, 2)
        yield out
