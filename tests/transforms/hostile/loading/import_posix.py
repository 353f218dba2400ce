# attack: import posix
# expect: build.lang
# says: module `posix`
import posix
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
