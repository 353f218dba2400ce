# attack: append small things for ever
# expect: script.memory | script.wall
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x = []
    while True:
        x.append([])
