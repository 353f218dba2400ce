# attack: nested repetitions that each look small
# expect: script.memory
X = [[[["a" * 10**3] * 10**3] * 10**3] * 10**5] * 10**8
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
