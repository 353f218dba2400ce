"""The interpreter of the IR had no place for 64 bits without sign in a variable of its own."""

import struct

INPUT = {"payload": "bytes"}
OUTPUT = {"v": {"type": "i64"}}
EXAMPLES = (
    {"in": {"payload": "ffffffffffffffff07"}, "out": ({"v": 9223372036854775806},)},
    {"in": {"payload": "ffffffffffffffff"}, "error": "data.length"},
)


def transform(payload: bytes) -> dict:
    a, b = struct.unpack("<QB", payload[0:9])
    a = a - (b & 3)
    return {"v": a >> 1}
