# attack: an enum with ten thousand names
# expect: build.limit | build.type
OUTPUT = {"v": {"type": "enum", "names": tuple(map(str, range(10_000)))}}
def transform(payload):
    return {"v": 1}
