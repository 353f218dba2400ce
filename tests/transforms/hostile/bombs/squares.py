# attack: x = x * x
# expect: script.wall | script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x = 3
    while True:
        x = x * x
