# attack: search an endless iterator in C
# expect: script.wall
import itertools
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % (-1 in itertools.count())}
