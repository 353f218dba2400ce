# attack: import alloy_native
# expect: build.lang
# says: module `alloy_native`
import alloy_native
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
