"""A block of Modbus registers as 32-bit floating point numbers: one row per value. Source: Eastron, "SDM630 Modbus Protocol", section 1; IEEE 754-2019, section 3.4.

Energy meters and many transmitters send binary32 in two registers. The payload is the register data of an answer to
function 3 or 4, without address, count and CRC. `word_order` is the maker's. A register pair that holds no number
(infinity or NaN, as meters send for what they cannot measure) gives a row without `value`.
"""
import kit

MAX_ROWS = 64
NEEDS = ("rows:64",)
PARAMS = {
    "first": 0,
    "word_order": 0,  # 0: most significant register first, 1: least significant first
}
INPUT = {"payload": "bytes"}
OUTPUT = {
    "register": {"type": "i32"},
    "value": {"type": "f64", "optional": True},
}
EXAMPLES = (
    {  # the document's example: phase 1 voltage, 230.2 V
        "in": {"payload": "43663334"},
        "out": ({"register": 0, "value": 230.20001220703125},),
    },
    {"in": {"payload": "7fc00000bf800000"}, "out": ({"register": 0}, {"register": 2, "value": -1.0})},
)


def transform(payload: bytes) -> dict:
    if len(payload) % 4 != 0 or len(payload) > 256:
        raise ValueError("not a whole number of values, at most 64")
    n = len(payload) // 4
    for k in range(n):
        word = kit.u32be(payload, 4 * k)
        if PARAMS["word_order"] != 0:
            word = ((word & 0xFFFF) << 16) | (word >> 16)
        out = {}
        out["register"] = PARAMS["first"] + 2 * k
        if kit.finite32(word):
            out["value"] = kit.f32(word)
        yield out
