"""A counter of frames with gaps: int and bool STATE, an error after a change of it. Source: none, made for tests."""

import kit

INPUT = {"payload": "bytes"}
OUTPUT = {
    "total": {"type": "i64"},
    "missed": {"type": "u32"},
    "first": {"type": "bool"},
}
STATE = {"total": 0, "last": -1, "missed": 0, "begun": False}
EXAMPLES = (
    {"in": {"payload": "0001aa55"}, "out": ({"total": 1, "missed": 0, "first": True},)},
    {"in": {"payload": "0002aa55"}, "out": ({"total": 1, "missed": 0, "first": True},)},
    {"in": {"payload": "7fff00ff"}, "out": ({"total": 1, "missed": 0, "first": True},)},
)


def transform(payload: bytes, s: dict) -> dict:
    number = kit.u16be(payload, 0)
    s["total"] = s["total"] + 1
    first = not s["begun"]
    s["begun"] = True
    if s["last"] >= 0:
        s["missed"] = s["missed"] + ((number - s["last"] - 1) & 0xFFFF)
    s["last"] = number
    if kit.u8(payload, 2) == 0xFF:
        raise ValueError("the state is as it was before this input")
    return {"total": s["total"], "missed": s["missed"], "first": first}
