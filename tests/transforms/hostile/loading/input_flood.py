# attack: 1,000 inputs
# expect: build.type
INPUT = {f"k{i}": "int" for i in range(1_000)}
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
