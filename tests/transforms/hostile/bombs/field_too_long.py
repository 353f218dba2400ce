# attack: more bytes than the field may have
# expect: data.range
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": bytes(10_000_000)}
