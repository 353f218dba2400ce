# attack: import builtins
# expect: build.lang
# says: module `builtins`
import builtins
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
