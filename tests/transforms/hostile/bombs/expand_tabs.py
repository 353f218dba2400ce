# attack: tabs of 1e9
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"\t".expandtabs(10**9)}
