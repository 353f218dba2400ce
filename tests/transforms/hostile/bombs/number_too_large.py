# attack: an integer of a million bits for a field
# expect: data.range
OUTPUT = {"v": {"type": "i64"}}


def transform(payload):
    return {"v": 1 << 1_000_000}
