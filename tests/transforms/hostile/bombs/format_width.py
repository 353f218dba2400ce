# attack: a format with a width of 1e9
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": ("%1000000000d" % len(payload)).encode()}
