# attack: a list of 1e9 entries
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    n = 10**9 + len(payload)
    return {"v": len([0] * n)}
