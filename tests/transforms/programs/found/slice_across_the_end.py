"""A slice at a variable that may be negative is shorter than its text says, never longer."""

INPUT = {"payload": "bytes", "n": "int"}
OUTPUT = {"a": {"type": "bytes", "max": 4}, "b": {"type": "bytes", "max": 255}}
EXAMPLES = (
    {"in": {"payload": "0102030405", "n": -2}, "out": ({"a": b"", "b": b""},)},
    {"in": {"payload": "0102030405", "n": -5}, "out": ({"a": b"\x01\x02\x03\x04", "b": b"\x02"},)},
    {"in": {"payload": "0102", "n": -3}, "out": ({"a": b"\x01", "b": b"\x01"},)},
)


def transform(payload: bytes, n: int) -> dict:
    if n < -9 or n > 9:
        raise ValueError("too far")
    return {"a": payload[n : n + 4], "b": payload[n + 1 : n + 2]}
