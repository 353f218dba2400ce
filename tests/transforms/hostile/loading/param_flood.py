# attack: 10,000 parameters
# expect: build.limit
PARAMS = {f"k{i}": 0 for i in range(10_000)}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
