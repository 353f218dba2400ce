# attack: a state of a megabyte
# expect: data.range | data.value | script.exception
STATE = {"t": ""}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload, s):
    s["t"] = "x" * 1_000_000
    return {"v": b""}
