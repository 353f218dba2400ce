# attack: yield rows for ever
# expect: script.output
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        yield {"v": b""}
