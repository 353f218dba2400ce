# attack: a regular expression that backtracks forever
# expect: script.wall
import re
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % bool(re.match("(a+)+$", "a" * 40 + "b"))}
