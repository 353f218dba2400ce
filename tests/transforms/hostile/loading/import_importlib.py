# attack: import importlib
# expect: build.lang
# says: module `importlib`
import importlib
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
