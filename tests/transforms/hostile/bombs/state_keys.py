# attack: a state with 100,000 keys
# expect: data.schema | data.range | script.wall
STATE = {"t": ""}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload, s):
    for i in range(100_000):
        s[str(i)] = i
    return {"v": b""}
