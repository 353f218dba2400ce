# attack: a sum that C code computes without a check for signals
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % sum(range(10**12))}
