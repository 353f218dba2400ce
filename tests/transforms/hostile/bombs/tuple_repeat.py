# attack: a tuple of 1e9
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    n = 10**9 + len(payload)
    return {"v": bytes((0,) * n)}
