# attack: a state that leaves 64 bits
# expect: data.range | data.overflow
STATE = {"t": 0}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload, s):
    s["t"] = 1 << 100
    return {"v": b""}
