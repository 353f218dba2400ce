# attack: import sys
# expect: build.lang
# says: module `sys`
import sys
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
