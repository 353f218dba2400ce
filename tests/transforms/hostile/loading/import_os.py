# attack: import os
# expect: build.lang
# says: module `os`
import os
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
