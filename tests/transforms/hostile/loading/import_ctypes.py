# attack: import _ctypes
# expect: build.lang
# says: module `_ctypes`
import _ctypes
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
