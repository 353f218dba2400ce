# attack: use what NEEDS does not say
# expect: build.lang
# says: NEEDS
NEEDS = ()
import json
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
