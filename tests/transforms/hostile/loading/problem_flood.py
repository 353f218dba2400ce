# attack: ten thousand faults to report
# expect: build.type | build.limit
OUTPUT = {"v": dict.fromkeys(map(str, range(10_000)), 1) | {"type": "i8"}}
def transform(payload):
    return {"v": 1}
