# attack: ten thousand examples
# expect: build.type
EXAMPLES = ({"in": {}, "out": ({},)},) * 10_000
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
