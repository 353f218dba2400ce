# attack: sort 1e9 numbers
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % sorted(range(10**9))[0]}
