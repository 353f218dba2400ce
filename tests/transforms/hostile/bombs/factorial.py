# attack: math.factorial(10 ** 7)
# expect: script.wall | script.memory
import math
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % (math.factorial(10 ** 7 + len(payload)) % 7)}
