"""Bytes that surely fit their text field need not be UTF-8: the emitter did not know that error."""

INPUT = {"payload": "bytes"}
OUTPUT = {"label": {"type": "text", "max": 8, "optional": True}, "n": {"type": "u16"}}
EXAMPLES = (
    {"in": {"payload": "416263"}, "out": ({"label": "bc", "n": 3},)},
    {"in": {"payload": "41ff"}, "error": "data.value"},
    {"in": {"payload": ""}, "out": ({"label": "", "n": 0},)},
)


def transform(payload: bytes) -> dict:
    return {"label": payload[-2:], "n": len(payload)}
