# attack: a state of 10,000 values
# expect: build.limit | build.type
STATE = {f"k{i}": 0 for i in range(10_000)}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}
def transform(payload, s):
    return {"v": b""}
