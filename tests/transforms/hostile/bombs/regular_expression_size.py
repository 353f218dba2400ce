# attack: a regular expression whose program is huge
# expect: script.wall | script.memory | data.overflow | answer | script.exception
import re
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % bool(re.match("((a{1000}){1000}){1000}", "a"))}
