"""The document named the variable of a loop that never runs, and did not declare it."""

import kit

INPUT = {"payload": "bytes"}
OUTPUT = {"v": {"type": "u16"}}
EXAMPLES = ({"in": {"payload": "0102"}, "out": ({"v": 0},)},)


def transform(payload: bytes) -> dict:
    if len(payload) < 2:
        raise ValueError("no")
    return {"v": kit.sum16(payload[0:1], 1, 1)}
