# attack: import socket
# expect: build.lang
# says: module `socket`
import socket
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
