# attack: 2 ** 10 ** 8
# expect: script.wall | script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % (2 ** (10 ** 8 + len(payload)) % 7)}
