# attack: import everything of a module that is not allowed
# expect: build.lang
# says: module `os`
from os import *
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
