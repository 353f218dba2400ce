"""Names cut out of a payload: text and bytes of variable width, UTF-8 or not. Source: none, made for tests."""

import binascii

import kit

MAX_ROWS = 4
NEEDS = ("rows:4",)
INPUT = {"payload": "bytes"}
OUTPUT = {
    "name": {"type": "text", "max": 16, "optional": True},
    "rest": {"type": "bytes", "max": 8},
    "same": {"type": "bool"},
    "sum": {"type": "u32"},
}
EXAMPLES = (
    {
        "in": {"payload": "054bc3b86265006600"},
        "out": ({"name": "Købe", "rest": "006600", "same": False, "sum": 3437630771},),
    },
    {
        "in": {"payload": "03e282ac034f6e6500"},
        "out": (
            {"name": "€", "rest": "034f6e6500", "same": False, "sum": 406240366},
            {"name": "One", "rest": "00", "same": False, "sum": 3523407757},
        ),
    },
    {"in": {"payload": "024f4b"}, "out": ({"name": "OK", "rest": "", "same": True, "sum": 0},)},
)


def transform(payload: bytes) -> dict:
    i = 0
    rows = 0
    while i < len(payload) and payload[i] > 0:
        size = payload[i]
        end = i + 1 + size
        if end > len(payload):
            raise ValueError("a name is longer than the payload")
        out = {}
        if size < 200:
            out["name"] = payload[i + 1 : end]
        out["rest"] = payload[end:]
        out["same"] = payload[i + 1 : i + 3] == b"OK" or kit.u8(payload, i + 1) == 0x20
        out["sum"] = binascii.crc32(payload[end:])
        rows = rows + 1
        yield out
        i = end
