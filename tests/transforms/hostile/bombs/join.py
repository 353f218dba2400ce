# attack: join 1e8 texts
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": "x" .join(["abcdefghij" * 100] * 10 ** 6).encode()}
