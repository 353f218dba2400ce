# attack: compare lists nested 100,000 deep
# expect: script.recursion | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x, y = [], []
    for _ in range(100_000):
        x, y = [x], [y]
    return {"v": b"%d" % (x == y)}
