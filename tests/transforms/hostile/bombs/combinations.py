# attack: math.comb of large numbers
# expect: script.wall | script.memory
import math
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % (math.comb(10 ** 7, 5 * 10 ** 6) % 7)}
