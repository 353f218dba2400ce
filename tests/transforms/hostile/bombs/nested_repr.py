# attack: the text of a list nested 100,000 deep
# expect: script.recursion
OUTPUT = {"v": {"type": "bytes", "max": 4096}}


def transform(payload):
    x = []
    for _ in range(100_000):
        x = [x]
    return {"v": repr(x).encode()}
