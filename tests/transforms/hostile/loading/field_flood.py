# attack: 10,000 output fields
# expect: build.limit
OUTPUT = {f"f{i}": {"type": "i8"} for i in range(10_000)}
def transform(payload):
    return {}
