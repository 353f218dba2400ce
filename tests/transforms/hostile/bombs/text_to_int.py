# attack: an integer of 100,000 digits
# expect: data.value
# says: integer string conversion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": b"%d" % int("9" * 100_000)}
