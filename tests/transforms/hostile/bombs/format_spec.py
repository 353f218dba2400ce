# attack: a format specification with a width of 1e9
# expect: script.memory
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    return {"v": f"{len(payload):>{10**9}}".encode()}
