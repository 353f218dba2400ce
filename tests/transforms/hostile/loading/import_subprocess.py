# attack: import subprocess
# expect: build.lang
# says: module `subprocess`
import subprocess
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
