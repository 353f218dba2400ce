"""A block of Modbus registers as integers: one row per value. Source: MODBUS Application Protocol Specification V1.1b3, sections 4.2 and 6.3.

The payload is the register data of an answer to function 3 or 4, without address, count and CRC. The standard sends
each register most significant byte first and says nothing of values that take more than one: `word_order` is the
maker's, as are `bits`, `signed` and `byte_swap`. `register` counts from `first`, the address that was asked for.
"""
import kit

MAX_ROWS = 64
NEEDS = ("rows:64",)
PARAMS = {
    "first": 0,
    "bits": 16,  # 16, 32 or 64
    "signed": 0,  # 1: two's complement; 64 bits always are
    "word_order": 0,  # 0: most significant register first, 1: least significant first
    "byte_swap": 0,  # 1: least significant byte of a register first
}
INPUT = {"payload": "bytes"}
OUTPUT = {
    "register": {"type": "i32"},
    "value": {"type": "i64"},
}
EXAMPLES = (
    {  # the specification's example, section 6.3: registers 108 to 110
        "in": {"payload": "022b00000064"},
        "out": ({"register": 0, "value": 555}, {"register": 1, "value": 0}, {"register": 2, "value": 100}),
    },
    {"in": {"payload": ""}, "out": ()},
    {"in": {"payload": "02"}, "error": "data.value"},
)


def word(b: bytes, i: int) -> int:
    """The register at offset i."""
    value = 0
    if PARAMS["byte_swap"] == 0:
        value = kit.u16be(b, i)
    else:
        value = kit.u16le(b, i)
    return value


def transform(payload: bytes) -> dict:
    bits = PARAMS["bits"]
    if bits != 16 and bits != 32 and bits != 64:
        raise ValueError("bits must be 16, 32 or 64")
    size = bits // 8
    if len(payload) % size != 0 or len(payload) > 64 * size:
        raise ValueError("not a whole number of values, at most 64")
    words = bits // 16
    n = len(payload) // size
    for k in range(n):
        value = 0
        for w in range(words):
            at = w
            if PARAMS["word_order"] != 0:
                at = words - 1 - w
            part = word(payload, k * size + 2 * at)
            if w == 0 and (bits == 64 or PARAMS["signed"] != 0):
                part = kit.signed(part, 16)
            value = value * 65536 + part
        yield {"register": PARAMS["first"] + k * words, "value": value}
