# attack: import gc
# expect: build.lang
# says: module `gc`
import gc
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
