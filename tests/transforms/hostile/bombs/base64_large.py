# attack: base64 of everything, again and again
# expect: script.memory | script.wall
import base64
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x = b"x" * 1000
    while True:
        x = base64.b64encode(x) * 2
