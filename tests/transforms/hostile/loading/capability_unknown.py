# attack: declare a capability that does not exist
# expect: build.type
NEEDS = ("network",)
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": payload}
