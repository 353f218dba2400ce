# attack: JSON nested 100,000 deep
# expect: script.recursion
import json
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": json.loads("[" * 100_000)}
