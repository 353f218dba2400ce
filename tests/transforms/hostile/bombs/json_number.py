# attack: JSON with an integer of a million digits
# expect: data.value
# says: integer string conversion
import json
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": json.loads("9" * 1_000_000)}
