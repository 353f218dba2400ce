# attack: while True
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        pass
