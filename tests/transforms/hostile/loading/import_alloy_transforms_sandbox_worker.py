# attack: import alloy_transforms.sandbox.worker
# expect: build.lang
# says: module `alloy_transforms.sandbox.worker`
import alloy_transforms.sandbox.worker
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
