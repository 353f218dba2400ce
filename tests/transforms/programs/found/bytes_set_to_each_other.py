"""The emitted function gave its bytes parameters lifetimes of their own, and rustc refused it."""

INPUT = {"payload": "bytes", "more": "bytes"}
OUTPUT = {"raw": {"type": "bytes", "max": 8}}
EXAMPLES = (
    {"in": {"payload": "010203", "more": "0405060708"}, "out": ({"raw": b"\x04\x05"},)},
    {"in": {"payload": "010203", "more": "04"}, "out": ({"raw": b"\x02\x03"},)},
)


def transform(payload: bytes, more: bytes) -> dict:
    d1 = more
    if len(more) > len(payload):
        payload = more[0:2]
    else:
        d1 = payload[1:3]
        payload = d1
    return {"raw": payload}
