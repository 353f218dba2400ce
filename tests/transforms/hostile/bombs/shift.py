# attack: 1 << 10 ** 10
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % ((1 << 10 ** 10 + len(payload)) % 7)}
