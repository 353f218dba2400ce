# attack: a generator that yields nothing for ever
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        if payload == b"never":
            yield {"v": b""}
