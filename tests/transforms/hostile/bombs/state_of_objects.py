# attack: a state that holds an object
# expect: data.schema | data.value | data.range
STATE = {"t": ""}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload, s):
    s["t"] = print
    return {"v": b""}
