# attack: print short lines without end
# expect: script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    while True:
        print("x")
