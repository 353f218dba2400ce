# attack: print many things with a long separator
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    print(*range(1000), sep="x" * 10**6)
    return {"v": b""}
