"""NMEA 0183 receivers: GSV sentences, one row per satellite in view. Source: NMEA 0183 version 4.11, section 8.3.

A file of its own, because a row is a satellite and not a sentence. Every other kind of sentence gives no row; the
checksum is required. Satellites that are not tracked have no `cn0`. `signal` is the signal ID of version 4.11.
"""
import kit

MAX_ROWS = 4
NEEDS = ("rows:4",)
INPUT = {"payload": "bytes"}
OUTPUT = {
    "talker": {"type": "enum", "names": ("other", "gps", "glonass", "galileo", "beidou", "qzss", "combined")},
    "in_view": {"type": "u8", "unit": "{satellites}", "optional": True},
    "satellite": {"type": "u16"},
    "elevation": {"type": "i8", "unit": "deg", "range": (-90, 90), "optional": True},
    "azimuth": {"type": "u16", "unit": "deg", "range": (0, 360), "optional": True},
    "cn0": {"type": "u8", "unit": "dB{Hz}", "range": (0, 99), "optional": True},
    "signal": {"type": "u8", "optional": True},
}
EXAMPLES = (
    {  # gpsd's regression tests (BSD-2-Clause), navika-100-fix.log and others
        # $GPGSV,2,2,08,25,41,116,20,26,36,297,25,29,73,057,12,31,56,245,20*73
        "in": {"payload": "2447504753562c322c322c30382c32352c34312c3131362c32302c32362c33362c3239372c32352c32392c37332c3035372c31322c33312c35362c3234352c32302a3733"},
        "out": (
            {"talker": 1, "in_view": 8, "satellite": 25, "elevation": 41, "azimuth": 116, "cn0": 20},
            {"talker": 1, "in_view": 8, "satellite": 26, "elevation": 36, "azimuth": 297, "cn0": 25},
            {"talker": 1, "in_view": 8, "satellite": 29, "elevation": 73, "azimuth": 57, "cn0": 12},
            {"talker": 1, "in_view": 8, "satellite": 31, "elevation": 56, "azimuth": 245, "cn0": 20},
        ),
    },
    {
        # $GPHDT,25.50,T*37
        "in": {"payload": "2447504844542c32352e35302c542a3337"},
        "out": (),
    },
)

COMMA = 44


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


def number(b: bytes, k: int, end: int) -> int:
    """Field k as a whole number from 0, or one below 0 as -1 - n; -1000 where it is empty."""
    i = kit.field(b, COMMA, k, end)
    j = kit.field_end(b, COMMA, i, end)
    value = -1000
    if j > i:
        value = kit.fixed(b, i, j, 0)
        if value < -999 or value > 65535:
            raise ValueError("not a number of a satellite")
    return value


def transform(payload: bytes) -> dict:
    end = kit.nmea_end(payload)
    if payload[0] == 36 and payload[1] != 80 and payload[3:6] == b"GSV" and payload[6] == COMMA:
        fields = 0
        i = 0
        while i < end:
            if payload[i] == COMMA:
                fields = fields + 1
            i = i + 1
        extra = (fields - 3) % 4  # 1: a signal ID behind the last satellite
        blocks = (fields - 3) // 4
        if fields < 3 or extra > 1 or blocks > 4:
            raise ValueError("not the fields of a GSV sentence")
        seen = number(payload, 3, end)
        signal = -1
        if extra == 1:
            k = kit.field(payload, COMMA, fields, end)
            if end == k + 1:
                signal = kit.hex_digit(payload[k])
        for n in range(blocks):
            satellite = number(payload, 4 + 4 * n, end)
            if satellite >= 0:
                out = {}
                out["talker"] = talker_of(payload)
                if seen >= 0:
                    out["in_view"] = seen
                out["satellite"] = satellite
                elevation = number(payload, 5 + 4 * n, end)
                if elevation > -1000:
                    out["elevation"] = elevation
                azimuth = number(payload, 6 + 4 * n, end)
                if azimuth >= 0:
                    out["azimuth"] = azimuth
                strength = number(payload, 7 + 4 * n, end)
                if strength >= 0:
                    out["cn0"] = strength
                if signal >= 0:
                    out["signal"] = signal
                yield out
