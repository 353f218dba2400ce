# attack: a set of numbers with one hash
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % len({i * (2**61 - 1) for i in range(100_000)})}
