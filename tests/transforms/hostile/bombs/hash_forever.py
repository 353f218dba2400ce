# attack: hash megabytes for ever in C
# expect: script.wall
import hashlib
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    h = hashlib.sha256()
    while True:
        h.update(bytes(1 << 20))
