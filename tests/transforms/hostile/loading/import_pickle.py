# attack: import pickle
# expect: build.lang
# says: module `pickle`
import pickle
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
